"""One hand at a time: a newer task instance takes over from one that hangs or was stopped; that one changes nothing.

A stopped process is played by what happens `meanwhile`, in the middle of a call of its: the other takes over there.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tenancy.saga import facts as f
from tenancy.saga.commands import Reset
from tenancy.saga.errors import Refused, TenancyError, TransientError
from tenancy.saga.names import RunId
from tenancy.saga.states import StepStatus
from tests.integration.engine_harness import HANDLE, NO_OBJECTS, ORDER, SCHEMA, STORAGE, EngineHarness
from tests.real_systems import superuser


@contextmanager
def _databases_blocked(harness: EngineHarness) -> Iterator[None]:
    """CREATE DATABASE and DROP DATABASE wait inside the server."""
    with superuser(harness.server) as connection, connection.transaction():
        connection.execute("lock table pg_database in share mode")
        yield


def _wait_until_blocked(harness: EngineHarness, application: str) -> None:
    with superuser(harness.server) as connection:
        for _ in range(500):
            if connection.execute(_BLOCKED, (f"%{application}",)).fetchone():
                return
            connection.execute("select pg_sleep(0.01)")
    pytest.fail(f"{application} never waited for the table")


_BLOCKED = """
    select pid from pg_stat_activity
     where application_name like %s and wait_event_type = 'Lock' and query ilike '%%database%%'
"""


class _Process(threading.Thread):
    """A task or a callback beside the test; `error` is what became of it."""

    def __init__(self, deed: Callable[[], object]) -> None:
        super().__init__()
        self._deed = deed
        self.error: TenancyError | None = None

    def run(self) -> None:
        try:
            self._deed()
        except TenancyError as error:
            self.error = error


def test_a_second_task_instance_takes_over_from_one_that_is_blocked_in_the_server(harness: EngineHarness):
    harness.run_until(STORAGE)
    first, second = (_Process(lambda number=number: harness.run(STORAGE, number)) for number in (1, 2))
    with _databases_blocked(harness):
        first.start()
        _wait_until_blocked(harness, "ti-000001")
        second.start()
        _wait_until_blocked(harness, "ti-000002")
        first.join(10)
    second.join(10)
    assert isinstance(first.error, TransientError)
    assert second.error is None
    step = harness.saga.step(STORAGE)
    assert (step.status, step.holder) == (StepStatus.DONE, "ti-000002")
    assert {len(names) for names in harness.external_objects.values()} == {1, 0}
    evicted = harness.facts(f.HolderEvicted)
    assert [fact.system for fact in evicted] == ["the ledger", "the storage of region eu-central"]
    assert all("tenancy run ti-000001" in fact.holder for fact in evicted)


def test_unwinding_takes_over_from_a_task_that_is_blocked_in_the_server(harness: EngineHarness):
    harness.run_until(STORAGE)
    first, unwinder = _Process(lambda: harness.run(STORAGE, 1)), _Process(lambda: harness.give_up(STORAGE))
    with _databases_blocked(harness):
        first.start()
        _wait_until_blocked(harness, "ti-000001")
        unwinder.start()
        first.join(10)
    unwinder.join(20)
    assert isinstance(first.error, TransientError)
    assert harness.saga.phase == "Failed settled"
    assert harness.external_objects == NO_OBJECTS


def test_a_stopped_task_that_continues_after_its_successor_is_done_changes_nothing(harness: EngineHarness):
    harness.run_until(HANDLE)
    outside: list[dict[str, list[str]]] = []

    def overtaken() -> None:
        harness.run(HANDLE, 2)
        outside.append(harness.external_objects)

    harness.handles.meanwhile = overtaken
    with pytest.raises(TenancyError):
        harness.run(HANDLE, 1)
    assert harness.external_objects == outside[0]
    step = harness.saga.step(HANDLE)
    assert (step.status, step.holder) == (StepStatus.DONE, "ti-000002")
    assert harness.facts(f.ActivityFailed) == []


def test_a_stopped_task_that_continues_after_all_was_undone_makes_nothing(harness: EngineHarness):
    harness.run_until(HANDLE)
    harness.handles.meanwhile = lambda: harness.give_up(HANDLE)
    with pytest.raises(TenancyError):
        harness.run(HANDLE, 1)
    assert harness.external_objects == NO_OBJECTS
    assert harness.saga.phase == "Failed settled"


def test_a_stopped_task_that_continues_after_all_was_undone_and_retried_makes_nothing(harness: EngineHarness):
    harness.run_until(HANDLE)

    def undone_and_retried() -> None:
        harness.give_up(HANDLE)
        harness.record_commands(Reset())
        harness.run_until(HANDLE, 5, RunId("run-2"))

    harness.handles.meanwhile = undone_and_retried
    with pytest.raises(TenancyError):
        harness.run(HANDLE, 1)
    assert harness.external_objects["connection"] == []
    assert harness.run(HANDLE, 6, RunId("run-2")).step(HANDLE).status is StepStatus.DONE


def test_the_callback_of_an_overtaken_task_gives_up_nothing(harness: EngineHarness):
    harness.run_until(SCHEMA)
    harness.run(SCHEMA, 2)
    assert harness.give_up(SCHEMA, 1) is None
    assert harness.saga.phase == "Provisioning"
    assert [harness.run(activity, 2) for activity in ORDER[ORDER.index(SCHEMA) :]][-1].phase == "Active"


def test_every_task_is_refused_while_the_tenant_is_undone(harness: EngineHarness):
    harness.run_until(SCHEMA)
    harness.handles.failing = 1_000
    harness.give_up(SCHEMA)
    for phase, sentence in (("unwinding", "is being undone"), ("stuck", "could not be undone: cancel it again")):
        assert harness.saga.phase == f"Failed {phase}"
        with pytest.raises(Refused, match=sentence):
            harness.run(SCHEMA, 7)
        if phase == "unwinding":
            harness.unwind()
