"""The ingress controller's half that others see: an address in the status of every Ingress.

The half that answers is `cluster_emulator.ingress`. Without an address Helm's wait and kubectl show the Ingress as
pending.
"""

from collections.abc import Hashable, Iterable
from typing import Final

from cluster_emulator.history import DELETED, Event, Key
from cluster_emulator.kinds import INGRESS
from cluster_emulator.objects import Object, lookup
from cluster_emulator.registry import Registry

_STATUS: Final[Object] = {"loadBalancer": {"ingress": [{"ip": "127.0.0.1"}]}}


class IngressController:
    """Publishes the listener's address."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def woken_by(self, event: Event) -> Iterable[Hashable]:
        if event.key.kind is INGRESS and event.type != DELETED:
            yield event.key

    def reconcile(self, item: Hashable) -> float | None:
        assert isinstance(item, Key)
        ingress = self._registry.store.document(item)
        if ingress and not lookup(ingress, "status", "loadBalancer", "ingress"):
            self._registry.change(item, lambda target: target.update(status=dict(_STATUS)), "status")
        return None
