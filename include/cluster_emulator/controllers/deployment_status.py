"""A Deployment's status: counts and the three conditions that clients wait for, with the controller's messages.

Pure but for the clock; `deployments.py` calls it. Helm, `kubectl rollout status` and other clients read it.
"""

from cluster_emulator.clock import Clock, parse_stamp
from cluster_emulator.controllers.rollout import Bounds
from cluster_emulator.objects import Object, lookup


def status_of(deployment: Object, new: Object, sets: list[Object], clock: Clock) -> tuple[Object, float | None]:
    """The status, and the seconds until the progress deadline must be checked again."""
    replicas = deployment["spec"]["replicas"]
    counts = _counts(deployment, new, sets)
    before = {c["type"]: c for c in lookup(deployment, "status", "conditions") or []}
    unavailable = Bounds.of(deployment["spec"]).unavailable
    conditions = [_available(enough=counts["availableReplicas"] >= replicas - unavailable)]
    progressing, again = _progressing(deployment, new, counts, before.get("Progressing"), clock)
    conditions.append(progressing)
    conditions += _failures(sets)
    stamp = clock.stamp()
    status: Object = {name: count for name, count in counts.items() if count}
    status["observedGeneration"] = deployment["metadata"]["generation"]
    status["conditions"] = [_stamped(c, before.get(c["type"]), stamp) for c in conditions]
    return status, again


def _sum(sets: list[Object], field: str) -> int:
    return sum(lookup(rs, "status", field) or 0 for rs in sets)


def _counts(deployment: Object, new: Object, sets: list[Object]) -> dict[str, int]:
    total, available = _sum(sets, "replicas"), _sum(sets, "availableReplicas")
    return {
        "replicas": total,
        "updatedReplicas": lookup(new, "status", "replicas") or 0,
        "readyReplicas": _sum(sets, "readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(0, max(total, deployment["spec"]["replicas"]) - available),
    }


def _condition(kind: str, status: bool, reason: str, message: str) -> Object:
    return {
        "type": kind,
        "status": "True" if status else "False",
        "reason": reason,
        "message": message,
    }


def _available(*, enough: bool) -> Object:
    if enough:
        message = "Deployment has minimum availability."
        return _condition("Available", True, "MinimumReplicasAvailable", message)
    message = "Deployment does not have minimum availability."
    return _condition("Available", False, "MinimumReplicasUnavailable", message)


def _progressing(
    deployment: Object, new: Object, counts: dict[str, int], before: Object | None, clock: Clock
) -> tuple[Object, float | None]:
    name, replicas = new["metadata"]["name"], deployment["spec"]["replicas"]
    current = lookup(deployment, "status", "observedGeneration") == deployment["metadata"]["generation"]
    complete = (
        counts["updatedReplicas"] == replicas
        and counts["replicas"] == replicas
        and counts["availableReplicas"] == replicas
    )
    if complete:
        message = f'ReplicaSet "{name}" has successfully progressed.'
        return _condition("Progressing", True, "NewReplicaSetAvailable", message), None
    going_on = _condition("Progressing", True, "ReplicaSetUpdated", f'ReplicaSet "{name}" is progressing.')
    deadline = deployment["spec"].get("progressDeadlineSeconds", 600)
    if before is None or not current or _progressed(deployment, counts):
        return going_on | {"progressed": True}, deadline
    age = clock.age(parse_stamp(before["lastUpdateTime"]))
    if before["reason"] == "ProgressDeadlineExceeded" or age >= deadline:
        message = f'ReplicaSet "{name}" has timed out progressing.'
        return _condition("Progressing", False, "ProgressDeadlineExceeded", message), None
    return going_on, deadline - age + 1


def _progressed(deployment: Object, counts: dict[str, int]) -> bool:
    """More updated or ready pods, or fewer old ones, than the last time."""
    status = deployment.get("status") or {}

    def old(counted: dict[str, int] | Object) -> int:
        return int(counted.get("replicas", 0)) - int(counted.get("updatedReplicas", 0))

    return (
        counts["updatedReplicas"] > status.get("updatedReplicas", 0)
        or counts["readyReplicas"] > status.get("readyReplicas", 0)
        or counts["availableReplicas"] > status.get("availableReplicas", 0)
        or old(counts) < old(status)
    )


def _failures(sets: list[Object]) -> list[Object]:
    """What kept a ReplicaSet from making its pods."""
    found = [c for rs in sets for c in lookup(rs, "status", "conditions") or [] if rs["spec"]["replicas"]]
    return [
        _condition("ReplicaFailure", True, c["reason"], c["message"]) for c in found if c["type"] == "ReplicaFailure"
    ][:1]


def _stamped(condition: Object, before: Object | None, stamp: str) -> Object:
    """With the times a condition carries: of its last change of status, and of its last update."""
    progressed = condition.pop("progressed", False)
    if before is None:
        return {**condition, "lastUpdateTime": stamp, "lastTransitionTime": stamp}
    same_status = before["status"] == condition["status"]
    same = same_status and before["reason"] == condition["reason"] and not progressed
    return {
        **condition,
        "lastUpdateTime": before["lastUpdateTime"] if same else stamp,
        "lastTransitionTime": before["lastTransitionTime"] if same_status else stamp,
    }
