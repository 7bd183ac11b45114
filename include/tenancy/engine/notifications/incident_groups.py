"""Keeps incident groups: opens one when three tenants have the same incident, closes it when no tenant is left.

Called by the reconciler in each pass, after it has recorded stalls. saga/incident_groups.py decides what is a group.
"""

from collections import Counter
from typing import Final

from tenancy.activities.registry import label_of
from tenancy.activities.remedies import REMEDIES
from tenancy.ledger import incident_groups as rows
from tenancy.ledger.incident_groups import StoredIncidentGroup
from tenancy.ledger.ledger import LedgerSession
from tenancy.saga.incident_groups import IncidentSignature, group_incidents

_CUT: Final = 260


def record_incident_groups(ledger: LedgerSession) -> Counter[str]:
    """One pass: how many groups were opened and closed."""
    groups = group_incidents(rows.load_incidents(ledger), ledger.now, rows.load_open_keys(ledger))
    opened = sum(rows.save_group(ledger, group) for group in groups)
    return Counter({"classes opened": opened, "classes closed": rows.close_other_groups(ledger, groups)})


def describe_group(signature: IncidentSignature, message: str) -> str:
    """A sentence about the group, for pages, the API and notifications: where, and one tenant's message."""
    where = (
        f"at {label_of(signature.activity)} in {signature.region}" if signature.activity else f"in {signature.region}"
    )
    return f"{where[:1].upper()}{where[1:]}: {message if len(message) <= _CUT else message[:_CUT] + ' …'}"


def next_action(kept: StoredIncidentGroup) -> str:
    """What to do about it, in a sentence."""
    if kept.closed_at is not None:
        return "Nothing: none of its tenants is left in it."
    remedy = REMEDIES[kept.signature.cause].sentence
    return f"Escalate once, for all of them. {remedy} Then: tenantctl recover --class {kept.id}".replace("  ", " ")
