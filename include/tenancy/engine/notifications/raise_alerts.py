"""Raises one alert for each open stall and for each open incident group. Called by the reconciler.

It reads recorded stalls that have no alert yet, so the next pass completes one that died. Tenants in an incident group
get no alert of their own: the group has one.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from tenancy.activities.advice import advise
from tenancy.activities.plan import limits
from tenancy.activities.registry import label_of
from tenancy.engine.notifications.alert_messages import group_alert, stall_alert
from tenancy.engine.notifications.incident_groups import next_action
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
"""Older stalls get no alert, so that an upgrade does not raise one for everything that ever failed."""


def raise_stall_alerts(tenancy: Tenancy, ledger: LedgerSession, *, but: Collection[TenantId] = ()) -> int:
    """One pass: how many alerts were raised. Tenants in `but` are skipped."""
    now, bounds = ledger.now, limits(tenancy.platform)
    raised = [
        stall_alert_of(each, now, bounds)
        for each in load_unannounced_stalls(ledger, since=now - NEWS, but=but, limit=ALERTS_PER_PASS)
    ]
    for alert in raised:
        alerts.raise_alert(ledger, alert)
    return len(raised)


def raise_group_alerts(ledger: LedgerSession) -> None:
    """One alert for each open incident group. The rest is left to the next pass."""
    for each in load_unannounced_groups(ledger, limit=ALERTS_PER_PASS):
        alerts.raise_alert(ledger, group_alert_of(each))


def group_alert_of(kept: StoredIncidentGroup) -> Alert:
    """The alert for an incident group."""
    of_it = kept.signature
    return group_alert(
        key=f"class:{kept.id}",
        tenants=kept.members,
        what=f"do not get on at {label_of(of_it.activity)} in {of_it.region}" if of_it.activity else "do not get on",
        since=kept.first_at,
        cause=kept.message,
        next_action=next_action(kept),
        path=f"/tenancy/#class-{kept.id}",
        details={"class": str(kept.id), "activity": of_it.activity, "cause": of_it.cause, "region": of_it.region},
    )


def stall_alert_of(untold: UnannouncedStall, now: datetime, bounds: Limits) -> Alert:
    """The alert for one tenant's stall."""
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
    """The stall as the end of a sentence that begins with the tenant."""
    label = label_of(activity) if activity else "its first activity"
    return _WHAT.get(kind, "is stalled").format(label=label, state=state)


_WHAT: Final[dict[str, str]] = {
    StallKind.ACTIVITY: "is stalled at {label}",
    StallKind.PROVISIONING: "is still Provisioning, at {label}",
    StallKind.UNWINDING: "is stalled in {state}",
    StallKind.STUCK: "could not be undone",
    StallKind.UNATTENDED: "failed, and nobody has done anything about it",
}
