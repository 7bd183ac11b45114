"""Stalls: is a tenant over a time limit, which one, and since when? A pure function of its row's timestamps and now.

The console computes this for every page, so that it shows stalls even while the reconciler does not run. The
reconciler records them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from tenancy.saga.causes import Cause
from tenancy.saga.names import ActivityName
from tenancy.saga.states import State, Substate

PROVISIONING_LIMIT: Final = "provisioning"
UNWINDING_LIMIT: Final = "in_between"
FAILED_LIMIT: Final = "failed"
TENANT_LIMITS: Final[Mapping[str, timedelta]] = {
    PROVISIONING_LIMIT: timedelta(minutes=15),
    UNWINDING_LIMIT: timedelta(minutes=2),
    FAILED_LIMIT: timedelta(minutes=15),
}
"""Limits of a tenant as a whole (docs/operating/runbook.md): about 15 minutes for provisioning, 2 minutes between
states. The runbook has no number for a tenant that stays Failed: it is the same as for provisioning."""
QUEUED_CAUSES: Final = frozenset({Cause.ENGINE_PAUSED, Cause.ENGINE_QUEUE})
"""Shown as such, and no stall of the tenant (docs/reference/airflow-buttons.md)."""
NOT_EXAMINED: Final = "It has not been checked yet."
"""The message of a stall whose cause has not been examined yet, because a pass of the reconciler ran out of time."""


class StallKind(StrEnum):
    """Which time limit has passed. The values are stored."""

    ACTIVITY = "activity"
    PROVISIONING = "provisioning"
    UNWINDING = "in between"
    STUCK = "undoing"
    """Compensations ran out of retries. This has no time limit: it counts at once."""
    UNATTENDED = "untouched"
    """The tenant is Failed, and nobody has acted on it."""


@dataclass(frozen=True)
class Stall:
    """One limit that has passed. `since`: from when the limit counts."""

    kind: StallKind
    activity: ActivityName | None
    since: datetime
    limit: timedelta


@dataclass(frozen=True)
class TenantStatus:
    """A tenant's state and timestamps (UTC), from its row: what stalls and advice are computed from."""

    state: State
    substate: Substate | None
    activity: ActivityName | None
    """The first that is not done."""
    state_since: datetime
    activity_since: datetime
    held: Cause | None = None
    """Why its run is held, if the reason is outside the tenant."""
    escalated: bool = False
    escalation_sent: bool = False
    """Has a notification channel accepted the message? Until then the escalation does not end the stall."""
    failures: int = 0
    """How many attempts failed so far."""
    attempt: int = 0
    """The number of its newest attempt. While it is Failed, none of them ended Active (saga/retry_loops.py)."""
    failure_cause: Cause | None = None
    """Why the last attempt failed."""
    error_repeated: bool = False
    """Did the last two fail at the same activity with the same error?"""
    group_tenants: int = 0
    """How many tenants are in its incident group; 0 if it is in none."""
    turn_since: datetime | None = None
    """When its run last left the queue, or was unpaused; None if it never waited."""
    held_since: datetime | None = None
    """When `held` was recorded; None when that is not known."""
    activity_cause: Cause = Cause.UNKNOWN
    """Why the last try of its activity failed, or what the activity waits for."""
    activity_message: str = ""
    activity_cause_since: datetime | None = None
    """Since when `activity_cause` is the cause."""
    past_no_return: bool = False
    """Would a Cancel destroy a customer's data?"""
    cancelled: bool = False
    """Did a person cancel its newest attempt while that was running?"""

    @property
    def activity_clock(self) -> datetime:
        """From when its activity's limit counts. Time in a queue does not count."""
        return max(self.activity_since, self.turn_since or self.activity_since)

    @property
    def state_clock(self) -> datetime:
        """From when its state's limit counts. Time in a queue does not count."""
        return max(self.state_since, self.turn_since or self.state_since)


@dataclass(frozen=True)
class Limits:
    """The time limits that apply: of activities by name, and of tenants by the keys of TENANT_LIMITS."""

    activities: Mapping[ActivityName, timedelta]
    tenants: Mapping[str, timedelta]


def stall_of(tenant: TenantStatus, now: datetime, limits: Limits) -> Stall | None:
    """The stall that this tenant is in; None while it is within its limits."""
    if tenant.held in QUEUED_CAUSES:
        return None
    if tenant.state is State.PROVISIONING:
        return _of_provisioning(tenant, now, limits)
    if tenant.state is State.FAILED and tenant.substate is not Substate.UNWINDING:
        return _of_failed(tenant, now, limits)
    if tenant.state in {State.ACTIVE, State.DECOMMISSIONED}:
        return None
    return _over(StallKind.UNWINDING, None, tenant.state_clock, limits.tenants[UNWINDING_LIMIT], now)


def _of_provisioning(tenant: TenantStatus, now: datetime, limits: Limits) -> Stall | None:
    activity = tenant.activity
    limit = limits.activities.get(activity) if activity else None
    wedged = _over(StallKind.ACTIVITY, activity, tenant.activity_clock, limit, now) if limit else None
    whole = limits.tenants[PROVISIONING_LIMIT]
    return wedged or _over(StallKind.PROVISIONING, activity, tenant.state_clock, whole, now)


def _of_failed(tenant: TenantStatus, now: datetime, limits: Limits) -> Stall | None:
    if tenant.substate is Substate.STUCK:
        return Stall(StallKind.STUCK, None, tenant.state_since, timedelta())
    if tenant.escalated and tenant.escalation_sent:
        return None
    return _over(StallKind.UNATTENDED, None, tenant.state_since, limits.tenants[FAILED_LIMIT], now)


def _over(
    kind: StallKind, activity: ActivityName | None, since: datetime, limit: timedelta, now: datetime
) -> Stall | None:
    return Stall(kind, activity, since, limit) if now - since > limit else None
