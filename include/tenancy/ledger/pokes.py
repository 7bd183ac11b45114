"""Pokes: requests to the reconciler to check one Airflow run now. Airflow's listener and deadlines leave them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tenancy.ledger.ledger import LedgerSession
from tenancy.saga.names import RunId

DEADLINE_PASSED: Final = "deadline passed"
"""The action of a poke that Airflow's DeadlineAlert left: the run takes longer than it should."""


@dataclass(frozen=True)
class Poke:
    """Somebody marked this run failed in Airflow, or its deadline passed."""

    id: int
    run_id: RunId
    action: str
    at: datetime


def record_poke(ledger: LedgerSession, run_id: RunId, action: str, *, dag_id: str = "") -> None:
    """Store a poke. PostgreSQL notifies the channel `tenancy_poke`.

    `dag_id`: the run's DAG. If an attempt has a run with this id in another DAG, nothing is stored: it would end that
    one.
    """
    tenant_id = ledger.tenant_of_run(run_id) if dag_id else None
    saga = ledger.saga(tenant_id) if tenant_id else None
    if saga and saga.run_id == run_id and saga.dag_id != dag_id:
        return
    ledger.rows("insert_poke", run_id=run_id, action=action)


def load_pokes(ledger: LedgerSession) -> list[Poke]:
    """Pokes that are not handled, oldest first."""
    return [Poke(**row) for row in ledger.rows("open_pokes")]


def has_poke(ledger: LedgerSession, run_id: RunId) -> bool:
    """Is there an open poke about an action of a person on this run?"""
    return bool(ledger.rows("open_poke_of_run", run_id=run_id))


def mark_handled(ledger: LedgerSession, handled: Poke) -> None:
    """The poke was handled."""
    ledger.rows("mark_poke_handled", id=handled.id, at=ledger.now)


def delete_handled_pokes(ledger: LedgerSession, *, before: datetime) -> int:
    """Delete pokes that were handled before this moment, at most 5,000; how many there were."""
    return len(ledger.rows("delete_handled_pokes", before=before))
