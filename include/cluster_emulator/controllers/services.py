"""The pods of a Service: the selection itself, and its EndpointSlice.

The ingress listener and `kubectl describe` use it. There is one slice for each service: the emulator has no service
with more than a hundred pods.
"""

from collections.abc import Hashable, Iterable

from cluster_emulator.controllers.pod_maker import is_ready
from cluster_emulator.history import Event, Key
from cluster_emulator.kinds import ENDPOINT_SLICE, POD, SERVICE
from cluster_emulator.objects import Object, lookup, owner_reference
from cluster_emulator.registry import Registry
from cluster_emulator.selectors import all_hold, from_label_selector
from cluster_emulator.store import Store


def selected_pods(store: Store, service: Object) -> list[Object]:
    """The pods a service selects, ready or not; none for a service without selector."""
    selector = lookup(service, "spec", "selector")
    if not selector:
        return []
    tests = from_label_selector({"matchLabels": selector})
    records = store.records(POD, service["metadata"]["namespace"])
    return [record.document() for record in records if all_hold(tests, record.selectable.labels)]


class ServiceController:
    """Keeps the EndpointSlices."""

    def __init__(self, registry: Registry) -> None:
        self._registry, self._store = registry, registry.store

    def woken_by(self, event: Event) -> Iterable[Hashable]:
        if event.key.kind is SERVICE:
            yield event.key
        elif event.key.kind is POD:
            for record in self._store.records(SERVICE, event.key.namespace):
                yield record.key

    def reconcile(self, item: Hashable) -> float | None:
        assert isinstance(item, Key)
        service = self._store.document(item)
        if service is None or not lookup(service, "spec", "selector"):
            return None
        desired = _slice(service, selected_pods(self._store, service))
        key = Key(ENDPOINT_SLICE, item.namespace, desired["metadata"]["name"])
        live = self._store.document(key)
        if live is None:
            self._registry.create(ENDPOINT_SLICE, item.namespace, desired)
        elif live["endpoints"] != desired["endpoints"] or live["ports"] != desired["ports"]:
            parts = {name: desired[name] for name in ("endpoints", "ports")}
            self._registry.change(key, lambda target: target.update(parts))
        return None


def _slice(service: Object, pods: list[Object]) -> Object:
    name = service["metadata"]["name"]
    return {
        "metadata": {
            "name": f"{name}-emulator",
            "labels": {"kubernetes.io/service-name": name},
            "ownerReferences": [owner_reference(service)],
        },
        "addressType": "IPv4",
        "endpoints": [_endpoint(pod) for pod in pods if lookup(pod, "status", "podIP")],
        "ports": [
            {
                "name": port.get("name", ""),
                "port": _number(port),
                "protocol": port["protocol"],
            }
            for port in lookup(service, "spec", "ports") or []
        ],
    }


def _number(port: Object) -> int:
    """A named target port would need the pod's own; the service's number is as good where nothing listens."""
    target = port.get("targetPort")
    return target if isinstance(target, int) else int(port["port"])


def _endpoint(pod: Object) -> Object:
    ready, metadata = is_ready(pod), pod["metadata"]
    return {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {
            "ready": ready,
            "serving": ready,
            "terminating": bool(metadata.get("deletionTimestamp")),
        },
        "nodeName": pod["spec"].get("nodeName", ""),
        "targetRef": {
            "kind": "Pod",
            "namespace": metadata["namespace"],
            "name": metadata["name"],
            "uid": metadata["uid"],
        },
    }
