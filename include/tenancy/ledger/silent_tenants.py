"""Tenants that recorded no fact for longer than they should. The reconciler asks Airflow about them."""

from dataclasses import dataclass

from tenancy.ledger.ledger import LedgerSession
from tenancy.saga.names import TenantId


@dataclass(frozen=True)
class SilentTenant:
    """A tenant that the reconciler asks Airflow about."""

    tenant_id: TenantId
    silent_seconds: float


def load_silent_tenants(ledger: LedgerSession, limit: int) -> list[SilentTenant]:
    """At most `limit` of them, in random order."""
    rows = ledger.rows("silent_tenants", now=ledger.now, limit=limit)
    return [SilentTenant(TenantId(row["tenant_id"]), row["silent_seconds"]) for row in rows]
