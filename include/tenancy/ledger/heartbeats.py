"""Heartbeats: when each periodic job of ours last completed a pass."""

from dataclasses import dataclass
from datetime import datetime

from tenancy.ledger.ledger import LedgerSession


@dataclass(frozen=True)
class Heartbeat:
    """The last pass of one periodic job; `at` is when it ended."""

    name: str
    at: datetime
    took_seconds: float
    summary: str


def record_heartbeat(ledger: LedgerSession, name: str, *, took_seconds: float, summary: str) -> None:
    """A periodic job has completed a pass."""
    ledger.rows("upsert_heartbeat", name=name, at=ledger.now, took_seconds=took_seconds, summary=summary)


def load_heartbeats(ledger: LedgerSession) -> list[Heartbeat]:
    """The last pass of each periodic job."""
    return [Heartbeat(**row) for row in ledger.rows("heartbeats")]
