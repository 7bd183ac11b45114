"""The Deployment controller: one ReplicaSet per pod template, rolled from the old ones to the new.

Makes and sizes ReplicaSets, keeps revisions (which `kubectl rollout undo` and Helm's readiness read), and reports.
Pods are the ReplicaSet controller's; pausing and progress across restarts follow the real controller.
"""

import hashlib
from collections.abc import Hashable, Iterable
from typing import Final

from cluster_emulator.controllers import deployment_status
from cluster_emulator.controllers.notes import Note, Recorder
from cluster_emulator.controllers.rollout import Bounds, Size, next_new_size, next_old_sizes
from cluster_emulator.history import Event, Key
from cluster_emulator.kinds import DEPLOYMENT, REPLICA_SET
from cluster_emulator.objects import Object, encode, labels, lookup, owner_reference
from cluster_emulator.registry import Registry

_COMPONENT: Final = "deployment-controller"
_REVISION: Final = "deployment.kubernetes.io/revision"
_HASH: Final = "pod-template-hash"


class DeploymentController:
    """Brings Deployments to their templates."""

    def __init__(self, registry: Registry, recorder: Recorder) -> None:
        self._registry, self._store, self._recorder = registry, registry.store, recorder

    def woken_by(self, event: Event) -> Iterable[Hashable]:
        if event.key.kind is DEPLOYMENT:
            yield event.key
        elif event.key.kind is REPLICA_SET:
            yield from self._store.owners(event.owners, DEPLOYMENT)

    def reconcile(self, item: Hashable) -> float | None:
        assert isinstance(item, Key)
        deployment = self._store.document(item)
        if deployment is None or deployment["metadata"].get("deletionTimestamp"):
            return None
        sets = [r.document() for r in self._store.owned_by(deployment["metadata"]["uid"], REPLICA_SET)]
        new = self._new_set(deployment, sets)
        if new is None:
            return None
        old = [rs for rs in sets if rs["metadata"]["uid"] != new["metadata"]["uid"]]
        if not deployment["spec"].get("paused"):
            self._roll(deployment, new, old)
            self._forget_history(deployment, old)
        return self._report(item, new)

    def _new_set(self, deployment: Object, sets: list[Object]) -> Object | None:
        """The ReplicaSet of the present template, made when missing, with the highest revision."""
        name = f"{deployment['metadata']['name']}-{template_hash(deployment)}"
        newest = max((_revision(rs) for rs in sets), default=0)
        found = next((rs for rs in sets if rs["metadata"]["name"] == name), None)
        if found is None:
            if deployment["spec"].get("paused"):
                return None
            found = self._make(deployment, name, newest + 1)
        elif _revision(found) < newest:
            found = self._mark(found, newest + 1)  # a rollback: the old template is the newest revision now
        if lookup(deployment, "metadata", "annotations", _REVISION) != str(_revision(found)):
            self._mark(deployment, _revision(found))
        return found

    def _make(self, deployment: Object, name: str, revision: int) -> Object:
        spec, namespace = deployment["spec"], deployment["metadata"]["namespace"]
        hashed = {_HASH: name.rpartition("-")[2]}
        pod_labels = {**labels(spec["template"]), **hashed}
        template = {**spec["template"], "metadata": {**spec["template"]["metadata"], "labels": pod_labels}}
        selector = {**spec["selector"], "matchLabels": {**(spec["selector"].get("matchLabels") or {}), **hashed}}
        return self._registry.create(
            REPLICA_SET,
            namespace,
            {
                "metadata": {
                    "name": name,
                    "labels": pod_labels,
                    "annotations": {_REVISION: str(revision)},
                    "ownerReferences": [owner_reference(deployment)],
                },
                "spec": {"replicas": 0, "selector": selector, "template": template},
            },
        )

    def _mark(self, obj: Object, revision: int) -> Object:
        def edit(target: Object) -> None:
            target["metadata"].setdefault("annotations", {})[_REVISION] = str(revision)

        return self._registry.change(_key(obj), edit)

    def _roll(self, deployment: Object, new: Object, old: list[Object]) -> None:
        bounds, sizes = Bounds.of(deployment["spec"]), [_size(rs) for rs in old]
        self._scale(deployment, new, next_new_size(bounds, _size(new), sizes))
        new = self._store.get(_key(new)).document()
        for rs, desired in zip(old, next_old_sizes(bounds, _size(new), sizes), strict=True):
            self._scale(deployment, rs, desired)

    def _scale(self, deployment: Object, rs: Object, desired: int) -> None:
        had, name = rs["spec"]["replicas"], rs["metadata"]["name"]
        if had == desired:
            return
        self._registry.change(_key(rs), lambda target: target["spec"].update(replicas=desired))
        direction = "up" if desired > had else "down"
        message = f"Scaled {direction} replica set {name} from {had} to {desired}"
        self._recorder.say(deployment, Note("ScalingReplicaSet", message, _COMPONENT))

    def _forget_history(self, deployment: Object, old: list[Object]) -> None:
        spent = [rs for rs in old if not rs["spec"]["replicas"] and not lookup(rs, "status", "replicas")]
        limit = deployment["spec"].get("revisionHistoryLimit", 10)
        for rs in sorted(spent, key=_revision)[: max(0, len(spent) - limit)]:
            self._store.remove(_key(rs))

    def _report(self, key: Key, new: Object) -> float | None:
        deployment = self._store.get(key).document()
        sets = [r.document() for r in self._store.owned_by(deployment["metadata"]["uid"], REPLICA_SET)]
        newest = next(rs for rs in sets if rs["metadata"]["uid"] == new["metadata"]["uid"])
        status, again = deployment_status.status_of(deployment, newest, sets, self._registry.clock)
        if status != deployment.get("status"):
            self._registry.change(key, lambda target: target.update(status=status), "status")
        return again


def template_hash(workload: Object) -> str:
    """The same for the same pod template."""
    digest = hashlib.sha256(encode_sorted(workload["spec"]["template"])).hexdigest()
    return digest[:10]


def encode_sorted(document: Object) -> bytes:
    """The same bytes, whatever the order of the fields."""

    def ordered(value: object) -> object:
        if isinstance(value, dict):
            return {key: ordered(value[key]) for key in sorted(value)}
        return [ordered(item) for item in value] if isinstance(value, list) else value

    return encode(ordered(document))


def _revision(rs: Object) -> int:
    return int(lookup(rs, "metadata", "annotations", _REVISION) or 0)


def _size(rs: Object) -> Size:
    status = rs.get("status") or {}
    return Size(rs["spec"]["replicas"], status.get("replicas", 0), status.get("availableReplicas", 0))


def _key(obj: Object) -> Key:
    kind = DEPLOYMENT if obj["kind"] == DEPLOYMENT.name else REPLICA_SET
    return Key(kind, obj["metadata"]["namespace"], obj["metadata"]["name"])
