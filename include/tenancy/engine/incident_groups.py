"""Keeps the classes of stall: opened when three tenants share a trouble, closed by itself when none is left.

Called by the reconciler in each pass, after it has noted stalls. What makes a class is decided in
saga/incident_groups.py.
"""

from collections import Counter
from typing import Final

from tenancy.activities.advice import REMEDIES
from tenancy.activities.plan import PLAN
from tenancy.ledger import incident_groups as rows
from tenancy.ledger.incident_groups import StoredIncidentGroup
from tenancy.ledger.ledger import LedgerSession
from tenancy.saga.incident_groups import IncidentSignature, group_incidents

_CUT: Final = 260


def record_incident_groups(ledger: LedgerSession) -> Counter[str]:
    """One pass; how many were opened and closed."""
    groups = group_incidents(rows.load_incidents(ledger), ledger.now, rows.load_open_keys(ledger))
    opened = sum(rows.save_group(ledger, group) for group in groups)
    return Counter({"classes opened": opened, "classes closed": rows.close_other_groups(ledger, groups)})


def describe_group(signature: IncidentSignature, said: str) -> str:
    """What is so, for pages, the API and messages: where, and what one of its tenants was told."""
    where = (
        f"at {activity_label(signature.activity)} in {signature.region}"
        if signature.activity
        else f"in {signature.region}"
    )
    return f"{where[:1].upper()}{where[1:]}: {said if len(said) <= _CUT else said[:_CUT] + ' …'}"


def next_action(kept: StoredIncidentGroup) -> str:
    """What to do about it, in a sentence."""
    if kept.closed_at is not None:
        return "Nothing: none of its tenants is left in it."
    remedy = REMEDIES[kept.signature.cause].sentence
    return f"Escalate once, for all of them. {remedy} Then: tenantctl recover --class {kept.id}".replace("  ", " ")


def activity_label(activity: str) -> str:
    """As people know the activity; an old plan may have one that PLAN has no more."""
    return next((each.label for each in PLAN if each.name == activity), activity)
