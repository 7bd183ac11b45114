"""Tenants that recorded no fact for longer than they should. The reconciler asks Airflow about them."""

from dataclasses import dataclass

from tenancy.ledger.ledger import LedgerSession
from tenancy.saga.names import TenantId


@dataclass(frozen=True)
class SilentTenant:
    """A tenant about which Airflow is to be asked."""

    tenant_id: TenantId
    silent_seconds: float


def load_silent_tenants(ledger: LedgerSession, limit: int) -> list[SilentTenant]:
    """Tenants silent for longer than they should be; any `limit` of them, not always the same."""
    rows = ledger.rows("silent_tenants", now=ledger.now, limit=limit)
    return [SilentTenant(TenantId(row["tenant_id"]), row["silent_seconds"]) for row in rows]
