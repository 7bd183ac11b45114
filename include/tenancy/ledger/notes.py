"""What people noted about a tenant. Called by the console; it reads the notes only, not the tenant's other facts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tenancy.ledger.ledger import LedgerSession
from tenancy.saga.names import TenantId

NOTES_SHOWN: Final = 20
"""Older ones are in the audit log."""


@dataclass(frozen=True)
class Note:
    """Who noted what, and when. `seq`: of its fact."""

    seq: int
    at: datetime
    actor: str
    text: str


def load_notes(ledger: LedgerSession, tenant_id: TenantId, *, limit: int = NOTES_SHOWN) -> list[Note]:
    """The tenant's newest notes, newest first."""
    return [Note(**row) for row in ledger.rows("newest_notes", stream=tenant_id, limit=limit)]
