"""The field managers of an object: reads, writes and moves `metadata.managedFields`.

`registry.py` passes it every write, the controllers' own included; `apply.py` passes server-side applies.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from cluster_emulator.fieldsets import FieldSet, Path, field_set, from_fields_v1, to_fields_v1
from cluster_emulator.objects import Object

_TRACKED_AT_MOST = 40  # a manager name per client version would otherwise grow an object for ever


@dataclass(frozen=True, slots=True)
class FieldManager:
    """Who writes, how (Apply or Update), and through which subresource."""

    name: str
    operation: str
    subresource: str = ""

    def words(self, api_version: str) -> str:
        """As a conflict names it, after the manager's name."""
        if self.operation == "Apply":
            return ""
        via = f" using {api_version}"
        return f" with subresource {self.subresource!r}".replace("'", '"') + via if self.subresource else via


@dataclass(slots=True)
class Ownership:
    """The managers of one object, with the paths each owns and since when."""

    paths: dict[FieldManager, set[Path]] = field(default_factory=dict)
    times: dict[FieldManager, str] = field(default_factory=dict)

    def take(self, manager: FieldManager, paths: Iterable[Path], stamp: str) -> None:
        self.paths[manager] = set(paths)
        self.times[manager] = stamp

    def of(self, manager: FieldManager) -> set[Path]:
        return self.paths.get(manager, set())

    def others(self, manager: FieldManager) -> list[tuple[FieldManager, set[Path]]]:
        return [(other, paths) for other, paths in self.paths.items() if other != manager]

    def release(self, paths: Iterable[Path], *, keep: FieldManager | None) -> None:
        """Nobody but `keep` owns these any longer."""
        gone = set(paths)
        for manager, owned in self.paths.items():
            if manager != keep:
                owned.difference_update(gone)


def read(obj: Object) -> Ownership:
    ownership = Ownership()
    for entry in obj.get("metadata", {}).get("managedFields") or []:
        manager = FieldManager(entry.get("manager", ""), entry["operation"], entry.get("subresource", ""))
        ownership.take(manager, from_fields_v1(entry.get("fieldsV1") or {}), entry.get("time", ""))
    return ownership


def write(obj: Object, ownership: Ownership) -> None:
    """Puts managedFields into the object; managers that own nothing leave."""
    entries = [
        _entry(manager, paths, obj["apiVersion"], ownership.times[manager])
        for manager, paths in ownership.paths.items()
        if paths
    ]
    obj["metadata"].pop("managedFields", None)
    if entries:
        obj["metadata"]["managedFields"] = entries[-_TRACKED_AT_MOST:]


def _entry(manager: FieldManager, paths: set[Path], api_version: str, stamp: str) -> Object:
    entry = {
        "manager": manager.name,
        "operation": manager.operation,
        "apiVersion": api_version,
        "time": stamp,
        "fieldsType": "FieldsV1",
        "fieldsV1": to_fields_v1(paths),
    }
    return entry | ({"subresource": manager.subresource} if manager.subresource else {})


def record_update(before: Object | None, after: Object, manager: FieldManager, stamp: str) -> None:
    """An ordinary write: the manager owns what it changed, nobody owns what it removed."""
    ownership = read(before or {})
    old, new = field_set(before or {}), field_set(after)
    changed = _changed(old, new)
    ownership.release([*changed, *(path for path in old if path not in new)], keep=None)
    if changed:
        ownership.take(manager, ownership.of(manager) | changed, stamp)
    write(after, ownership)


def _changed(old: FieldSet, new: FieldSet) -> set[Path]:
    return {path for path, value in new.items() if path not in old or old[path] != value}
