"""Binds volume claims, as a cluster with a dynamic provisioner does. There are no volumes behind them.

A claim of a class that does not exist stays pending, and one of a class with WaitForFirstConsumer until a pod mounts
it. No object of kind PersistentVolume is made.
"""

from collections.abc import Hashable, Iterable
from typing import Final

from cluster_emulator.controllers.notes import Note, Recorder
from cluster_emulator.controllers.references import claim_names
from cluster_emulator.history import Event, Key
from cluster_emulator.kinds import POD, STORAGE_CLASS, VOLUME_CLAIM
from cluster_emulator.objects import Object, lookup
from cluster_emulator.registry import Registry

_COMPONENT: Final = "persistentvolume-controller"
DEFAULT_CLASS: Final[Object] = {
    "metadata": {"name": "standard", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
    "provisioner": "emulator.example.com/nothing",
}


class VolumeController:
    """Keeps the status of claims."""

    def __init__(self, registry: Registry, recorder: Recorder) -> None:
        self._registry, self._store, self._recorder = registry, registry.store, recorder

    def woken_by(self, event: Event) -> Iterable[Hashable]:
        if event.key.kind is VOLUME_CLAIM:
            yield event.key
        elif event.key.kind in (POD, STORAGE_CLASS):
            for record in self._store.records(VOLUME_CLAIM, event.key.namespace):
                yield record.key

    def reconcile(self, item: Hashable) -> float | None:
        assert isinstance(item, Key)
        claim = self._store.document(item)
        if claim is None or claim["metadata"].get("deletionTimestamp"):
            return None
        if lookup(claim, "status", "phase") == "Bound":
            return None
        name = claim["spec"].get("storageClassName", DEFAULT_CLASS["metadata"]["name"])
        obstacle = self._obstacle(claim, name)
        if obstacle is None:
            self._bind(item, claim, name)
        elif lookup(claim, "status", "phase") is None:
            self._registry.change(item, lambda target: target.update(status={"phase": "Pending"}), "status")
        if obstacle:
            self._recorder.say(claim, obstacle)
        return None

    def _obstacle(self, claim: Object, name: str) -> Note | None:
        if not name:
            message = "no persistent volumes available for this claim and no storage class is set"
            return Note("FailedBinding", message, _COMPONENT)
        storage_class = self._store.document(Key(STORAGE_CLASS, "", name))
        if storage_class is None:
            message = f'storageclass.storage.k8s.io "{name}" not found'
            return Note("ProvisioningFailed", message, _COMPONENT, warning=True)
        if storage_class["volumeBindingMode"] == "WaitForFirstConsumer" and not self._has_consumer(claim):
            message = "waiting for first consumer to be created before binding"
            return Note("WaitForFirstConsumer", message, _COMPONENT)
        return None

    def _has_consumer(self, claim: Object) -> bool:
        metadata = claim["metadata"]
        pods = self._store.records(POD, metadata["namespace"])
        return any(metadata["name"] in claim_names(record.document()) for record in pods)

    def _bind(self, key: Key, claim: Object, name: str) -> None:
        volume = f"pvc-{claim['metadata']['uid']}"
        self._registry.change(key, lambda target: target["spec"].update(volumeName=volume, storageClassName=name))
        status = {
            "phase": "Bound",
            "accessModes": claim["spec"]["accessModes"],
            "capacity": dict(claim["spec"]["resources"]["requests"]),
        }
        self._registry.change(key, lambda target: target.update(status=status), "status")
        message = f"Successfully provisioned volume {volume}"
        self._recorder.say(claim, Note("ProvisioningSucceeded", message, _COMPONENT))
