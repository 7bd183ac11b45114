"""Blocking reasons: systems that a tenant needs and that are down, and recorded causes that still hold. Pure.

advice.py turns them into sentences. A recorded cause holds only for the activity or state for which it was recorded,
and only until a newer health check finds its system healthy. One that the check covers in part is kept, with the check.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tenancy.activities.registry import find_activity
from tenancy.saga.causes import Cause
from tenancy.saga.stalls import StallKind, TenantStatus
from tenancy.saga.states import State, Substate
from tenancy.saga.system_status import CLUSTER, INGRESS, STORAGE, SystemStatus, SystemStatuses
from tenancy.saga.tenant import OpenStall

PATIENCE: Final = timedelta(seconds=30)
"""For an activity within its limit, a cause is shown only after this time: starting pods show one for a moment."""
_SCHEDULING: Final = (Cause.ENGINE_UNREACHABLE, Cause.ENGINE_SCHEDULER_SILENT)
_COVERED_COMPLETELY: Final = frozenset(
    {
        Cause.STORAGE_UNREACHABLE,
        Cause.STORAGE_NO_SLOTS,
        Cause.STORAGE_TEMPLATE_IN_USE,
        Cause.STORAGE_CREDENTIALS,
        Cause.STORAGE_CONNECTION,
        Cause.CLUSTER_UNREACHABLE,
        Cause.CLUSTER_CREDENTIALS,
        Cause.INGRESS_SILENT,
        Cause.LEDGER_SILENT,
        Cause.ENGINE_UNREACHABLE,
        Cause.ENGINE_SCHEDULER_SILENT,
        Cause.ENGINE_TRIGGERER_SILENT,
    }
)
"""Causes that a health check covers completely: if it finds the system healthy, they are over."""
COVERED_BY_HEALTH_CHECKS: Final = _COVERED_COMPLETELY | {
    Cause.STORAGE_PERMISSION,
    Cause.STORAGE_READ_ONLY,
    Cause.CLUSTER_REFUSES,
    Cause.CLUSTER_NODE,
}
"""Also causes that a health check covers partly. A healthy system is then said, and the cause remains possible. A
failed attempt is never examined again, so for it a healthy system counts."""


@dataclass(frozen=True)
class Reason:
    """One blocking reason. `status`: the health check that finds its system down now; None for a recorded cause.

    `healthy`: the health check that finds its system healthy since it was recorded, but covers the cause only partly.
    """

    cause: Cause
    status: SystemStatus | None = None
    healthy: SystemStatus | None = None


def blocking_reasons(
    tenant: TenantStatus, stall: OpenStall | None, now: datetime, statuses: SystemStatuses
) -> tuple[Reason, ...]:
    """All blocking reasons, one for each cause: systems that are down now come first, those found healthy last."""
    down = (statuses.down(need, now) for need in _needs(tenant))
    down_now = [Reason(status.cause, status) for status in down if status]
    found: dict[Cause, Reason] = {}
    recorded = sorted(_recorded(tenant, stall, now, statuses), key=lambda each: each.healthy is not None)
    for each in (*down_now, *recorded):
        found.setdefault(each.cause, each)
    return tuple(found.values())


def find_recovered_system(tenant: TenantStatus, now: datetime, statuses: SystemStatuses) -> SystemStatus | None:
    """The system that made the last attempt fail, if it has been found healthy since."""
    return _recovered(tenant.failure_cause, tenant.state_since, now, statuses)


def find_recovered_hold(tenant: TenantStatus, now: datetime, statuses: SystemStatuses) -> SystemStatus | None:
    """The system because of which it is held, if it has been found healthy since."""
    return _recovered(tenant.held, tenant.held_since, now, statuses)


def _recovered(
    cause: Cause | None, recorded_at: datetime | None, now: datetime, statuses: SystemStatuses
) -> SystemStatus | None:
    return statuses.recovered(cause, recorded_at, now) if cause in COVERED_BY_HEALTH_CHECKS else None


def _needs(tenant: TenantStatus) -> tuple[str, ...]:
    """The systems that the tenant needs (parts of the engine by their cause), in the order in which they are shown."""
    if tenant.state is State.PROVISIONING:
        activity = find_activity(tenant.activity or "")
        waits = (Cause.ENGINE_TRIGGERER_SILENT,) if activity and activity.is_deferred else ()
        return (*_SCHEDULING, *waits, *(activity.systems if activity else ()))
    if tenant.state is State.ACTIVE:
        return STORAGE, CLUSTER, INGRESS
    if tenant.state is State.DECOMMISSIONED:
        return ()
    at_rest = tenant.state is State.FAILED and tenant.substate is not Substate.UNWINDING
    return (STORAGE, CLUSTER) if at_rest else (*_SCHEDULING, STORAGE, CLUSTER)


def _recorded(
    tenant: TenantStatus, stall: OpenStall | None, now: datetime, statuses: SystemStatuses
) -> Iterator[Reason]:
    if tenant.held:
        yield from _unless_over(tenant.held, tenant.held_since, now, statuses)
    over_time = stall is not None and is_current(stall, tenant)
    if stall and over_time:
        yield from _unless_over(stall.cause, stall.observed_at, now, statuses)
    if tenant.state is State.PROVISIONING and (over_time or _has_lasted(tenant, now)):
        yield from _unless_over(tenant.activity_cause, tenant.activity_cause_since, now, statuses)
    if (
        tenant.state is State.FAILED
        and tenant.failure_cause
        and not (tenant.cancelled or find_recovered_system(tenant, now, statuses))
    ):
        yield Reason(tenant.failure_cause)


def _unless_over(
    cause: Cause, recorded_at: datetime | None, now: datetime, statuses: SystemStatuses
) -> Iterator[Reason]:
    healthy = _recovered(cause, recorded_at, now, statuses)
    if cause is not Cause.UNKNOWN and not (healthy and cause in _COVERED_COMPLETELY):
        yield Reason(cause, healthy=healthy)


def _has_lasted(tenant: TenantStatus, now: datetime) -> bool:
    return tenant.activity_cause_since is not None and now - tenant.activity_cause_since >= PATIENCE


def is_current(stall: OpenStall, tenant: TenantStatus) -> bool:
    """Was it recorded of the activity or the state that the tenant is in now?"""
    match stall.kind:
        case StallKind.ACTIVITY | StallKind.PROVISIONING:
            fresh = stall.observed_at is None or stall.observed_at >= tenant.activity_since
            return tenant.state is State.PROVISIONING and stall.activity == tenant.activity and fresh
        case StallKind.UNWINDING:
            return tenant.substate is Substate.UNWINDING or tenant.state in {State.CANCELLING, State.DECOMMISSIONING}
    return tenant.state is State.FAILED and tenant.substate is not Substate.UNWINDING
