"""When a Pod without a controller is ready. Nothing makes it again, so one that has failed can never be ready. Pure."""

from tenancy.adapters.readiness_rules.rule import ObservedObject
from tenancy.adapters.waiting_pods import Surroundings, is_ready, phase, reasons_of
from tenancy.adapters.workload_readiness import LONGEST, Readiness, unready
from tenancy.saga.causes import Cause


def readiness(observed: ObservedObject) -> Readiness:
    """Ready when its readiness probes succeed, or when it has ended well."""
    pod, around = observed.actual, observed.around
    if is_ready(pod) or phase(pod) == "Succeeded":
        return Readiness(ready=True, reason="ready")
    if phase(pod) == "Failed":
        why = ": ".join(part for part in (observed.status.get("reason"), observed.status.get("message")) if part)
        reason = f"failed: {why}" if why else "failed"
        return Readiness(ready=False, reason=reason[:LONGEST], cause=Cause.CLUSTER_CRASH, final=True)
    alone = Surroundings([pod], around.warnings, around.unbound)
    return unready("not ready", next(reasons_of(pod, alone), None))
