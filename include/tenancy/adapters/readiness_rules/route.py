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
    named = observed.spec.get("parentRefs") or []
    reason = next((reason for parent in named for reason in _reasons_of(parent, observed)), None)
    return unready("not accepted", reason) if reason else Readiness(ready=True, reason="accepted")


def _reasons_of(parent: Document, observed: ObservedObject) -> Iterator[PodReason]:
    """Why this parent does not serve the route. The status may still have entries of former parents."""
    metadata, entries = observed.actual["metadata"], observed.status.get("parents") or []
    generation, home = metadata.get("generation", 1), metadata.get("namespace", "")
    own = [each for each in entries if _key(each.get("parentRef") or {}, home) == _key(parent, home)]
    if not own:
        yield PodReason(f"Gateway {parent.get('name', '')} has not answered yet")
    for entry in own:
        yield from _reasons(entry, generation, str(parent.get("name", "")))


def _key(parent: Document, home: str) -> tuple[Any, ...]:
    """What tells two parents of a route apart (ParentReference), with the defaults that a controller may write out.

    `home`: the route's own namespace.
    """
    defaults = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "namespace": home}
    named = {**defaults, **parent}
    return tuple(named.get(each) for each in ("group", "kind", "namespace", "name", "sectionName", "port"))


def _reasons(entry: Document, generation: int, gateway: str) -> Iterator[PodReason]:
    conditions = {each.get("type"): each for each in entry.get("conditions") or ()}
    for kind in _REQUIRED:
        condition = conditions.get(kind, {})
        if condition.get("status") != "True":
            words = ": ".join(part for part in (condition.get("reason"), condition.get("message")) if part)
            yield PodReason(f"Gateway {gateway}: {words or f'{kind} is not known yet'}")
        elif (condition.get("observedGeneration") or generation) < generation:
            yield PodReason(f"Gateway {gateway} has not acted on its newest specification yet")
