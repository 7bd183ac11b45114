"""Escalations and their messages: which have none yet, and whether a channel accepted the newest. Reads only."""

from dataclasses import dataclass
from datetime import datetime

from tenancy.ledger.ledger import LedgerSession
from tenancy.saga.names import TenantId


@dataclass(frozen=True)
class DeliveryStatus:
    """The message on its way to one channel. `next_try_at` is None once it is accepted or given up."""

    channel: str
    tries: int
    next_try_at: datetime | None
    sent_at: datetime | None
    error: str


@dataclass(frozen=True)
class Escalation:
    """The newest escalation of a tenant's attempt. `raised_at`: when its message was put into the outbox."""

    raised_at: datetime | None
    addressed: bool
    """Is it known which channels there are? Without deliveries there was none."""
    deliveries: tuple[DeliveryStatus, ...] = ()


def load_unsent_escalations(ledger: LedgerSession, *, since: datetime, limit: int) -> list[tuple[TenantId, int]]:
    """Tenant and fact of each escalation after `since` that no channel accepted and of which there is no message."""
    rows = ledger.rows("unsent_escalations", since=since, limit=limit)
    return [(TenantId(row["tenant_id"]), row["seq"]) for row in rows]


def load_escalation(ledger: LedgerSession, tenant_id: TenantId) -> Escalation | None:
    """The newest escalation of the tenant's attempt; None when it is not escalated."""
    rows = ledger.rows("escalation", tenant=tenant_id)
    if not rows:
        return None
    deliveries = (
        DeliveryStatus(row["channel"], row["tries"], row["next_try_at"], row["sent_at"], row["last_error"])
        for row in rows
        if row["channel"] is not None
    )
    return Escalation(rows[0]["raised_at"], rows[0]["addressed_at"] is not None, tuple(deliveries))
