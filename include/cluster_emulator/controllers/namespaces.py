"""The life of a namespace: its default objects, and its deletion with everything in it, which begins after a delay.

Creates the default service account and the cluster's CA bundle in each namespace, empties a deleted namespace, reports
in its conditions what and which finalizer still remains, and removes it. Nothing else deletes across kinds.
"""

from collections import Counter
from collections.abc import Hashable, Iterable
from datetime import datetime, timedelta
from typing import Final

from cluster_emulator import deletion
from cluster_emulator.api_errors import ApiError
from cluster_emulator.clock import parse_stamp
from cluster_emulator.history import Event, Key
from cluster_emulator.kinds import CONFIG_MAP, NAMESPACE, SERVICE_ACCOUNT
from cluster_emulator.objects import Object
from cluster_emulator.registry import Registry

_HELD_SECONDS: Final = 5.0
DELAY_SECONDS: Final = 5.0
"""A real cluster begins so long after the deletion (kube-controller-manager, `namespaceDeletionGracePeriod`)."""
_CA_BUNDLE: Final = "kube-root-ca.crt"


class NamespaceController:
    """Furnishes namespaces and clears them away."""

    def __init__(self, registry: Registry, ca_pem: str, delay_seconds: float = DELAY_SECONDS) -> None:
        self._registry, self._store, self._ca_pem = registry, registry.store, ca_pem
        self._delay = delay_seconds
        # Stamps have whole seconds; within one life of the server the delay is exact.
        self._deleted_at: dict[str, datetime] = {}

    def woken_by(self, event: Event) -> Iterable[Hashable]:
        if event.key.kind is NAMESPACE:
            yield event.key
        elif event.key.namespace and (event.key.kind is SERVICE_ACCOUNT or self._is_ending(event.key.namespace)):
            yield Key(NAMESPACE, "", event.key.namespace)

    def _is_ending(self, namespace: str) -> bool:
        record = self._store.find(Key(NAMESPACE, "", namespace))
        return record is not None and record.selectable.fields["status.phase"] == "Terminating"

    def reconcile(self, item: Hashable) -> float | None:
        assert isinstance(item, Key)
        namespace = self._store.document(item)
        if namespace is None:
            return None
        if not namespace["metadata"].get("deletionTimestamp"):
            self._furnish(item.name)
            return None
        waiting = self._delay - self._age(namespace["metadata"])
        return waiting if waiting > 0 else self._clear(item, namespace)

    def _age(self, metadata: Object) -> float:
        """Simulated seconds since the deletion."""
        since = self._deleted_at.setdefault(metadata["uid"], self._registry.clock.now())
        return self._registry.clock.age(min(since, parse_stamp(metadata["deletionTimestamp"]) + timedelta(seconds=1)))

    def _furnish(self, name: str) -> None:
        if self._store.find(Key(SERVICE_ACCOUNT, name, "default")) is None:
            self._registry.create(SERVICE_ACCOUNT, name, {"metadata": {"name": "default"}})
        if self._store.find(Key(CONFIG_MAP, name, _CA_BUNDLE)) is None:
            bundle = {"metadata": {"name": _CA_BUNDLE}, "data": {"ca.crt": self._ca_pem}}
            try:
                self._registry.create(CONFIG_MAP, name, bundle)
            except ApiError:
                return  # a quota of config maps; nobody needs the bundle

    def _clear(self, key: Key, namespace: Object) -> float | None:
        for content in self._store.contents(key.name):
            if self._store.find(content):  # an earlier deletion may have taken it along
                deletion.delete(self._registry, content)
        left = self._store.contents(key.name)
        if left:
            self._say_what_is_left(key, namespace, left)
            return _HELD_SECONDS
        if "kubernetes" in namespace["spec"].get("finalizers", []):
            self._deleted_at.pop(namespace["metadata"]["uid"], None)
            self._registry.change(key, _finalized)
        return None

    def _say_what_is_left(self, key: Key, namespace: Object, left: list[Key]) -> None:
        kinds = Counter(f"{content.kind.plural}.{content.kind.group}" for content in left)
        finalizers: Counter[str] = Counter()
        for content in left:
            record = self._store.get(content).document()
            finalizers.update(record["metadata"].get("finalizers") or [])
        conditions = [
            _condition(
                "NamespaceContentRemaining",
                "SomeResourcesRemain",
                "Some resources are remaining: "
                + ", ".join(f"{resource} has {n} resource instances" for resource, n in sorted(kinds.items())),
            )
        ]
        if finalizers:
            message = "Some content in the namespace has finalizers remaining: " + ", ".join(
                f"{name} in {n} resource instances" for name, n in sorted(finalizers.items())
            )
            conditions.append(_condition("NamespaceFinalizersRemaining", "SomeFinalizersRemain", message))
        before = (namespace.get("status") or {}).get("conditions") or []
        if [c["message"] for c in before] == [c["message"] for c in conditions]:
            return
        stamp = self._registry.clock.stamp()
        status = {
            "phase": "Terminating",
            "conditions": [{**c, "lastTransitionTime": stamp} for c in conditions],
        }
        self._registry.change(key, lambda target: target.update(status=status), "status")


def _condition(kind: str, reason: str, message: str) -> Object:
    return {"type": kind, "status": "True", "reason": reason, "message": message}


def _finalized(namespace: Object) -> None:
    namespace["spec"]["finalizers"] = [f for f in namespace["spec"]["finalizers"] if f != "kubernetes"]
