"""Kubernetes Events: messages of controllers, scheduler and kubelet about an object, as in `kubectl describe`.

Every controller writes through `Recorder`. The same message about the same object raises a count instead of adding an
event, as in the real recorder. Only the namespace's last few hundred events are kept.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

from cluster_emulator.api_errors import ApiError
from cluster_emulator.history import Key
from cluster_emulator.kinds import EVENT
from cluster_emulator.objects import Object
from cluster_emulator.registry import Registry

_KEPT_PER_NAMESPACE: Final = 300


@dataclass(frozen=True, slots=True)
class Note:
    """One event."""

    reason: str
    message: str
    component: str
    warning: bool = False


class Recorder:
    """Writes notes as Event objects."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def say(self, about: Object, note: Note) -> None:
        """Never fails: an event that cannot be written (namespace going) is dropped, as it is in Kubernetes."""
        metadata = about["metadata"]
        namespace = metadata.get("namespace") or "default"
        words = f"{metadata['uid']}/{note.reason}/{note.message}"
        name = f"{metadata['name'][:230]}.{hashlib.sha256(words.encode()).hexdigest()[:16]}"
        key = Key(EVENT, namespace, name)
        try:
            if self._registry.store.find(key):
                self._registry.change(key, self._again)
            else:
                self._registry.create(EVENT, namespace, self._event(about, note, name))
                self._drop_oldest(namespace)
        except ApiError:
            return

    def _again(self, event: Object) -> None:
        event["count"] += 1
        event["lastTimestamp"] = self._registry.clock.stamp()

    def _event(self, about: Object, note: Note, name: str) -> Object:
        metadata, stamp = about["metadata"], self._registry.clock.stamp()
        involved = {
            "apiVersion": about["apiVersion"],
            "kind": about["kind"],
            "name": metadata["name"],
            "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
        }
        if "namespace" in metadata:
            involved["namespace"] = metadata["namespace"]
        return {
            "metadata": {"name": name},
            "involvedObject": involved,
            "reason": note.reason,
            "message": note.message,
            "type": "Warning" if note.warning else "Normal",
            "source": {"component": note.component},
            "reportingComponent": note.component,
            "reportingInstance": "",
            "firstTimestamp": stamp,
            "lastTimestamp": stamp,
            "count": 1,
        }

    def _drop_oldest(self, namespace: str) -> None:
        store = self._registry.store
        if store.count(EVENT, namespace) > _KEPT_PER_NAMESPACE:
            oldest = min(store.records(EVENT, namespace), key=lambda record: record.version)
            store.remove(oldest.key)
