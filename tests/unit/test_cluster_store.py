"""What is stored is there again after a restart, in the same words and with the same versions."""

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster_emulator.api_errors import ApiError
from cluster_emulator.clock import ManualClock
from cluster_emulator.disk import Disk, Row
from cluster_emulator.emulator import ClusterEmulator
from cluster_emulator.faults import parse
from cluster_emulator.history import DELETED, Event, History, Key
from cluster_emulator.kinds import CONFIG_MAP, DEPLOYMENT
from cluster_emulator.selectors import Selectable
from cluster_emulator.store import Store
from tests.unit.cluster import deployment

STEPS = st.lists(st.tuples(st.sampled_from(["write", "remove"]), st.sampled_from("abc")), max_size=20)


def key(name: str) -> Key:
    return Key(CONFIG_MAP, "n", name)


def document(name: str) -> dict[str, object]:
    return {"metadata": {"name": name, "namespace": "n", "uid": f"uid-{name}"}, "data": {"k": "ä"}}


def contents(store: Store) -> dict[Key, tuple[int, bytes]]:
    return {k: (store.get(k).version, store.get(k).raw) for k in store}


def test_another_process_cannot_open_the_same_state(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "state")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        Disk(tmp_path / "state", timeout_seconds=0)
    disk.close()


def test_a_restart_continues_where_it_was(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "state")
    emulator = ClusterEmulator(disk, ManualClock())
    emulator.registry.create(DEPLOYMENT, "default", deployment(replicas=2))
    emulator.controllers.settle()
    emulator.faults.add(parse({"kind": "slow", "milliseconds": 5}))
    before, version = contents(emulator.store), emulator.store.version
    disk.close()
    again = ClusterEmulator(Disk(tmp_path / "state"), ManualClock())
    assert contents(again.store) == before
    assert again.store.version == version
    assert [fault.kind for fault in again.faults.all()] == ["slow"]


@given(STEPS)
def test_memory_and_disk_agree_after_any_steps(steps: list[tuple[str, str]]) -> None:
    disk = Disk(":memory:")
    store = Store(disk)
    for step, name in steps:
        if step == "write":
            store.write(key(name), document(name))
        elif store.find(key(name)):
            store.remove(key(name))
    reloaded = Store(disk)
    assert contents(reloaded) == contents(store)
    assert reloaded.version == store.version == 1000 + version_steps(steps)
    disk.close()


def version_steps(steps: list[tuple[str, str]]) -> int:
    there: set[str] = set()
    count = 0
    for step, name in steps:
        if step == "write" or name in there:
            count += 1
        (there.add if step == "write" else there.discard)(name)
    return count


def test_a_kind_no_longer_served_is_left_alone(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "state")
    disk.save(Row("widgets.example.com", "n", "a", 1001, b"{}"))
    assert list(Store(disk)) == []
    disk.close()


def test_the_index_of_owners_follows_every_change() -> None:
    store = Store(Disk(":memory:"))
    owned = document("child")
    owned["metadata"]["ownerReferences"] = [{"uid": "uid-owner"}]  # type: ignore[index]
    store.write(key("child"), owned)
    assert [record.key.name for record in store.owned_by("uid-owner")] == ["child"]
    store.write(key("child"), document("child"))
    assert store.owned_by("uid-owner") == []


def test_what_history_forgot_cannot_be_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    history = History(floor=10)
    monkeypatch.setattr("cluster_emulator.history._KEPT_EVENTS", 2)
    nothing = Selectable({}, {})
    for version in (11, 12, 13):
        history.publish(Event(DELETED, version, key("a"), b"{}", nothing, None))
    with pytest.raises(ApiError, match="too old resource version: 10"):
        history.subscribe(CONFIG_MAP, "n", 10)
    watcher = history.subscribe(CONFIG_MAP, "n", 11)
    assert [event.version for event in watcher.taken()] == [12, 13]
