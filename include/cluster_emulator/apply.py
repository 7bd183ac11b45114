"""Server-side apply: merge what a manager declares, find conflicts, drop what it no longer declares.

Called by `registry.py` for `application/apply-patch+yaml`. Pure: takes the live object and the declared one, gives
the merged one with its managedFields. Semantics: kubernetes.io, "Server-Side Apply"; schema from `listkeys.py`.
"""

from dataclasses import dataclass

from cluster_emulator import api_errors, managers
from cluster_emulator.fieldsets import FieldSet, Path, field_set, names_its_item, without, words
from cluster_emulator.managers import FieldManager, Ownership
from cluster_emulator.objects import Object
from cluster_emulator.strategic import strategic_merge


@dataclass(frozen=True, slots=True)
class Declaration:
    """The fields that one manager applies."""

    config: Object
    manager: FieldManager
    force: bool


def created(declaration: Declaration, stamp: str) -> Object:
    """The object when there was none."""
    obj = dict(declaration.config)
    obj["metadata"] = dict(obj.get("metadata") or {})
    ownership = Ownership()
    ownership.take(declaration.manager, field_set(declaration.config), stamp)
    managers.write(obj, ownership)
    return obj


def merged(live: Object, declaration: Declaration, stamp: str) -> Object:
    """The live object with the declaration merged in; 409 names every conflict."""
    manager, desired = declaration.manager, field_set(declaration.config)
    ownership = managers.read(live)
    conflicts = _conflicts(field_set(live), desired, ownership, manager)
    if conflicts and not declaration.force:
        raise api_errors.apply_conflict(
            [(other.name, other.words(live["apiVersion"]), words(path)) for other, path in conflicts]
        )
    ownership.release([path for _, path in conflicts], keep=manager)
    obj: Object = strategic_merge(live, _declared(declaration.config))
    for path in _abandoned(desired, ownership, manager):
        obj = without(obj, path)
    unchanged = ownership.of(manager) == set(desired)
    since = ownership.times.get(manager, stamp) if unchanged else stamp
    ownership.take(manager, desired, since)
    obj["metadata"] = dict(obj["metadata"])
    managers.write(obj, ownership)
    return obj


def _declared(config: Object) -> Object:
    """Without what only names the object: it must not overwrite what the server wrote."""
    metadata = dict(config.get("metadata") or {})
    for name in ("resourceVersion", "uid", "creationTimestamp", "managedFields", "generation"):
        metadata.pop(name, None)
    return {**config, "metadata": metadata}


def _conflicts(
    live: FieldSet, desired: FieldSet, ownership: Ownership, manager: FieldManager
) -> list[tuple[FieldManager, Path]]:
    return [
        (other, path)
        for other, paths in ownership.others(manager)
        for path in sorted(desired.keys() & paths)
        if live.get(path) != desired[path]
    ]


def _abandoned(desired: FieldSet, ownership: Ownership, manager: FieldManager) -> list[Path]:
    """What the manager owned, declares no longer, and nobody else holds: whole items before what is in them."""
    held = {path for _, paths in ownership.others(manager) for path in paths}
    gone = ownership.of(manager) - desired.keys() - held
    free = [path for path in gone if not _holds_below(path, held) and not _holds_below(path, desired)]
    return sorted((path for path in free if not names_its_item(path)), key=len)


def _holds_below(path: Path, held: "set[Path] | FieldSet") -> bool:
    return any(other[: len(path)] == path for other in held)
