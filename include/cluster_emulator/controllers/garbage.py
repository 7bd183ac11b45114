"""The garbage collector. Dependants are deleted after their owner, before it, or not at all, as the deletion asked.

It uses the owners' uids from ownerReferences. Background deletion is the default; Foreground waits for dependants,
Orphan releases them. An object whose owner never existed is collected too, as in Kubernetes.
"""

from collections.abc import Hashable, Iterable

from cluster_emulator import deletion
from cluster_emulator.deletion import DeleteOptions
from cluster_emulator.history import DELETED, Event, Key
from cluster_emulator.objects import FOREGROUND, ORPHAN, Object, decode, owner_references
from cluster_emulator.registry import Registry
from cluster_emulator.store import Record


class GarbageCollector:
    """Follows ownerReferences."""

    def __init__(self, registry: Registry) -> None:
        self._registry, self._store = registry, registry.store

    def woken_by(self, event: Event) -> Iterable[Hashable]:
        yield from event.owners  # of a new dependant, or of one that is gone
        # Cheaper than decoding every event: no other metadata contains these words.
        going = b'"deletionTimestamp"' in event.raw
        if event.type == DELETED or going:
            yield str(decode(event.raw)["metadata"]["uid"])

    def reconcile(self, item: Hashable) -> float | None:
        uid = str(item)
        owner_key = self._store.with_uid(uid)
        dependants = self._store.owned_by(uid)
        if owner_key is None:
            for dependant in dependants:
                self._collect(dependant, uid)
            return None
        owner = self._store.get(owner_key).document()
        finalizers = owner["metadata"].get("finalizers") or []
        if not owner["metadata"].get("deletionTimestamp"):
            return None
        if ORPHAN in finalizers:
            self._orphan(owner_key, dependants, uid)
        elif FOREGROUND in finalizers:
            self._before_owner(owner_key, dependants, uid)
        return None

    def _collect(self, dependant: Record, gone: str) -> None:
        if self._store.find(dependant.key) is None:
            return
        if any(self._store.with_uid(owner) for owner in dependant.owners if owner != gone):
            self._registry.change(dependant.key, lambda obj: _cut_loose(obj, gone))
        else:
            deletion.delete(self._registry, dependant.key)

    def _orphan(self, owner: Key, dependants: list[Record], uid: str) -> None:
        for dependant in dependants:
            self._registry.change(dependant.key, lambda obj: _cut_loose(obj, uid))
        self._release(owner, ORPHAN)

    def _before_owner(self, owner: Key, dependants: list[Record], uid: str) -> None:
        for dependant in dependants:
            if self._store.find(dependant.key):
                deletion.delete(self._registry, dependant.key, DeleteOptions(propagation="Foreground"))
        if not any(_blocks(record.document(), uid) for record in self._store.owned_by(uid)):
            self._release(owner, FOREGROUND)

    def _release(self, key: Key, finalizer: str) -> None:
        def edit(obj: Object) -> None:
            obj["metadata"]["finalizers"] = [f for f in obj["metadata"]["finalizers"] if f != finalizer]

        self._registry.change(key, edit)


def _cut_loose(obj: Object, uid: str) -> None:
    kept = [reference for reference in owner_references(obj) if reference["uid"] != uid]
    obj["metadata"]["ownerReferences"] = kept
    if not kept:
        del obj["metadata"]["ownerReferences"]


def _blocks(obj: Object, uid: str) -> bool:
    return any(r["uid"] == uid and r.get("blockOwnerDeletion") for r in owner_references(obj))
