"""Airflow's listener: somebody marked a run failed. It only leaves a poke, because it runs inside that request.

In the api-server only: for natural failures Airflow calls the same hook inside the scheduler's loop, where a slow
insert would stall all scheduling. Failure callbacks handle those.
"""

import logging
import sys
from typing import TYPE_CHECKING

from airflow.listeners import hookimpl

from tenancy.saga.products import is_provisioning_dag

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun

log = logging.getLogger(__name__)


@hookimpl  # type: ignore[untyped-decorator]
def on_dag_run_failed(dag_run: "DagRun", msg: str) -> None:  # noqa: ARG001 - pluggy passes by name
    """Leave a poke. A ledger that does not respond must not fail the request: the reconciler finds the run within a
    minute."""
    if not is_provisioning_dag(dag_run.dag_id) or "api-server" not in sys.argv:
        return
    try:
        _poke(dag_run.run_id, dag_run.dag_id)
    except Exception as error:  # noqa: BLE001
        log.warning("no poke about %s: %s", dag_run.run_id, error)


def _poke(run_id: str, dag_id: str) -> None:
    from tenancy.bootstrap import ledger_dsn  # every process of Airflow imports this module
    from tenancy.ledger.ledger import Ledger
    from tenancy.ledger.pokes import record_poke
    from tenancy.saga.airflow_actions import AirflowAction
    from tenancy.saga.names import RunId

    with Ledger(ledger_dsn()).open("tenancy listener") as ledger:
        record_poke(ledger, RunId(run_id), AirflowAction.MARK_RUN_FAILED, dag_id=dag_id)
