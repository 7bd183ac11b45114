"""How many pods of a workload are ready and why the others are not, in one sentence. Pure; reads the API's documents.

The target is the plan's number of replicas. The `spec.replicas` of the live Deployment is only what was set last: an
autoscaler or `kubectl scale` may have set it to zero. adapters/pod_reasons.py finds the reason of a single pod.

Sentences have no times and no counters, so an unchanged situation has an unchanged sentence.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tenancy.adapters.field_managers import manager_of
from tenancy.adapters.kubernetes_errors import classify_text
from tenancy.adapters.pod_reasons import (
    PROBE_PENDING,
    PodReason,
    container_reason,
    event_reason,
    refused_pod,
    unschedulable,
)
from tenancy.saga.causes import Cause

Document = dict[str, Any]

_LONGEST = 600


@dataclass(frozen=True)
class Readiness:
    """Whether the awaited state is reached. `reason` is the progress and the obstacle; it changes only if they do."""

    ready: bool
    reason: str
    cause: Cause = Cause.UNKNOWN


@dataclass(frozen=True)
class Workload:
    """A release's Deployment, its pods, and the namespace's warnings, oldest first."""

    deployment: Document | None
    pods: Sequence[Document] = ()
    warnings: Sequence[Document] = ()


def readiness(workload: Workload, replicas: int) -> Readiness:
    """Ready if `replicas` pods of the newest specification are available, and no older pod is left."""
    if workload.deployment is None:
        return Readiness(ready=False, reason="the Deployment does not exist")
    ready = _ready(workload.deployment)
    counted = f"{ready} of {replicas} pods ready"
    scaled_sentence = scaled_down(workload.deployment, replicas)
    if ready >= replicas and not scaled_sentence and _is_current(workload.deployment):
        return Readiness(ready=True, reason=counted)
    reason = PodReason(scaled_sentence, Cause.CLUSTER_SCALED) if scaled_sentence else next(_reasons(workload), None)
    if reason is None:
        return Readiness(ready=False, reason=counted)
    return Readiness(ready=False, reason=f"{counted}; {reason.sentence}"[:_LONGEST], cause=reason.cause)


def scaled_down(deployment: Document, replicas: int) -> str:
    """Who scaled it below the plan's replicas, as a sentence; empty if nobody did."""
    asked = int(deployment["spec"].get("replicas", 1))
    if asked >= replicas:
        return ""
    manager = manager_of(deployment, ("spec", "replicas"))
    return f"scaled to {asked} of {replicas}" + (f" by {manager}" if manager else "")


def _ready(deployment: Document) -> int:
    """Only pods of the newest specification count."""
    status = deployment.get("status") or {}
    return int(min(status.get("availableReplicas") or 0, status.get("updatedReplicas") or 0))


def _is_current(deployment: Document) -> bool:
    status, asked = deployment.get("status") or {}, int(deployment["spec"].get("replicas", 1))
    observed = status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 1)
    return bool(observed and (status.get("replicas") or 0) == asked)


def _reasons(workload: Workload) -> Iterator[PodReason]:
    """The likeliest reason first."""
    assert workload.deployment is not None
    waiting = [pod for pod in sorted(workload.pods, key=_name) if not _is_ready(pod) and not _is_ending(pod)]
    yield from _paused(workload.deployment)
    for find in (container_reason, unschedulable):
        for pod in waiting:
            yield from find(pod)
    yield from _replica_failure(workload.deployment)
    yield from _last_warning(workload.warnings, {_name(pod) for pod in waiting})
    yield from _progress_deadline(workload.deployment)
    if any((pod.get("status") or {}).get("phase") == "Running" for pod in waiting):
        yield PodReason(PROBE_PENDING)


def _name(document: Document) -> str:
    return str(document["metadata"]["name"])


def _is_ending(pod: Document) -> bool:
    return bool(pod["metadata"].get("deletionTimestamp"))


def _is_ready(pod: Document) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in _conditions(pod))


def _conditions(document: Document) -> Iterable[Document]:
    return (document.get("status") or {}).get("conditions") or []


def _paused(deployment: Document) -> Iterator[PodReason]:
    if deployment["spec"].get("paused"):
        manager = manager_of(deployment, ("spec", "paused"))
        yield PodReason("its rollout is paused" + (f" by {manager}" if manager else ""), Cause.CLUSTER_SCALED)


def _replica_failure(deployment: Document) -> Iterator[PodReason]:
    """Pods that could not even be created: a quota, an admission policy, a webhook."""
    for condition in _conditions(deployment):
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
            yield refused_pod(condition.get("reason", ""), condition.get("message", ""))


def _last_warning(warnings: Sequence[Document], pods: set[str]) -> Iterator[PodReason]:
    """The last warning about a pod that is not ready."""
    for event in reversed(warnings):
        if (event.get("involvedObject") or {}).get("name") in pods:
            yield event_reason(event)


def _progress_deadline(deployment: Document) -> Iterator[PodReason]:
    for condition in _conditions(deployment):
        if condition["type"] == "Progressing" and condition["status"] == "False":
            message = condition.get("message", "")
            cause = classify_text(message).cause if condition.get("reason") == "FailedCreate" else Cause.UNKNOWN
            yield PodReason(": ".join(part for part in (condition.get("reason", ""), message) if part), cause)
