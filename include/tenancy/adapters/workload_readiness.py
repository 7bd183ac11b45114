"""How many pods of a Deployment are ready and why the others are not, in one sentence. Pure; reads the API's documents.

The target is the plan's number of replicas for the Deployment with the release's name, and the chart's for others. The
`spec.replicas` of the live Deployment is only what was set last: an autoscaler or `kubectl scale` may have set it to
zero. adapters/waiting_pods.py has the reasons in pods, adapters/readiness_rules/ the rules of the other kinds.

Sentences have no times and no counters, so an unchanged situation has an unchanged sentence.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tenancy.adapters.field_managers import manager_of
from tenancy.adapters.kubernetes_errors import classify_text
from tenancy.adapters.pod_reasons import PodReason, refused_pod
from tenancy.adapters.waiting_pods import conditions_of, last_warning, probe_pending, reasons_in_pods, waiting_pods
from tenancy.saga.causes import Cause

Document = dict[str, Any]

LONGEST = 600


@dataclass(frozen=True)
class Readiness:
    """Whether the awaited state is reached. `reason` is the progress and the obstacle; it changes only if they do."""

    ready: bool
    reason: str
    cause: Cause = Cause.UNKNOWN
    final: bool = False
    """It can never become ready."""


@dataclass(frozen=True)
class Workload:
    """A Deployment, its pods, the namespace's warnings, oldest first, and why volume claims are not bound."""

    deployment: Document | None
    pods: Sequence[Document] = ()
    warnings: Sequence[Document] = ()
    unbound: Mapping[str, PodReason] = field(default_factory=dict)


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
    return unready(counted, reason)


def unready(counted: str, reason: PodReason | None) -> Readiness:
    """The progress, and the obstacle if one is known."""
    if reason is None:
        return Readiness(ready=False, reason=counted)
    return Readiness(ready=False, reason=f"{counted}; {reason.sentence}"[:LONGEST], cause=reason.cause)


def scaled_down(workload: Document, replicas: int) -> str:
    """Who scaled it below the number of replicas that it must have, as a sentence; empty if nobody did."""
    asked = int(workload["spec"].get("replicas", 1))
    if asked >= replicas:
        return ""
    manager = manager_of(workload, ("spec", "replicas"))
    return f"scaled to {asked} of {replicas}" + (f" by {manager}" if manager else "")


def is_observed(document: Document) -> bool:
    """Has its controller seen the newest specification?"""
    observed = (document.get("status") or {}).get("observedGeneration", 0)
    return bool(observed >= document["metadata"].get("generation", 1))


def _ready(deployment: Document) -> int:
    """Only pods of the newest specification count."""
    status = deployment.get("status") or {}
    return int(min(status.get("availableReplicas") or 0, status.get("updatedReplicas") or 0))


def _is_current(deployment: Document) -> bool:
    status, asked = deployment.get("status") or {}, int(deployment["spec"].get("replicas", 1))
    return is_observed(deployment) and (status.get("replicas") or 0) == asked


def _reasons(workload: Workload) -> Iterator[PodReason]:
    """The likeliest reason first."""
    assert workload.deployment is not None
    waiting = waiting_pods(workload.pods)
    yield from _paused(workload.deployment)
    yield from reasons_in_pods(waiting, workload.unbound)
    yield from _replica_failure(workload.deployment)
    yield from last_warning(workload.warnings, waiting)
    yield from _progress_deadline(workload.deployment)
    yield from probe_pending(waiting)


def _paused(deployment: Document) -> Iterator[PodReason]:
    if deployment["spec"].get("paused"):
        manager = manager_of(deployment, ("spec", "paused"))
        yield PodReason("its rollout is paused" + (f" by {manager}" if manager else ""), Cause.CLUSTER_SCALED)


def _replica_failure(deployment: Document) -> Iterator[PodReason]:
    """Pods that could not even be created: a quota, an admission policy, a webhook."""
    for condition in conditions_of(deployment):
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
            yield refused_pod(condition.get("reason", ""), condition.get("message", ""))


def _progress_deadline(deployment: Document) -> Iterator[PodReason]:
    for condition in conditions_of(deployment):
        if condition["type"] == "Progressing" and condition["status"] == "False":
            message = condition.get("message", "")
            cause = classify_text(message).cause if condition.get("reason") == "FailedCreate" else Cause.UNKNOWN
            yield PodReason(": ".join(part for part in (condition.get("reason", ""), message) if part), cause)
