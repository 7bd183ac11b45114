"""When a Job is ready: when it is complete. A failed Job is not run again, so it can never be ready. Pure."""

from collections.abc import Iterator
from typing import Any

from tenancy.adapters.pod_reasons import PodReason
from tenancy.adapters.readiness_rules.rule import ObservedObject
from tenancy.adapters.waiting_pods import (
    Surroundings,
    conditions_of,
    last_warning,
    name_of,
    phase,
    reasons_in_pods,
    refused_pods,
    waiting_pods,
)
from tenancy.adapters.workload_readiness import LONGEST, Readiness, unready
from tenancy.saga.causes import Cause

Document = dict[str, Any]


def readiness(observed: ObservedObject) -> Readiness:
    """Ready when it is complete, or when the chart itself made it suspended."""
    failed, complete = _true(observed.actual, "Failed"), _true(observed.actual, "Complete")
    if complete is not None:
        return Readiness(ready=True, reason="complete")
    if failed is not None:
        why = ": ".join(part for part in (failed.get("reason"), failed.get("message")) if part)
        return Readiness(ready=False, reason=f"failed: {why}"[:LONGEST], cause=Cause.CLUSTER_JOB, final=True)
    if (observed.asked.get("spec") or {}).get("suspend"):
        return Readiness(ready=True, reason="suspended by the chart")
    if observed.spec.get("suspend"):
        return unready("not complete", PodReason("it is suspended", Cause.CLUSTER_SCALED))
    return unready("not complete", next(_reasons(observed.actual, observed.around), None))


def may_be_gone(asked: Document) -> bool:
    """The cluster deletes it some time after it has ended."""
    return (asked.get("spec") or {}).get("ttlSecondsAfterFinished") is not None


def _true(job: Document, kind: str) -> Document | None:
    return next((c for c in conditions_of(job) if c["type"] == kind and c["status"] == "True"), None)


def _reasons(job: Document, around: Surroundings) -> Iterator[PodReason]:
    """A pod of a Job needs no readiness, so a probe that has not succeeded is no reason."""
    waiting = [pod for pod in waiting_pods(around.pods) if phase(pod) == "Pending" or _restarts(pod)]
    yield from reasons_in_pods(waiting, around.unbound)
    yield from refused_pods(job, around.warnings)
    yield from last_warning(around.warnings, waiting)
    for pod in sorted(around.pods, key=name_of):
        if phase(pod) == "Failed":
            yield PodReason(f"a pod of it failed{_exit_code(pod)}", Cause.CLUSTER_JOB)


def _restarts(pod: Document) -> bool:
    containers = (pod.get("status") or {}).get("containerStatuses") or []
    return phase(pod) == "Running" and any(each.get("restartCount") for each in containers)


def _exit_code(pod: Document) -> str:
    for container in (pod.get("status") or {}).get("containerStatuses") or []:
        ended = (container.get("state") or {}).get("terminated") or {}
        if ended.get("exitCode"):
            return f" (it ended with exit code {ended['exitCode']})"
    return ""
