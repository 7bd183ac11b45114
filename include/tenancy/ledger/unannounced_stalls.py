"""Open stalls without an alert: engine/notifications/raise_alerts.py raises alerts for them. Reads only."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tenancy.ledger.ledger import LedgerSession
from tenancy.ledger.tenant_statuses import open_stall_of, status_of
from tenancy.saga.names import TenantId
from tenancy.saga.stalls import NOT_EXAMINED, TenantStatus
from tenancy.saga.tenant import OpenStall


@dataclass(frozen=True)
class UnannouncedStall:
    """A tenant with an open stall, and the key of the alert to raise."""

    key: str
    tenant_id: TenantId
    slug: str
    region: str
    plan: str
    standing: TenantStatus
    stall: OpenStall


def load_unannounced_stalls(
    ledger: LedgerSession, *, since: datetime, but: Collection[TenantId], limit: int
) -> list[UnannouncedStall]:
    """Stalls that began after `since`, without the tenants in `but`; oldest first."""
    rows = ledger.rows("unannounced_stalls", since=since, but=list(but), limit=limit, not_looked_at=NOT_EXAMINED)
    return [_unannounced(row) for row in rows]


def _unannounced(row: dict[str, Any]) -> UnannouncedStall:
    stall = open_stall_of(row)
    assert stall is not None  # the query wants one
    named = {name: row[name] for name in ("key", "slug", "region", "plan")}
    return UnannouncedStall(**named, tenant_id=TenantId(row["tenant_id"]), standing=status_of(row), stall=stall)
