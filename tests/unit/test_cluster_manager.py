"""The controllers' queue: everything once, later means once later, and a failure is tried again."""

from collections.abc import Hashable, Iterable

from cluster_emulator.api_errors import bad_request
from cluster_emulator.clock import ManualClock
from cluster_emulator.controllers.manager import ControllerManager
from cluster_emulator.disk import Disk
from cluster_emulator.history import Event, Key
from cluster_emulator.kinds import CONFIG_MAP
from cluster_emulator.store import Store


class Diary:
    """A controller that writes down what it is asked to look at."""

    def __init__(self, answers: Iterable[float | Exception | None] = ()) -> None:
        self.reconciled: list[Hashable] = []
        self._answers = iter(answers)

    def woken_by(self, event: Event) -> Iterable[Hashable]:
        yield event.key.name

    def reconcile(self, item: Hashable) -> float | None:
        self.reconciled.append(item)
        answer = next(self._answers, None)
        if isinstance(answer, Exception):
            raise answer
        return answer


def play(diary: Diary) -> tuple[Store, ControllerManager, ManualClock]:
    store, clock = Store(Disk(":memory:")), ManualClock()
    return store, ControllerManager(store, clock, [diary]), clock


def change(store: Store, name: str = "a") -> None:
    store.write(Key(CONFIG_MAP, "n", name), {"metadata": {"name": name, "namespace": "n", "uid": name}})


def test_many_changes_are_checked_once() -> None:
    diary = Diary()
    store, manager, _ = play(diary)
    for _ in range(5):
        change(store)
    change(store, "b")
    manager.settle()
    assert diary.reconciled == ["a", "b"]


def test_later_is_not_before_its_time() -> None:
    diary = Diary([10.0])
    store, manager, clock = play(diary)
    change(store)
    manager.settle()
    clock.advance(9)
    manager.settle()
    assert diary.reconciled == ["a"]
    clock.advance(1)
    manager.settle()
    assert diary.reconciled == ["a", "a"]


def test_alarms_do_not_multiply() -> None:
    diary = Diary([10.0] * 5)
    store, manager, clock = play(diary)
    for _ in range(5):
        change(store)
        manager.settle()
    diary.reconciled.clear()
    clock.advance(100)
    manager.settle()
    assert diary.reconciled == ["a"]


def test_an_answer_of_never_cancels_the_alarm() -> None:
    diary = Diary([10.0, None])
    store, manager, clock = play(diary)
    for _ in range(2):
        change(store)
        manager.settle()
    clock.advance(100)
    manager.settle()
    assert diary.reconciled == ["a", "a"]


def test_a_failure_is_tried_again() -> None:
    diary = Diary([bad_request("not now"), RuntimeError("a mistake of ours")])
    store, manager, clock = play(diary)
    change(store)
    for _ in range(3):
        manager.settle()
        clock.advance(1)
    assert diary.reconciled == ["a", "a", "a"]


def test_everything_is_checked_after_a_start() -> None:
    store = Store(Disk(":memory:"))
    change(store, "old")
    diary = Diary()
    ControllerManager(store, ManualClock(), [diary]).settle()
    assert diary.reconciled == ["old"]
