"""Pruning: deletes old runs of our periodic DAGs in Airflow, and handled pokes.

Why: the reconciler alone makes 2,880 runs a day. Called after each drift check, twice an hour. Tenants' runs are not
deleted here; `airflow db clean` does that (docs/operating/maintenance.md).
"""

from datetime import timedelta
from typing import Final

from tenancy.engine.engine_identity import open_runs
from tenancy.engine.engine_report import PERIODIC_DAGS
from tenancy.engine.tenancy import Tenancy
from tenancy.ledger import pokes

KEPT: Final = timedelta(days=3)
"""How long the runs, their task logs and handled pokes are kept."""
_RUNS_OF_A_DAG: Final = 200
"""Deleted in one pass, at some 20 ms each. Sixty come in half an hour."""


def prune(tenancy: Tenancy) -> str:
    """One pass. Returns a summary. Raises TenancyError if Airflow or the ledger does not respond."""
    with tenancy.ledger.open("tenancy prune") as ledger:
        before = ledger.now - KEPT
        deleted_pokes = pokes.delete_handled_pokes(ledger, before=before)
        runs = open_runs(tenancy, ledger)
    deleted = sum(runs.delete_ended(dag_id, before=before, limit=_RUNS_OF_A_DAG) for dag_id in PERIODIC_DAGS)
    return f"deleted {deleted} runs of periodic DAGs and {deleted_pokes} pokes older than {KEPT.days} days"
