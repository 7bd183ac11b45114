"""Raises an alert for each open stall, once. Called by the reconciler after it has recorded stalls.

It goes by what is recorded and not told yet: a pass that dies in between is made good by the next. Tenants of a class
are left out: they are told of together.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from tenancy.activities.advice import advise
from tenancy.activities.plan import PLAN, limits
from tenancy.engine.alert_messages import group_alert, stall_alert
from tenancy.engine.incident_groups import activity_label, next_action
from tenancy.engine.tenancy import Tenancy
from tenancy.ledger import alerts
from tenancy.ledger.alerts import Alert
from tenancy.ledger.incident_groups import StoredIncidentGroup, load_unannounced_groups
from tenancy.ledger.ledger import LedgerSession
from tenancy.ledger.unannounced_stalls import UnannouncedStall, load_unannounced_stalls
from tenancy.saga.names import TenantId
from tenancy.saga.stalls import Limits, StallKind

ALERTS_PER_PASS: Final = 100
"""In one pass."""
NEWS: Final = timedelta(days=1)
"""What began earlier is none: after an upgrade nobody is told of all that ever failed."""


def raise_stall_alerts(tenancy: Tenancy, ledger: LedgerSession, *, but: Collection[TenantId] = ()) -> int:
    """One pass; how many were raised. Those in `but` are told otherwise."""
    now, bounds = ledger.now, limits(tenancy.platform)
    raised = [
        stall_alert_of(each, now, bounds)
        for each in load_unannounced_stalls(ledger, since=now - NEWS, but=but, limit=ALERTS_PER_PASS)
    ]
    for alert in raised:
        alerts.raise_alert(ledger, alert)
    return len(raised)


def raise_group_alerts(ledger: LedgerSession) -> None:
    """One message for each class that is open, whoever belongs to it by now; what is left is the next pass's."""
    for each in load_unannounced_groups(ledger, limit=ALERTS_PER_PASS):
        alerts.raise_alert(ledger, group_alert_of(each))


def group_alert_of(kept: StoredIncidentGroup) -> Alert:
    """What is told of it."""
    of_it = kept.signature
    return group_alert(
        key=f"class:{kept.id}",
        tenants=kept.members,
        what=f"do not get on at {activity_label(of_it.activity)} in {of_it.region}"
        if of_it.activity
        else "do not get on",
        since=kept.first_at,
        cause=kept.message,
        next_action=next_action(kept),
        path=f"/tenancy/#class-{kept.id}",
        details={"class": str(kept.id), "activity": of_it.activity, "cause": of_it.cause, "region": of_it.region},
    )


def stall_alert_of(untold: UnannouncedStall, now: datetime, bounds: Limits) -> Alert:
    """What is told of it."""
    tenant, stall = untold.standing, untold.stall
    of_activity = stall.kind == StallKind.ACTIVITY
    return stall_alert(
        key=untold.key,
        tenant_id=untold.tenant_id,
        slug=untold.slug,
        region=untold.region,
        what=describe_stall(stall.kind, stall.activity, tenant.state),
        since=tenant.activity_since if of_activity else tenant.state_since,
        cause=stall.message,
        next_action=advise(tenant, stall, now, bounds).sentence,
        details={
            "stall": stall.kind,
            "activity": stall.activity or "",
            "cause": stall.cause,
            "region": untold.region,
            "plan": untold.plan,
        },
    )


def describe_stall(kind: str, activity: str | None, state: str) -> str:
    """What is so, as the end of a sentence about the tenant."""
    label = next((each.label for each in PLAN if each.name == activity), activity or "its first activity")
    return _WHAT.get(kind, "is stuck").format(label=label, state=state)


_WHAT: Final[dict[str, str]] = {
    StallKind.ACTIVITY: "is stuck at {label}",
    StallKind.PROVISIONING: "is still Provisioning, at {label}",
    StallKind.IN_BETWEEN: "is stuck in {state}",
    StallKind.UNDOING: "could not be undone",
    StallKind.UNTOUCHED: "failed, and nobody has done anything about it",
}
