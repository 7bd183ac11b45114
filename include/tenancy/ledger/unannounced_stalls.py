"""Open stalls that nobody was told of yet: what engine/telling.py makes alerts of. Reads only."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tenancy.ledger.ledger import LedgerSession
from tenancy.ledger.tenant_statuses import open_stall_of, standing_of
from tenancy.saga.names import TenantId
from tenancy.saga.stalls import NOT_LOOKED_AT, Standing
from tenancy.saga.tenant import OpenStall


@dataclass(frozen=True)
class Untold:
    """A tenant with an open stall, and the key under which it is told."""

    key: str
    tenant_id: TenantId
    slug: str
    region: str
    plan: str
    standing: Standing
    stall: OpenStall


def untold_stalls(ledger: LedgerSession, *, since: datetime, but: Collection[TenantId], limit: int) -> list[Untold]:
    """Those that began after `since`, less the tenants in `but`; the oldest first."""
    rows = ledger.rows("untold_stalls", since=since, but=list(but), limit=limit, not_looked_at=NOT_LOOKED_AT)
    return [_untold(row) for row in rows]


def _untold(row: dict[str, Any]) -> Untold:
    stall = open_stall_of(row)
    assert stall is not None  # the query wants one
    named = {name: row[name] for name in ("key", "slug", "region", "plan")}
    return Untold(**named, tenant_id=TenantId(row["tenant_id"]), standing=standing_of(row), stall=stall)
