"""The StatefulSet controller: pods with ordinals, one after the other, each with its own volume claims.

Claims stay when pods or the set go, as in Kubernetes. A pod below the partition keeps its revision while it lives; one
that is made again there gets the newest template, because this emulator keeps no ControllerRevisions.
"""

from collections.abc import Hashable, Iterable
from typing import Final

from cluster_emulator.api_errors import ApiError
from cluster_emulator.controllers.deployments import template_hash
from cluster_emulator.controllers.notes import Recorder
from cluster_emulator.controllers.pod_maker import REVISION, PodMaker, has_ended, is_alive, is_ending, is_ready, pod_of
from cluster_emulator.history import Event, Key
from cluster_emulator.kinds import POD, STATEFUL_SET, VOLUME_CLAIM
from cluster_emulator.objects import Object, labels, lookup
from cluster_emulator.registry import Registry

_COMPONENT: Final = "statefulset-controller"
_RETRY_SECONDS: Final = 5.0


class StatefulSetController:
    """Keeps the pods of StatefulSets."""

    def __init__(self, registry: Registry, recorder: Recorder) -> None:
        self._registry, self._store = registry, registry.store
        self._maker = PodMaker(registry, recorder, _COMPONENT)

    def woken_by(self, event: Event) -> Iterable[Hashable]:
        if event.key.kind is STATEFUL_SET:
            yield event.key
        elif event.key.kind is POD:
            yield from self._store.owners(event.owners, STATEFUL_SET)

    def reconcile(self, item: Hashable) -> float | None:
        assert isinstance(item, Key)
        stateful = self._store.document(item)
        if stateful is None or stateful["metadata"].get("deletionTimestamp"):
            return None
        error = self._size(stateful)
        if error is None:
            self._roll(stateful)
        self._report(item)
        return _RETRY_SECONDS if error else None

    def _pods(self, stateful: Object) -> dict[int, Object]:
        """By their ordinals, with those that are ending."""
        pods = [record.document() for record in self._store.owned_by(stateful["metadata"]["uid"], POD)]
        return {int(pod["metadata"]["name"].rpartition("-")[2]): pod for pod in pods}

    def _size(self, stateful: Object) -> ApiError | None:
        pods = self._pods(stateful)
        filled = self._fill(stateful, pods)
        if isinstance(filled, ApiError):
            return filled
        if filled:
            self._shrink(stateful, pods)
        return None

    def _fill(self, stateful: Object, pods: dict[int, Object]) -> ApiError | bool:
        """Makes missing pods, each after those before it are ready. Returns whether all may go on."""
        for ordinal in range(stateful["spec"]["replicas"]):
            pod = pods.get(ordinal)
            if pod is None:
                error = self._create(stateful, ordinal)
                if error:
                    return error
            elif has_ended(pod) and not is_ending(pod):
                self._maker.delete(stateful, pod)
            if _in_order(stateful) and not (pod and is_ready(pod) and is_alive(pod)):
                return False
        return True

    def _shrink(self, stateful: Object, pods: dict[int, Object]) -> None:
        """The last pod goes first, and the next one when it is gone."""
        for ordinal in sorted((each for each in pods if each >= stateful["spec"]["replicas"]), reverse=True):
            if not is_ending(pods[ordinal]):
                self._maker.delete(stateful, pods[ordinal])
            if _in_order(stateful):
                return

    def _create(self, stateful: Object, ordinal: int) -> ApiError | None:
        name = f"{stateful['metadata']['name']}-{ordinal}"
        marks = {"statefulset.kubernetes.io/pod-name": name, "apps.kubernetes.io/pod-index": str(ordinal)}
        pod = pod_of(stateful, name, **marks, **{REVISION: _revision(stateful)})
        pod["spec"] |= {"hostname": name, "subdomain": stateful["spec"].get("serviceName", "")}
        for template in stateful["spec"].get("volumeClaimTemplates") or []:
            mount, claim = template["metadata"]["name"], f"{template['metadata']['name']}-{name}"
            try:
                self._ensure_claim(stateful, template, claim)
            except ApiError as error:
                return error
            volume = {"name": mount, "persistentVolumeClaim": {"claimName": claim}}
            others = [each for each in pod["spec"].get("volumes") or [] if each["name"] != mount]
            pod["spec"]["volumes"] = [*others, volume]
        return self._maker.create(stateful, pod)

    def _ensure_claim(self, stateful: Object, template: Object, name: str) -> None:
        namespace = stateful["metadata"]["namespace"]
        if self._store.find(Key(VOLUME_CLAIM, namespace, name)):
            return
        selected = stateful["spec"]["selector"].get("matchLabels") or {}
        metadata = {"name": name, "labels": {**labels(template), **selected}}
        self._registry.create(VOLUME_CLAIM, namespace, {"metadata": metadata, "spec": dict(template["spec"])})

    def _roll(self, stateful: Object) -> None:
        """The last pod of an older revision goes, once all after it are ready."""
        strategy, pods = stateful["spec"]["updateStrategy"], self._pods(stateful)
        if strategy["type"] != "RollingUpdate" or len(pods) != stateful["spec"]["replicas"]:
            return
        partition = (strategy.get("rollingUpdate") or {}).get("partition", 0)
        for ordinal in sorted(pods, reverse=True):
            pod = pods[ordinal]
            if ordinal < partition or is_ending(pod):
                return
            if labels(pod)[REVISION] != _revision(stateful):
                self._maker.delete(stateful, pod)
                return
            if not is_ready(pod):
                return

    def _report(self, key: Key) -> None:
        stateful = self._store.get(key).document()
        status = _status(stateful, list(self._pods(stateful).values()))
        if status != stateful.get("status"):
            self._registry.change(key, lambda target: target.update(status=status), "status")


def _in_order(stateful: Object) -> bool:
    return bool(stateful["spec"]["podManagementPolicy"] == "OrderedReady")


def _revision(stateful: Object) -> str:
    return f"{stateful['metadata']['name']}-{template_hash(stateful)}"


def _status(stateful: Object, pods: list[Object]) -> Object:
    newest = _revision(stateful)
    current = lookup(stateful, "status", "currentRevision") or newest
    ready = [pod for pod in pods if is_ready(pod)]
    updated = [pod for pod in pods if labels(pod)[REVISION] == newest and not is_ending(pod)]
    if len(updated) == len(ready) == len(pods) == stateful["spec"]["replicas"]:
        current = newest
    counts = {
        "readyReplicas": len(ready),
        "currentReplicas": sum(labels(pod)[REVISION] == current for pod in pods),
        "updatedReplicas": len(updated),
    }
    return {
        "replicas": len(pods),
        "availableReplicas": len(ready),
        **{name: count for name, count in counts.items() if count},
        "currentRevision": current,
        "updateRevision": newest,
        "collisionCount": 0,
        "observedGeneration": stateful["metadata"]["generation"],
    }
