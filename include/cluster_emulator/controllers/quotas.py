"""The quota controller: `status.used` of every ResourceQuota, after a counted object appears or disappears.

The refusal is in `quota.py`, which counts for itself. This only maintains the numbers that kubectl and the console
show.
"""

from collections.abc import Hashable, Iterable

from cluster_emulator import quantities, quota
from cluster_emulator.history import MODIFIED, Event, Key
from cluster_emulator.kinds import EVENT, POD, QUOTA
from cluster_emulator.objects import Object, lookup
from cluster_emulator.registry import Registry


class QuotaController:
    """Counts."""

    def __init__(self, registry: Registry) -> None:
        self._registry, self._store = registry, registry.store

    def woken_by(self, event: Event) -> Iterable[Hashable]:
        if event.key.kind is QUOTA:
            yield event.key
        elif event.key.kind is not EVENT and (event.type != MODIFIED or event.key.kind is POD):
            for record in self._store.records(QUOTA, event.key.namespace):
                yield record.key

    def reconcile(self, item: Hashable) -> float | None:
        assert isinstance(item, Key)
        found = self._store.document(item)
        if found is None or found["metadata"].get("deletionTimestamp"):
            return None
        hard = lookup(found, "spec", "hard") or {}
        used = {
            resource: quantities.write(quota.used(self._store, item.namespace, resource), resource) for resource in hard
        }
        status: Object = {"hard": hard, "used": used}
        if status != found.get("status"):
            self._registry.change(item, lambda target: target.update(status=status), "status")
        return None
