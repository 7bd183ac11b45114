"""Health verdicts: turns an observation of a system into ok, degraded or down, with one sentence. Pure.

All thresholds are here. A sentence says what the problem means for tenants, unless that is obvious. It never contains
an address or a secret: everybody who may read tenants can read it.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from tenancy.engine.health.check_results import CheckResult, Condition, System
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


def ledger(observation: "ServerStatus", version: str, *, may_rewrite: bool = False) -> CheckResult:
    """The server of the ledger, and whether our role could change recorded facts."""
    rewritable = (_DEGRADED, _REWRITABLE) if may_rewrite else None
    state, sentence = server(observation) or rewritable or (_OK, f"It responds; {sessions(observation)}.")
    measured = {
        **server_measurements(observation),
        "schema": version,
        "size_mb": round(observation.size_bytes / 1e6, 1),
    }
    return CheckResult(System.LEDGER, state, sentence, measured=measured)


def server(observation: "ServerStatus") -> Verdict | None:
    """What is wrong with a PostgreSQL server; None if nothing is."""
    if observation.read_only:
        return _DOWN, "It takes no writes: it is read-only, perhaps a standby."
    if observation.role_limit >= 0 and _nearly(observation.own_sessions, observation.role_limit):
        return (
            _DEGRADED,
            f"Our role has {observation.own_sessions} of the {observation.role_limit} sessions it may have.",
        )
    if _nearly(observation.sessions, observation.slots):
        return _DEGRADED, f"Nearly all sessions are taken: {observation.sessions} of {observation.slots}."
    if (observation.longest_wait_seconds or 0) > LONG_WAIT_SECONDS:
        return (
            _DEGRADED,
            f"A session has waited for a lock for {format_seconds(observation.longest_wait_seconds or 0)}.",
        )
    return None


def sessions(observation: "ServerStatus") -> str:
    """How many of its sessions are taken."""
    return f"{observation.sessions} of {observation.slots} sessions are taken"


def server_measurements(observation: "ServerStatus") -> dict[str, int | float | str]:
    """What a check of it measures."""
    measured: dict[str, int | float | str] = {
        "version": observation.version,
        "sessions": observation.sessions,
        "sessions_allowed": observation.slots,
    }
    wait = observation.longest_wait_seconds
    return measured if wait is None else measured | {"longest_wait_seconds": round(wait, 1)}


def cluster(region: Region, observation: "ClusterStatus") -> CheckResult:
    """A region's cluster."""
    state, sentence = _cluster(observation)
    cause = Cause.CLUSTER_UNSCHEDULABLE if state is _DOWN else Cause.UNKNOWN
    counted = {
        "nodes": observation.nodes,
        "nodes_ready": observation.nodes_ready,
        "pods_pending": observation.pending,
        "pods_unschedulable": len(observation.unschedulable) if observation.pending is not None else None,
    }
    known = {name: number for name, number in counted.items() if number is not None}
    measured: Measured = {
        "version": observation.version,
        "answer_seconds": round(observation.answer_seconds, 2),
        **known,
    }
    return CheckResult(System.CLUSTER, state, sentence, region.name, measured=measured, cause=cause)


def _cluster(observation: "ClusterStatus") -> Verdict:
    if observation.nodes and not observation.nodes_ready:
        return _DOWN, f"None of its {observation.nodes} nodes is ready: no pod starts."
    if observation.slow:
        return _DEGRADED, f"Its API took {format_seconds(observation.answer_seconds)} to return its version."
    if observation.unschedulable:
        count = len(observation.unschedulable)
        pods = "1 pod finds" if count == 1 else f"{count} pods find"
        return _DEGRADED, f"{pods} no node: {observation.scheduler_message or 'the scheduler gives no reason'}"
    if observation.nodes is not None and observation.nodes != observation.nodes_ready:
        return _DEGRADED, f"{observation.nodes_ready} of {observation.nodes} nodes are ready."
    nodes = "" if observation.nodes is None else f"; {observation.nodes_ready} of {observation.nodes} nodes are ready"
    return _OK, f"Its API responds{nodes}."


def ingress(region: Region, observation: "IngressStatus") -> CheckResult:
    """A region's ingress controller, by its answer for a host that no tenant has."""
    broken = observation.status >= 500
    sentence = f"It responds to every host with {observation.status}." if broken else "It responds."
    measured: Measured = {"host": observation.host, "status": observation.status}
    return CheckResult(System.INGRESS, _DEGRADED if broken else _OK, sentence, region.name, measured=measured)


def capacity(region: Region, tenants: int) -> CheckResult:
    """How full a region is."""
    if not region.offered:
        measured: Measured = {"tenants": tenants, "allowed": region.capacity}
        return CheckResult(System.CAPACITY, _OK, _retired("region", tenants), region.name, measured=measured)
    state, sentence = _room(tenants, region.capacity, "The region", "no further tenant is admitted here")
    return CheckResult(
        System.CAPACITY, state, sentence, region.name, measured={"tenants": tenants, "allowed": region.capacity}
    )


def quota(plan: Plan, tenants: int) -> CheckResult:
    """How much of a plan's quota is used."""
    if not plan.offered:
        return CheckResult(System.QUOTA, _OK, _retired("plan", tenants), part=plan.name, measured={"tenants": tenants})
    if plan.quota is None:
        sentence = f"{'1 tenant is' if tenants == 1 else f'{tenants} tenants are'} on it; it has no quota."
        return CheckResult(System.QUOTA, _OK, sentence, part=plan.name, measured={"tenants": tenants})
    state, sentence = _room(tenants, plan.quota, "The plan's quota", "no further tenant is admitted to it")
    return CheckResult(
        System.QUOTA, state, sentence, part=plan.name, measured={"tenants": tenants, "allowed": plan.quota}
    )


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


def format_seconds(seconds: float) -> str:
    """A duration for a sentence, such as `4.2 s` or `3 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def ago(since: datetime, now: datetime) -> str:
    """How long ago that was."""
    return format_seconds(max((now - since) / timedelta(seconds=1), 0.0))


_PLACES: Final = (
    re.compile(r"connection (to server )?(at \"[^\"]*\"( \([^)]*\))?, port \d+ )?failed: "),
    re.compile(r",? at (https?://\S+|[^\s:]+:\d+(/[^\s:]+)?)"),
    re.compile(r"https?://\S+"),
)


def without_addresses(sentence: str) -> str:
    """An error's sentence without addresses."""
    for place in _PLACES:
        sentence = place.sub("", sentence)
    return " ".join(sentence.split())
