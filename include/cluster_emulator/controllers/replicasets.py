"""The ReplicaSet controller: creates and deletes pods until there are as many as desired, and reports their number.

The Deployment controller decides which set should have how many. A pod that may not be created (quota, service account,
namespace) becomes an event and the condition ReplicaFailure, and is tried again.
"""

from collections.abc import Hashable, Iterable
from typing import Final

from cluster_emulator.api_errors import ApiError
from cluster_emulator.controllers.notes import Recorder
from cluster_emulator.controllers.pod_maker import PodMaker, is_alive, is_ready, pod_of
from cluster_emulator.history import Event, Key
from cluster_emulator.kinds import POD, REPLICA_SET
from cluster_emulator.objects import Object, lookup
from cluster_emulator.registry import Registry

_COMPONENT: Final = "replicaset-controller"
_RETRY_SECONDS: Final = 1.0
_LONGEST_RETRY_SECONDS: Final = 30.0


class ReplicaSetController:
    """Keeps the pods of ReplicaSets."""

    def __init__(self, registry: Registry, recorder: Recorder) -> None:
        self._registry, self._store = registry, registry.store
        self._maker = PodMaker(registry, recorder, _COMPONENT)
        self._failed: dict[Key, int] = {}  # tries in a row, for the back-off only

    def woken_by(self, event: Event) -> Iterable[Hashable]:
        if event.key.kind is REPLICA_SET:
            yield event.key
        elif event.key.kind is POD:
            yield from self._store.owners(event.owners, REPLICA_SET)

    def reconcile(self, item: Hashable) -> float | None:
        assert isinstance(item, Key)
        rs = self._store.document(item)
        if rs is None or rs["metadata"].get("deletionTimestamp"):
            self._failed.pop(item, None)
            return None
        error = self._size(rs)
        self._report(item, error)
        if error is None:
            self._failed.pop(item, None)
            return None
        self._failed[item] = self._failed.get(item, 0) + 1
        return float(min(_LONGEST_RETRY_SECONDS, _RETRY_SECONDS * 2 ** (self._failed[item] - 1)))

    def _pods(self, rs: Object) -> list[Object]:
        pods = [record.document() for record in self._store.owned_by(rs["metadata"]["uid"], POD)]
        return [pod for pod in pods if is_alive(pod)]

    def _size(self, rs: Object) -> ApiError | None:
        pods = self._pods(rs)
        desired = rs["spec"]["replicas"]
        for pod in sorted(pods, key=is_ready)[: max(0, len(pods) - desired)]:
            self._maker.delete(rs, pod)
        for _ in range(desired - len(pods)):
            error = self._maker.create(rs, pod_of(rs))
            if error:
                return error
        return None

    def _report(self, key: Key, error: ApiError | None) -> None:
        rs = self._store.get(key).document()
        status = _status(rs, self._pods(rs), error, self._registry.clock.stamp())
        if status != rs.get("status"):
            self._registry.change(key, lambda target: target.update(status=status), "status")


def _status(rs: Object, pods: list[Object], error: ApiError | None, stamp: str) -> Object:
    ready = sum(map(is_ready, pods))
    counts = {
        "replicas": len(pods),
        "fullyLabeledReplicas": len(pods),
        "readyReplicas": ready,
        "availableReplicas": ready,
    }
    status: Object = {"replicas": 0} | {name: count for name, count in counts.items() if count}
    status["observedGeneration"] = rs["metadata"]["generation"]
    if error:
        before: Object = next(iter(lookup(rs, "status", "conditions") or []), {})
        since = before.get("lastTransitionTime", stamp)
        failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate"}
        # The generated pod name differs at every try; the message stays as long as the failure is the same.
        same = _cause(before.get("message", "")) == _cause(error.message)
        message = before["message"] if same and before else error.message
        status["conditions"] = [{**failure, "message": message, "lastTransitionTime": since}]
    return status


def _cause(message: str) -> str:
    return message.partition('" ')[2]
