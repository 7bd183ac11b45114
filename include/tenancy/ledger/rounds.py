"""What the reconciler goes its rounds with: pokes the listener left, tenants that are overdue, and its own pulse."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tenancy.ledger.ledger import LedgerSession
from tenancy.saga.names import RunId, TenantId

DEADLINE: Final = "deadline passed"
"""The action of a poke that Airflow's DeadlineAlert left: the run takes longer than it should."""


@dataclass(frozen=True)
class Poke:
    """Airflow's listener: somebody or something ended this run; or its deadline passed. Look."""

    id: int
    run_id: RunId
    action: str
    at: datetime


@dataclass(frozen=True)
class Suspect:
    """A tenant about which Airflow is to be asked."""

    tenant_id: TenantId
    silent_seconds: float


@dataclass(frozen=True)
class Beat:
    """The last pass of one reconciler; `at` is when it ended."""

    name: str
    at: datetime
    took_seconds: float
    summary: str


def poke(ledger: LedgerSession, run_id: RunId, action: str) -> None:
    """Leave word of it; whoever listens on the channel `tenancy_poke` is told."""
    ledger.rows("poke", run_id=run_id, action=action)


def pokes(ledger: LedgerSession) -> list[Poke]:
    """Those nobody has looked at yet, oldest first."""
    return [Poke(**row) for row in ledger.rows("pokes")]


def is_poked(ledger: LedgerSession, run_id: RunId) -> bool:
    """Is there word of what somebody did to this run that nobody has looked at yet?"""
    return bool(ledger.rows("poked", run_id=run_id))


def poke_handled(ledger: LedgerSession, handled: Poke) -> None:
    """It was looked at."""
    ledger.rows("poke_handled", id=handled.id, at=ledger.now)


def forget_pokes(ledger: LedgerSession, *, before: datetime) -> int:
    """Delete pokes that were handled before this moment, at most 5,000; how many there were."""
    return len(ledger.rows("forget_pokes", before=before))


def suspects(ledger: LedgerSession, limit: int) -> list[Suspect]:
    """Tenants silent for longer than they should be; any `limit` of them, not always the same."""
    rows = ledger.rows("suspects", now=ledger.now, limit=limit)
    return [Suspect(TenantId(row["tenant_id"]), row["silent_seconds"]) for row in rows]


def beat(ledger: LedgerSession, name: str, *, took_seconds: float, summary: str) -> None:
    """A reconciler has ended a pass."""
    ledger.rows("beat", name=name, at=ledger.now, took_seconds=took_seconds, summary=summary)


def beats(ledger: LedgerSession) -> list[Beat]:
    """The last pass of each reconciler."""
    return [Beat(**row) for row in ledger.rows("beats")]
