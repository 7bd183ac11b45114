"""When a DaemonSet is ready. Pure.

The cluster says on how many nodes it must run; on none it is ready. With OnDelete nobody updates pods, so then only
their readiness counts.
"""

from tenancy.adapters.readiness_rules.rule import ObservedObject
from tenancy.adapters.waiting_pods import reasons_of
from tenancy.adapters.workload_readiness import Readiness, is_observed, unready


def readiness(observed: ObservedObject) -> Readiness:
    """Ready when every node that must run a pod runs an available one of the newest specification."""
    status, desired = observed.status, int(observed.status.get("desiredNumberScheduled") or 0)
    if not is_observed(observed.actual):
        return Readiness(ready=False, reason="the cluster has not counted its nodes yet")
    available, updated = (int(status.get(f) or 0) for f in ("numberAvailable", "updatedNumberScheduled"))
    counted = f"{available} of {desired} pods ready"
    on_delete = (observed.spec.get("updateStrategy") or {}).get("type") == "OnDelete"
    if available >= desired and (updated >= desired or on_delete):
        return Readiness(ready=True, reason=counted)
    if available >= desired:
        counted += f", {updated} of {desired} updated"
    return unready(counted, next(reasons_of(observed.actual, observed.around), None))
