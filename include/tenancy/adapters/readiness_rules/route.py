"""When a route of the Gateway API is ready: when every Gateway that it names has accepted it. Pure.

Without this rule a route counted as ready although no request ever reaches the tenant. Gateway API 1.x,
RouteParentStatus: the controller writes one entry for each parent, with the conditions Accepted and ResolvedRefs.
"""

from collections.abc import Iterator
from typing import Any, Final

from tenancy.adapters.pod_reasons import PodReason
from tenancy.adapters.readiness_rules.rule import ObservedObject
from tenancy.adapters.workload_readiness import Readiness, unready

Document = dict[str, Any]

_REQUIRED: Final = ("Accepted", "ResolvedRefs")


def readiness(observed: ObservedObject) -> Readiness:
    """Ready when each of its parents has accepted the newest specification and found what it refers to."""
    named, entries = len(observed.spec.get("parentRefs") or ()), observed.status.get("parents") or []
    if not entries or len(entries) < named:
        return unready("not accepted", PodReason("no controller has answered for each Gateway that it names yet"))
    generation = observed.actual["metadata"].get("generation", 1)
    reason = next((reason for entry in entries for reason in _reasons(entry, generation)), None)
    return unready("not accepted", reason) if reason else Readiness(ready=True, reason="accepted")


def _reasons(entry: Document, generation: int) -> Iterator[PodReason]:
    """Why this parent does not serve the route."""
    gateway = str((entry.get("parentRef") or {}).get("name", ""))
    conditions = {each.get("type"): each for each in entry.get("conditions") or ()}
    for kind in _REQUIRED:
        condition = conditions.get(kind, {})
        if condition.get("status") != "True":
            words = ": ".join(part for part in (condition.get("reason"), condition.get("message")) if part)
            yield PodReason(f"Gateway {gateway}: {words or f'{kind} is not known yet'}")
        elif (condition.get("observedGeneration") or generation) < generation:
            yield PodReason(f"Gateway {gateway} has not acted on its newest specification yet")
