"""The DaemonSet controller: one pod on the only node. Node selectors and tolerations are not looked at."""

from collections.abc import Hashable, Iterable
from typing import Final

from cluster_emulator.api_errors import ApiError
from cluster_emulator.controllers.deployments import template_hash
from cluster_emulator.controllers.notes import Recorder
from cluster_emulator.controllers.pod_maker import REVISION, PodMaker, has_ended, is_alive, is_ending, is_ready, pod_of
from cluster_emulator.history import Event, Key
from cluster_emulator.kinds import DAEMON_SET, POD
from cluster_emulator.objects import Object, labels
from cluster_emulator.registry import Registry

_COMPONENT: Final = "daemonset-controller"
_RETRY_SECONDS: Final = 5.0


class DaemonSetController:
    """Keeps the pods of DaemonSets."""

    def __init__(self, registry: Registry, recorder: Recorder) -> None:
        self._registry, self._store = registry, registry.store
        self._maker = PodMaker(registry, recorder, _COMPONENT)

    def woken_by(self, event: Event) -> Iterable[Hashable]:
        if event.key.kind is DAEMON_SET:
            yield event.key
        elif event.key.kind is POD:
            yield from self._store.owners(event.owners, DAEMON_SET)

    def reconcile(self, item: Hashable) -> float | None:
        assert isinstance(item, Key)
        daemons = self._store.document(item)
        if daemons is None or daemons["metadata"].get("deletionTimestamp"):
            return None
        error = self._keep_one(daemons)
        self._report(item)
        return _RETRY_SECONDS if error else None

    def _pods(self, daemons: Object) -> list[Object]:
        return [record.document() for record in self._store.owned_by(daemons["metadata"]["uid"], POD)]

    def _keep_one(self, daemons: Object) -> ApiError | None:
        pods = self._pods(daemons)
        rolls = daemons["spec"]["updateStrategy"]["type"] == "RollingUpdate"
        for pod in pods:
            is_old = rolls and labels(pod).get(REVISION) != template_hash(daemons)
            if (is_old or has_ended(pod)) and not is_ending(pod):
                self._maker.delete(daemons, pod)
        if pods:
            return None
        return self._maker.create(daemons, pod_of(daemons, **{REVISION: template_hash(daemons)}))

    def _report(self, key: Key) -> None:
        daemons = self._store.get(key).document()
        status = _status(daemons, [pod for pod in self._pods(daemons) if is_alive(pod)])
        if status != daemons.get("status"):
            self._registry.change(key, lambda target: target.update(status=status), "status")


def _status(daemons: Object, pods: list[Object]) -> Object:
    ready = sum(map(is_ready, pods))
    optional = {
        "updatedNumberScheduled": sum(labels(pod).get(REVISION) == template_hash(daemons) for pod in pods),
        "numberAvailable": ready,
        "numberUnavailable": 1 - ready,
    }
    return {
        "desiredNumberScheduled": 1,
        "currentNumberScheduled": len(pods),
        "numberMisscheduled": 0,
        "numberReady": ready,
        **{name: count for name, count in optional.items() if count},
        "observedGeneration": daemons["metadata"]["generation"],
    }
