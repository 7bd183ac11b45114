"""When a StatefulSet is ready, as `helm --wait` has it. Pure.

Its pods must be ready and of the newest revision. A partition keeps the pods below it at the older revision, and with
OnDelete nobody updates pods, so then only their readiness counts.
"""

from tenancy.adapters.pod_reasons import PodReason
from tenancy.adapters.readiness_rules.rule import ObservedObject
from tenancy.adapters.waiting_pods import reasons_of
from tenancy.adapters.workload_readiness import Readiness, is_observed, scaled_down, unready
from tenancy.saga.causes import Cause


def readiness(observed: ObservedObject) -> Readiness:
    """Ready when the chart's replicas are ready and updated, and no pod is left over."""
    replicas, status = observed.replicas, observed.status
    ready = int(status.get("readyReplicas") or 0)
    counted = f"{ready} of {replicas} pods ready"
    if scaled := scaled_down(observed.actual, replicas):
        return unready(counted, PodReason(scaled, Cause.CLUSTER_SCALED))
    asked = int(observed.spec.get("replicas", 1))
    if ready < replicas or not is_observed(observed.actual) or status.get("replicas", 0) != asked:
        return unready(counted, next(reasons_of(observed.actual, observed.around), None))
    if behind := _behind(observed, asked):
        return unready(f"{counted}, {behind}", next(reasons_of(observed.actual, observed.around), None))
    return Readiness(ready=True, reason=counted)


def _behind(observed: ObservedObject, asked: int) -> str:
    """How many pods have the newest revision, if more must have it."""
    strategy, status = observed.spec.get("updateStrategy") or {}, observed.status
    if strategy.get("type") == "OnDelete":
        return ""
    partition = int((strategy.get("rollingUpdate") or {}).get("partition") or 0)
    updated, due = int(status.get("updatedReplicas") or 0), max(0, asked - partition)
    current = partition > 0 or status.get("currentRevision") == status.get("updateRevision")
    return "" if updated >= due and current else f"{updated} of {due} updated"
