"""Stalls: whether a tenant is stuck, since when, and on what. A pure function of its row's clocks and now.

Pages call it at every look, so that a stall is told also while nothing schedules; the reconciler records it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from tenancy.saga.causes import Cause
from tenancy.saga.names import ActivityName
from tenancy.saga.states import State, Substate

PROVISIONING: Final = "provisioning"
IN_BETWEEN: Final = "in_between"
FAILED: Final = "failed"
TENANT_LIMITS: Final[Mapping[str, timedelta]] = {
    PROVISIONING: timedelta(minutes=15),
    IN_BETWEEN: timedelta(minutes=2),
    FAILED: timedelta(minutes=15),
}
"""The limits that are no activity's. Runbook: "Provisioning for more than ~15 minutes"; "wait 2 minutes"; "it's
flipped to Failed and stayed there" (without a number: as long as the first)."""
QUEUED_CAUSES: Final = frozenset({Cause.ENGINE_PAUSED, Cause.ENGINE_QUEUE})
"""Shown as such, and no stall of the tenant (docs/reference/airflow-buttons.md)."""
NOT_EXAMINED: Final = "It was not looked at yet."
"""What is said of a stall while its cause is not known because nobody had the time to look."""


class StallKind(StrEnum):
    """What is over its time."""

    ACTIVITY = "activity"
    PROVISIONING = "provisioning"
    IN_BETWEEN = "in between"
    UNDOING = "undoing"
    """Compensations ran out of tries."""
    UNTOUCHED = "untouched"
    """It failed, and nobody did anything about it."""


@dataclass(frozen=True)
class Stall:
    """`since`: when the clock began that is over `limit` now."""

    kind: StallKind
    activity: ActivityName | None
    since: datetime
    limit: timedelta


@dataclass(frozen=True)
class TenantStatus:
    """How a tenant stands: its state and the clocks of its row, UTC."""

    state: State
    substate: Substate | None
    activity: ActivityName | None
    """The first that is not done."""
    state_since: datetime
    activity_since: datetime
    held: Cause | None = None
    """What holds its run, when that is not its own matter."""
    escalated: bool = False
    escalation_sent: bool = False
    """Has a notification channel accepted the message about it? Before that nobody knows of it."""
    failures: int = 0
    """How many attempts failed so far."""
    attempt: int = 0
    """The number of its newest attempt. While it is Failed, none of them ended Active (saga/retry_loops.py)."""
    failure_cause: Cause | None = None
    """Why the last one did."""
    error_repeated: bool = False
    """Did the last two fail at the same activity with the same error?"""
    group_tenants: int = 0
    """How many tenants are in the class of stall that it belongs to; 0: it belongs to none."""
    turn_since: datetime | None = None
    """When it last ceased to wait for its turn; None when it never did."""
    held_since: datetime | None = None
    """When `held` was recorded; None when that is not known."""
    activity_cause: Cause = Cause.UNKNOWN
    """Why the last try of its activity failed, or what the activity waits for."""
    activity_message: str = ""
    activity_cause_since: datetime | None = None
    """Since when that is the cause."""
    past_no_return: bool = False
    """Does a cancel destroy a customer's data?"""
    cancelled: bool = False
    """Did a person cancel its newest attempt while that was running?"""

    @property
    def activity_clock(self) -> datetime:
        """From when its activity is timed: what waited for its turn had no time yet."""
        return max(self.activity_since, self.turn_since or self.activity_since)

    @property
    def state_clock(self) -> datetime:
        """From when its state is timed."""
        return max(self.state_since, self.turn_since or self.state_since)


@dataclass(frozen=True)
class Limits:
    """How long each may take: activities by name, and the three of `OF_TENANTS`."""

    activities: Mapping[ActivityName, timedelta]
    tenants: Mapping[str, timedelta]


def stall_of(tenant: TenantStatus, now: datetime, limits: Limits) -> Stall | None:
    """The stall this tenant is in; None while all is in time."""
    if tenant.held in QUEUED_CAUSES:
        return None
    if tenant.state is State.PROVISIONING:
        return _of_provisioning(tenant, now, limits)
    if tenant.state is State.FAILED and tenant.substate is not Substate.UNWINDING:
        return _of_failed(tenant, now, limits)
    if tenant.state in {State.ACTIVE, State.DECOMMISSIONED}:
        return None
    return _over(StallKind.IN_BETWEEN, None, tenant.state_clock, limits.tenants[IN_BETWEEN], now)


def _of_provisioning(tenant: TenantStatus, now: datetime, limits: Limits) -> Stall | None:
    activity = tenant.activity
    limit = limits.activities.get(activity) if activity else None
    wedged = _over(StallKind.ACTIVITY, activity, tenant.activity_clock, limit, now) if limit else None
    whole = limits.tenants[PROVISIONING]
    return wedged or _over(StallKind.PROVISIONING, activity, tenant.state_clock, whole, now)


def _of_failed(tenant: TenantStatus, now: datetime, limits: Limits) -> Stall | None:
    if tenant.substate is Substate.STUCK:
        return Stall(StallKind.UNDOING, None, tenant.state_since, timedelta())
    if tenant.escalated and tenant.escalation_sent:
        return None
    return _over(StallKind.UNTOUCHED, None, tenant.state_since, limits.tenants[FAILED], now)


def _over(
    kind: StallKind, activity: ActivityName | None, since: datetime, limit: timedelta, now: datetime
) -> Stall | None:
    return Stall(kind, activity, since, limit) if now - since > limit else None
