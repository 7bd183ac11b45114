"""Stored incident groups: their cause, which are open, and which tenants belong to them. Rows only; no judgement.

Written by engine/notifications/incident_groups.py, read by the console. The clock is the ledger's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from tenancy.ledger.ledger import LedgerSession
from tenancy.saga.causes import cause_of
from tenancy.saga.error_texts import without_tenant_names
from tenancy.saga.incident_groups import WINDOW, Incident, IncidentGroup, IncidentSignature
from tenancy.saga.names import ActivityName, TenantId
from tenancy.saga.stalls import NOT_EXAMINED
from tenancy.saga.states import State, Substate

RETENTION: Final = timedelta(days=90)
"""How long a closed group can still be read."""
MAX_INCIDENTS: Final = 20_000
"""One pass reads this many, the newest. 10,000 take 0.3 s and 20 MB."""


@dataclass(frozen=True)
class StoredIncidentGroup:
    """An incident group. `members`: how many it has now; `closed_at` is None while it is open."""

    id: int
    signature: IncidentSignature
    message: str
    members: int
    first_at: datetime
    last_at: datetime
    opened_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True)
class GroupMember:
    """A tenant of a group. `left_at` is None while it belongs to it; `stalled`: it has an open stall of any kind."""

    group_id: int
    tenant_id: TenantId
    slug: str
    state: State
    substate: Substate | None
    stalled: bool
    joined_at: datetime
    left_at: datetime | None


def load_incidents(ledger: LedgerSession) -> list[Incident]:
    """What stalls tenants now, and how tenants failed recently."""
    since = ledger.now - WINDOW
    return [
        _incident(row) for row in ledger.rows("incidents", since=since, not_looked_at=NOT_EXAMINED, limit=MAX_INCIDENTS)
    ]


def load_open_keys(ledger: LedgerSession) -> frozenset[str]:
    """The signature keys of all open groups."""
    return frozenset(row["key"] for row in ledger.rows("open_group_keys"))


def save_group(ledger: LedgerSession, group: IncidentGroup) -> bool:
    """Open the group or bring it up to date. True when it is new."""
    signature = vars(group.signature) | {"cause": group.signature.cause.value, "key": group.signature.key}
    values = {
        "said": group.message,
        "first_at": group.first_at,
        "last_at": group.last_at,
        "members": len(group.members),
    }
    (row,) = ledger.rows("upsert_incident_group", **signature, **values, now=ledger.now)
    ledger.rows("update_group_members", id=row["id"], tenants=sorted(group.members), now=ledger.now)
    return bool(row["opened"])


def close_other_groups(ledger: LedgerSession, groups: Iterable[IncidentGroup]) -> int:
    """Close all groups but these, and delete old ones. Returns how many were closed."""
    closed = ledger.rows("close_incident_groups", but=[group.signature.key for group in groups], now=ledger.now)
    ledger.rows("delete_old_incident_groups", before=ledger.now - RETENTION)
    return len(closed)


def load_open_groups(ledger: LedgerSession, *, limit: int) -> list[StoredIncidentGroup]:
    """Open groups, oldest first."""
    return [_stored_group(row) for row in ledger.rows("incident_groups", id=None, limit=limit)]


def load_unannounced_groups(ledger: LedgerSession, *, limit: int) -> list[StoredIncidentGroup]:
    """Open groups without an alert, oldest first."""
    return [_stored_group(row) for row in ledger.rows("unannounced_groups", limit=limit)]


def load_group(ledger: LedgerSession, class_id: int) -> StoredIncidentGroup | None:
    """The group with this id, also when it is closed."""
    found = ledger.rows("incident_groups", id=class_id, limit=1)
    return _stored_group(found[0]) if found else None


def load_members(ledger: LedgerSession, class_id: int, *, limit: int, left: bool = False) -> list[GroupMember]:
    """Its members, those that are not well first; with `left`, former ones too."""
    return [_member(row) for row in ledger.rows("group_members", id=class_id, limit=limit, left=left)]


def load_grouped_tenants(ledger: LedgerSession) -> frozenset[TenantId]:
    """Every tenant that belongs to an open group."""
    return frozenset(TenantId(row["tenant_id"]) for row in ledger.rows("grouped_tenants"))


def _incident(row: dict[str, Any]) -> Incident:
    signature = _signature({**row, "error": row["error"] or without_tenant_names(row["said"], row["slug"])})
    return Incident(TenantId(row["tenant_id"]), signature, row["said"], row["at"], row["lasts"])


def _signature(row: dict[str, Any]) -> IncidentSignature:
    versions = row["chart_version"], row["schema_version"], row["product"]
    return IncidentSignature(
        ActivityName(row["activity"]), cause_of(row["cause"]), row["error"], row["region"], *versions
    )


def _stored_group(row: dict[str, Any]) -> StoredIncidentGroup:
    copied = ("id", "members", "first_at", "last_at", "opened_at", "closed_at")
    return StoredIncidentGroup(signature=_signature(row), message=row["said"], **{name: row[name] for name in copied})


def _member(row: dict[str, Any]) -> GroupMember:
    return GroupMember(
        group_id=row["class_id"],
        tenant_id=row["tenant_id"],
        slug=row["slug"],
        state=State(row["state"]),
        substate=Substate(row["substate"]) if row["substate"] else None,
        stalled=row["stalled"],
        joined_at=row["joined_at"],
        left_at=row["left_at"],
    )
