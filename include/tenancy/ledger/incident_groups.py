"""Classes of stall as they are kept: what makes them, which are open, who belongs to each. Rows only; no judgement.

Written by engine/incident_groups.py, read by the console. Time is the ledger's.
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
"""How long a class that is over can still be read."""
MAX_INCIDENTS: Final = 20_000
"""Read in one pass, the newest: 10,000 take 0.3 s and 20 MB."""


@dataclass(frozen=True)
class StoredIncidentGroup:
    """A class. `members` are those it has now; `closed_at` is None while it is so."""

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
    """A tenant of a class. `left_at` is None while it belongs to it; `stalled`: has it an open stall, of whatever?"""

    class_id: int
    tenant_id: TenantId
    slug: str
    state: State
    substate: Substate | None
    stalled: bool
    joined_at: datetime
    left_at: datetime | None


def load_incidents(ledger: LedgerSession) -> list[Incident]:
    """What keeps tenants now, and how they failed lately."""
    since = ledger.now - WINDOW
    return [
        _incident(row) for row in ledger.rows("incidents", since=since, not_looked_at=NOT_EXAMINED, limit=MAX_INCIDENTS)
    ]


def load_open_keys(ledger: LedgerSession) -> frozenset[str]:
    """The keys of the signatures of all that are open."""
    return frozenset(row["key"] for row in ledger.rows("open_group_keys"))


def save_group(ledger: LedgerSession, group: IncidentGroup) -> bool:
    """It is so, with these members. Was it opened just now?"""
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
    """All but these are over; how many that were. And what was over long ago is forgotten."""
    closed = ledger.rows("close_incident_groups", but=[group.signature.key for group in groups], now=ledger.now)
    ledger.rows("delete_old_incident_groups", before=ledger.now - RETENTION)
    return len(closed)


def load_open_groups(ledger: LedgerSession, *, limit: int) -> list[StoredIncidentGroup]:
    """What is so now, oldest first."""
    return [_stored_group(row) for row in ledger.rows("incident_groups", id=None, limit=limit)]


def load_unannounced_groups(ledger: LedgerSession, *, limit: int) -> list[StoredIncidentGroup]:
    """Those that are open and that nobody was told of, oldest first."""
    return [_stored_group(row) for row in ledger.rows("unannounced_groups", limit=limit)]


def load_group(ledger: LedgerSession, class_id: int) -> StoredIncidentGroup | None:
    """This one, also when it is over."""
    found = ledger.rows("incident_groups", id=class_id, limit=1)
    return _stored_group(found[0]) if found else None


def load_members(ledger: LedgerSession, class_id: int, *, limit: int, left: bool = False) -> list[GroupMember]:
    """Who belongs to it, those first that are not well; with `left`, also who did once."""
    return [_member(row) for row in ledger.rows("group_members", id=class_id, limit=limit, left=left)]


def load_grouped_tenants(ledger: LedgerSession) -> frozenset[TenantId]:
    """Every tenant that belongs to an open class."""
    return frozenset(TenantId(row["tenant_id"]) for row in ledger.rows("grouped_tenants"))


def _incident(row: dict[str, Any]) -> Incident:
    signature = _signature({**row, "error": row["error"] or without_tenant_names(row["said"], row["slug"])})
    return Incident(TenantId(row["tenant_id"]), signature, row["said"], row["at"], row["lasts"])


def _signature(row: dict[str, Any]) -> IncidentSignature:
    versions = row["chart_version"], row["schema_version"]
    return IncidentSignature(
        ActivityName(row["activity"]), cause_of(row["cause"]), row["error"], row["region"], *versions
    )


def _stored_group(row: dict[str, Any]) -> StoredIncidentGroup:
    copied = ("id", "members", "first_at", "last_at", "opened_at", "closed_at")
    return StoredIncidentGroup(signature=_signature(row), message=row["said"], **{name: row[name] for name in copied})


def _member(row: dict[str, Any]) -> GroupMember:
    substate = Substate(row["substate"]) if row["substate"] else None
    return GroupMember(**{**row, "state": State(row["state"]), "substate": substate})
