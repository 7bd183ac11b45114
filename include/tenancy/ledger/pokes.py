"""Pokes: requests to the reconciler to look at one Airflow run now. Airflow's listener and deadlines leave them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tenancy.ledger.ledger import LedgerSession
from tenancy.saga.names import RunId

DEADLINE_PASSED: Final = "deadline passed"
"""The action of a poke that Airflow's DeadlineAlert left: the run takes longer than it should."""


@dataclass(frozen=True)
class Poke:
    """Airflow's listener: somebody or something ended this run; or its deadline passed. Look."""

    id: int
    run_id: RunId
    action: str
    at: datetime


def record_poke(ledger: LedgerSession, run_id: RunId, action: str) -> None:
    """Leave word of it; whoever listens on the channel `tenancy_poke` is told."""
    ledger.rows("insert_poke", run_id=run_id, action=action)


def load_pokes(ledger: LedgerSession) -> list[Poke]:
    """Those nobody has looked at yet, oldest first."""
    return [Poke(**row) for row in ledger.rows("open_pokes")]


def has_poke(ledger: LedgerSession, run_id: RunId) -> bool:
    """Is there word of what somebody did to this run that nobody has looked at yet?"""
    return bool(ledger.rows("open_poke_of_run", run_id=run_id))


def mark_handled(ledger: LedgerSession, handled: Poke) -> None:
    """It was looked at."""
    ledger.rows("mark_poke_handled", id=handled.id, at=ledger.now)


def delete_handled_pokes(ledger: LedgerSession, *, before: datetime) -> int:
    """Delete pokes that were handled before this moment, at most 5,000; how many there were."""
    return len(ledger.rows("delete_handled_pokes", before=before))
