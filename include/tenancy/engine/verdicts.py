"""Health verdicts: turns an observation of a system into ok, degraded or down, with one sentence. Pure.

All thresholds are here. A sentence says what the problem means for tenants, unless that is obvious. It never contains
an address or a secret: everybody who may read tenants can read it.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from tenancy.engine.health import CheckResult, Condition, System
from tenancy.saga.causes import Cause
from tenancy.saga.platform import Plan, Region

if TYPE_CHECKING:  # the Kubernetes client behind one of them is heavy
    from tenancy.adapters.cluster_health import ClusterStatus
    from tenancy.adapters.ingress_health import IngressStatus
    from tenancy.adapters.server_health import ServerStatus

NEARLY_FULL: Final = 0.9
LONG_WAIT_SECONDS: Final = 15.0
"""For a lock. Ours are waited for 10 s at most (engine/tenancy.py: Timings)."""
_OK, _DEGRADED, _DOWN = Condition.OK, Condition.DEGRADED, Condition.DOWN

Measured = Mapping[str, int | float | str]
Verdict = tuple[Condition, str]


_REWRITABLE: Final = (
    "The role that writes facts may also change them, so the audit log is no evidence. Run the installation's init "
    "once: it gives the tables to an owner that cannot log in."
)


def ledger(seen: "ServerStatus", version: str, *, may_rewrite: bool = False) -> CheckResult:
    """The server of the ledger, and whether our role could change recorded facts."""
    rewritable = (_DEGRADED, _REWRITABLE) if may_rewrite else None
    state, said = server(seen) or rewritable or (_OK, f"It answers; {sessions(seen)}.")
    measured = {**of_server(seen), "schema": version, "size_mb": round(seen.size_bytes / 1e6, 1)}
    return CheckResult(System.LEDGER, state, said, measured=measured)


def server(seen: "ServerStatus") -> Verdict | None:
    """What is wrong with a PostgreSQL server; None if nothing is."""
    if seen.read_only:
        return _DOWN, "It takes no writes: it is read-only, perhaps a standby."
    if seen.role_limit >= 0 and _nearly(seen.own_sessions, seen.role_limit):
        return _DEGRADED, f"Our role has {seen.own_sessions} of the {seen.role_limit} sessions it may have."
    if _nearly(seen.sessions, seen.slots):
        return _DEGRADED, f"Nearly all sessions are taken: {seen.sessions} of {seen.slots}."
    if (seen.longest_wait_seconds or 0) > LONG_WAIT_SECONDS:
        return _DEGRADED, f"A session has waited for a lock for {span(seen.longest_wait_seconds or 0)}."
    return None


def sessions(seen: "ServerStatus") -> str:
    """How many of its sessions are taken."""
    return f"{seen.sessions} of {seen.slots} sessions are taken"


def of_server(seen: "ServerStatus") -> dict[str, int | float | str]:
    """What a check of it measures."""
    told: dict[str, int | float | str] = {
        "version": seen.version,
        "sessions": seen.sessions,
        "sessions_allowed": seen.slots,
    }
    wait = seen.longest_wait_seconds
    return told if wait is None else told | {"longest_wait_seconds": round(wait, 1)}


def cluster(region: Region, seen: "ClusterStatus") -> CheckResult:
    """A region's cluster."""
    state, said = _cluster(seen)
    cause = Cause.CLUSTER_UNSCHEDULABLE if state is _DOWN else Cause.UNKNOWN
    counted = {
        "nodes": seen.nodes,
        "nodes_ready": seen.nodes_ready,
        "pods_pending": seen.pending,
        "pods_unschedulable": len(seen.unschedulable) if seen.pending is not None else None,
    }
    known = {name: number for name, number in counted.items() if number is not None}
    measured: Measured = {"version": seen.version, "answer_seconds": round(seen.answer_seconds, 2), **known}
    return CheckResult(System.CLUSTER, state, said, region.name, measured=measured, cause=cause)


def _cluster(seen: "ClusterStatus") -> Verdict:
    if seen.nodes and not seen.nodes_ready:
        return _DOWN, f"None of its {seen.nodes} nodes is ready: no pod starts."
    if seen.slow:
        return _DEGRADED, f"Its API took {span(seen.answer_seconds)} to say its version."
    if seen.unschedulable:
        count = len(seen.unschedulable)
        pods = "1 pod finds" if count == 1 else f"{count} pods find"
        return _DEGRADED, f"{pods} no node: {seen.scheduler_message or 'the scheduler does not say why'}"
    if seen.nodes is not None and seen.nodes != seen.nodes_ready:
        return _DEGRADED, f"{seen.nodes_ready} of {seen.nodes} nodes are ready."
    nodes = "" if seen.nodes is None else f"; {seen.nodes_ready} of {seen.nodes} nodes are ready"
    return _OK, f"Its API answers{nodes}."


def ingress(region: Region, seen: "IngressStatus") -> CheckResult:
    """A region's ingress controller, by its answer for a host that no tenant has."""
    broken = seen.status >= 500
    said = f"It answers every host with {seen.status}." if broken else "It answers."
    measured: Measured = {"host": seen.host, "status": seen.status}
    return CheckResult(System.INGRESS, _DEGRADED if broken else _OK, said, region.name, measured=measured)


def capacity(region: Region, tenants: int) -> CheckResult:
    """How full a region is."""
    if not region.offered:
        measured: Measured = {"tenants": tenants, "allowed": region.capacity}
        return CheckResult(System.CAPACITY, _OK, _retired("region", tenants), region.name, measured=measured)
    state, said = _room(tenants, region.capacity, "The region", "no further tenant is admitted here")
    return CheckResult(
        System.CAPACITY, state, said, region.name, measured={"tenants": tenants, "allowed": region.capacity}
    )


def quota(plan: Plan, tenants: int) -> CheckResult:
    """How much of a plan's quota is used."""
    if not plan.offered:
        return CheckResult(System.QUOTA, _OK, _retired("plan", tenants), part=plan.name, measured={"tenants": tenants})
    if plan.quota is None:
        said = f"{'1 tenant is' if tenants == 1 else f'{tenants} tenants are'} on it; it has no quota."
        return CheckResult(System.QUOTA, _OK, said, part=plan.name, measured={"tenants": tenants})
    state, said = _room(tenants, plan.quota, "The plan's quota", "no further tenant is admitted to it")
    return CheckResult(System.QUOTA, state, said, part=plan.name, measured={"tenants": tenants, "allowed": plan.quota})


def _retired(what: str, tenants: int) -> str:
    return (
        f"The {what} is retired: no new tenant may have it; {'1 tenant has' if tenants == 1 else f'{tenants} have'} it."
    )


def _room(used: int, allowed: int, what: str, then: str) -> Verdict:
    """A full region or plan is degraded, not down: existing tenants are not affected."""
    if used >= allowed:
        return _DEGRADED, f"{what} is used up, {used} of {allowed}: {then}."
    if _nearly(used, allowed):
        return _DEGRADED, f"{what} is nearly used up: {used} of {allowed}."
    return _OK, f"{used} of {allowed} tenants."


def _nearly(used: int, allowed: int) -> bool:
    return used >= allowed * NEARLY_FULL


def span(seconds: float) -> str:
    """A duration as a sentence says it."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def ago(since: datetime, now: datetime) -> str:
    """How long ago that was."""
    return span(max((now - since) / timedelta(seconds=1), 0.0))


_PLACES: Final = (
    re.compile(r"connection (to server )?(at \"[^\"]*\"( \([^)]*\))?, port \d+ )?failed: "),
    re.compile(r",? at (https?://\S+|[^\s:]+:\d+(/[^\s:]+)?)"),
    re.compile(r"https?://\S+"),
)


def without_places(said: str) -> str:
    """An error's sentence without addresses."""
    for place in _PLACES:
        said = place.sub("", said)
    return " ".join(said.split())
