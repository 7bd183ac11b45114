"""Deletes what our periodic DAGs leave behind: their old runs in Airflow, and pokes that were handled.

Called after each reality check, twice an hour. Runs of tenants are kept: `airflow db clean` is for those
(docs/operating/maintenance.md). A pass of the reconciler every 30 s is 2,880 runs a day.
"""

from datetime import timedelta
from typing import Final

from tenancy.engine.engine_report import PERIODIC_DAGS
from tenancy.engine.tenancy import Tenancy
from tenancy.ledger import pokes

KEPT: Final = timedelta(days=3)
"""How long the runs, their task logs and handled pokes can be read."""
_RUNS_OF_A_DAG: Final = 200
"""Deleted in one pass, at some 20 ms each. Sixty come in half an hour."""


def prune(tenancy: Tenancy) -> str:
    """One pass; says what was deleted. Raises TenancyError when Airflow or the ledger does not answer."""
    with tenancy.ledger.open("tenancy prune") as ledger:
        before = ledger.now - KEPT
        deleted_pokes = pokes.delete_handled_pokes(ledger, before=before)
    runs = tenancy.runs()
    deleted = sum(runs.delete_ended(dag_id, before=before, limit=_RUNS_OF_A_DAG) for dag_id in PERIODIC_DAGS)
    return f"deleted {deleted} runs of periodic DAGs and {deleted_pokes} pokes older than {KEPT.days} days"
