"""How far a tenant's workload is and what keeps it, in one sentence: pure, from the API's own documents.

Helm says no more than "Available: 0/1" (Helm 4.2.3), so the reason is looked for where the kubelet, the scheduler and
the quota leave it. Sentences carry no times and no counters: an unchanged situation is an unchanged sentence.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tenancy.saga.causes import Cause

Document = dict[str, Any]

_ON_THE_WAY = frozenset({"", "ContainerCreating", "PodInitializing"})
_BACK_OFF = re.compile(r"back-off \S+ ")
_POD_OF = re.compile(r" pod=\S+| in pod \S+")
_ADDRESS = re.compile(r"\d{1,3}(\.\d{1,3}){3}")
_LONGEST = 600


@dataclass(frozen=True)
class Readiness:
    """Is what is waited for so; `why` says how far it is and what keeps it. Unchanged as long as nothing changes."""

    ready: bool
    why: str
    cause: Cause = Cause.UNKNOWN


@dataclass(frozen=True)
class Workload:
    """What the API has of one release: its Deployment, its pods, the namespace's warnings, oldest first."""

    deployment: Document | None
    pods: Sequence[Document] = ()
    warnings: Sequence[Document] = ()


def readiness(workload: Workload) -> Readiness:
    """Ready when every replica the newest specification asks for is available and none of an older one is left."""
    if workload.deployment is None:
        return Readiness(ready=False, why="the Deployment does not exist")
    wanted, ready = _wanted(workload.deployment), _ready(workload.deployment)
    counted = f"{ready} of {wanted} pods ready"
    if ready >= wanted and _is_current(workload.deployment, wanted):
        return Readiness(ready=True, why=counted)
    why = "; ".join([counted, *_first(_reasons(workload))])[:_LONGEST]
    return Readiness(ready=False, why=why, cause=cause_in_words(why, otherwise=Cause.UNKNOWN))


def cause_in_words(said: str, otherwise: Cause = Cause.CLUSTER_REFUSES) -> Cause:
    """The cause in what the cluster said: reasons of pods and events, messages of refusals (Kubernetes 1.3x)."""
    return next((cause for words, cause in _CAUSES if words.search(said)), otherwise)


_CAUSES = (
    (re.compile(r"ImagePullBackOff|ErrImage|InvalidImageName"), Cause.CLUSTER_IMAGE),
    (re.compile(r"CrashLoopBackOff|RunContainerError|CreateContainer|OOMKilled|Error: exit"), Cause.CLUSTER_CRASH),
    (re.compile(r"exceeded quota|FailedCreate|forbidden: .*quota"), Cause.CLUSTER_QUOTA),
    (re.compile(r"Unschedulable|nodes are available|FailedScheduling"), Cause.CLUSTER_UNSCHEDULABLE),
    (re.compile(r"[Rr]eadiness probe|Unhealthy"), Cause.CLUSTER_PROBE),
)


def _wanted(deployment: Document) -> int:
    return int(deployment["spec"].get("replicas", 1))


def _ready(deployment: Document) -> int:
    """Only pods of the newest specification count."""
    status = deployment.get("status") or {}
    return int(min(status.get("availableReplicas") or 0, status.get("updatedReplicas") or 0))


def _is_current(deployment: Document, wanted: int) -> bool:
    status = deployment.get("status") or {}
    seen = status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 1)
    return bool(seen and (status.get("replicas") or 0) == wanted)


def _first(reasons: Iterator[str]) -> list[str]:
    reason = next(reasons, "")
    return [reason] if reason else []


def _reasons(workload: Workload) -> Iterator[str]:
    """The likeliest cause first."""
    waiting = [pod for pod in sorted(workload.pods, key=_name) if not _is_ready(pod) and not _is_ending(pod)]
    for find in (_container_trouble, _unschedulable):
        for pod in waiting:
            yield from find(pod)
    assert workload.deployment is not None
    yield from _replica_failure(workload.deployment)
    yield from _warning(workload.warnings, {_name(pod) for pod in waiting})
    yield from _progress_deadline(workload.deployment)
    if any((pod.get("status") or {}).get("phase") == "Running" for pod in waiting):
        yield "the readiness probe has not succeeded yet"


def _name(document: Document) -> str:
    return str(document["metadata"]["name"])


def _is_ending(pod: Document) -> bool:
    return bool(pod["metadata"].get("deletionTimestamp"))


def _is_ready(pod: Document) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in _conditions(pod))


def _conditions(document: Document) -> Iterable[Document]:
    return (document.get("status") or {}).get("conditions") or []


def _container_trouble(pod: Document) -> Iterator[str]:
    status = pod.get("status") or {}
    for container in (*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])):
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("reason", "") not in _ON_THE_WAY:
            yield _sentence(waiting["reason"], waiting.get("message", "") + _ended(container))


def _ended(container: Document) -> str:
    last = (container.get("lastState") or {}).get("terminated") or {}
    return f" (it ended with exit code {last['exitCode']})" if "exitCode" in last else ""


def _unschedulable(pod: Document) -> Iterator[str]:
    for condition in _conditions(pod):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            yield _sentence(condition.get("reason", "Unschedulable"), condition.get("message", ""))


def _replica_failure(deployment: Document) -> Iterator[str]:
    """Pods that could not even be created: a quota, an admission policy."""
    for condition in _conditions(deployment):
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
            yield _sentence(condition.get("reason", ""), condition.get("message", ""))


def _warning(warnings: Sequence[Document], pods: set[str]) -> Iterator[str]:
    """The last one that is about a pod that is not ready."""
    for event in reversed(warnings):
        if (event.get("involvedObject") or {}).get("name") in pods:
            yield _sentence(event.get("reason", ""), event.get("message", ""))


def _progress_deadline(deployment: Document) -> Iterator[str]:
    for condition in _conditions(deployment):
        if condition["type"] == "Progressing" and condition["status"] == "False":
            yield _sentence(condition.get("reason", ""), condition.get("message", ""))


def _sentence(reason: str, message: str) -> str:
    steady = _ADDRESS.sub("its address", _POD_OF.sub("", _BACK_OFF.sub("back-off ", message)))
    return ": ".join(part for part in (reason, " ".join(steady.split())) if part)
