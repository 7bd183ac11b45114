"""Creates and deletes the pods of one controller, with its events. Used by all controllers that own pods."""

from cluster_emulator import deletion
from cluster_emulator.api_errors import ApiError
from cluster_emulator.controllers.notes import Note, Recorder
from cluster_emulator.history import Key
from cluster_emulator.kinds import POD
from cluster_emulator.objects import Object, labels, lookup, owner_reference
from cluster_emulator.registry import Registry

REVISION: str = "controller-revision-hash"
"""The label of pods whose owner has no ReplicaSet in between."""


class PodMaker:
    """Makes pods in the name of a controller."""

    def __init__(self, registry: Registry, recorder: Recorder, component: str) -> None:
        self._registry, self._recorder, self._component = registry, recorder, component

    def create(self, owner: Object, pod: Object) -> ApiError | None:
        """The refusal, if it may not be created (quota, service account, namespace)."""
        try:
            made = self._registry.create(POD, owner["metadata"]["namespace"], pod)
        except ApiError as error:
            if "NamespaceTerminating" not in str(error.details):
                note = Note("FailedCreate", f"Error creating: {error.message}", self._component, warning=True)
                self._recorder.say(owner, note)
            return error
        message = f"Created pod: {made['metadata']['name']}"
        self._recorder.say(owner, Note("SuccessfulCreate", message, self._component))
        return None

    def delete(self, owner: Object, pod: Object) -> None:
        metadata = pod["metadata"]
        deletion.delete(self._registry, Key(POD, metadata["namespace"], metadata["name"]))
        message = f"Deleted pod: {metadata['name']}"
        self._recorder.say(owner, Note("SuccessfulDelete", message, self._component))


def pod_of(owner: Object, name: str = "", **more_labels: str) -> Object:
    """A pod from the owner's template. Without a name it gets one that begins with the owner's."""
    template = owner["spec"]["template"]
    named = {"name": name} if name else {"generateName": f"{owner['metadata']['name']}-"}
    metadata: Object = {
        **named,
        "labels": {**labels(template), **more_labels},
        "ownerReferences": [owner_reference(owner)],
    }
    if template["metadata"].get("annotations"):
        metadata["annotations"] = template["metadata"]["annotations"]
    return {"metadata": metadata, "spec": dict(template["spec"])}


def is_alive(pod: Object) -> bool:
    """It has not ended and is not being deleted."""
    return not has_ended(pod) and not is_ending(pod)


def has_ended(pod: Object) -> bool:
    return lookup(pod, "status", "phase") in ("Succeeded", "Failed")


def is_ending(pod: Object) -> bool:
    return bool(pod["metadata"].get("deletionTimestamp"))


def is_ready(pod: Object) -> bool:
    conditions = lookup(pod, "status", "conditions") or []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
