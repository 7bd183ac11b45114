"""Turns an outlook into a pod's status: phase, conditions, container statuses, addresses. Pure; `pods.py` uses it.

The start time of a condition is kept from the previous status if the condition is unchanged.
"""

from typing import Final

from cluster_emulator.controllers.kubelet import Container, PodOutcome
from cluster_emulator.defaults import address
from cluster_emulator.objects import Object, lookup

_UNSCHEDULABLE: Final = "Unschedulable"


def status_of(pod: Object, outcome: PodOutcome, stamp: str) -> Object:
    before = pod.get("status") or {}
    conditions = [_kept(condition, before.get("conditions") or [], stamp) for condition in _conditions(pod, outcome)]
    status: Object = {"phase": outcome.phase, "conditions": conditions, "qosClass": _qos(pod)}
    if not outcome.scheduled or outcome.container is None:
        return status
    node_ip, pod_ip = "192.168.0.10", address("10.244", pod["metadata"]["uid"])
    status |= {
        "hostIP": node_ip,
        "hostIPs": [{"ip": node_ip}],
        "startTime": before.get("startTime", stamp),
    }
    status |= {"podIP": pod_ip, "podIPs": [{"ip": pod_ip}]}
    old = {c["name"]: c for c in before.get("containerStatuses") or []}
    status["containerStatuses"] = [
        _container(c, outcome.container, old.get(c["name"])) for c in pod["spec"]["containers"]
    ]
    return status


def _conditions(pod: Object, outcome: PodOutcome) -> list[Object]:
    if not outcome.scheduled:
        message = outcome.notes[0].message if outcome.notes else ""
        return [
            {
                "type": "PodScheduled",
                "status": "False",
                "reason": _UNSCHEDULABLE,
                "message": message,
            }
        ]
    names = " ".join(container["name"] for container in pod["spec"]["containers"])
    ready: Object = {"status": "True"}
    if outcome.phase == "Succeeded":
        ready = {"status": "False", "reason": "PodCompleted"}
    elif outcome.phase == "Failed":
        ready = {"status": "False", "reason": "PodFailed"}
    elif outcome.container is None or not outcome.container.ready:
        message = f"containers with unready status: [{names}]"
        ready = {"status": "False", "reason": "ContainersNotReady", "message": message}
    return [
        {"type": "PodReadyToStartContainers", "status": "True"},
        {"type": "Initialized", "status": "True"},
        {"type": "Ready", **ready},
        {"type": "ContainersReady", **ready},
        {"type": "PodScheduled", "status": "True"},
    ]


def _kept(condition: Object, before: list[Object], stamp: str) -> Object:
    same = next((c for c in before if c["type"] == condition["type"] and c["status"] == condition["status"]), None)
    since = same["lastTransitionTime"] if same else stamp
    return {**condition, "lastProbeTime": None, "lastTransitionTime": since}


def _container(container: Object, outcome: Container, before: Object | None) -> Object:
    started = "running" in outcome.state
    status: Object = {
        "name": container["name"],
        "image": container["image"],
        "imageID": f"emulator://{container['image']}" if started or outcome.restarts else "",
        "ready": outcome.ready,
        "started": started,
        "restartCount": outcome.restarts or (before or {}).get("restartCount", 0),
        "state": _state(outcome, before),
        "lastState": outcome.last_state or (before or {}).get("lastState", {}),
    }
    if started:
        status["containerID"] = f"emulator://{container['name']}"
    if before and before["restartCount"] == status["restartCount"] and outcome.last_state:
        status["lastState"] = before["lastState"]
    return status


def _state(outcome: Container, before: Object | None) -> Object:
    """The state, with the times of the one before when it is the same state."""
    kind = next(iter(outcome.state))
    old = lookup(before, "state", kind)
    return {kind: old} if old and kind in ("running", "terminated") else outcome.state


def _qos(pod: Object) -> str:
    resources = [container.get("resources") or {} for container in pod["spec"]["containers"]]
    if not any(r.get("requests") or r.get("limits") for r in resources):
        return "BestEffort"
    guaranteed = all(r.get("limits") and r.get("limits") == r.get("requests") for r in resources)
    return "Guaranteed" if guaranteed else "Burstable"
