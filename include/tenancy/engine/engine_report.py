"""The report on the workflow engine: its status, paused DAGs and queued runs. Reads only; called by the console."""

from dataclasses import dataclass
from typing import Final

from tenancy.adapters.airflow_runs import QueuedRun
from tenancy.engine.engine_status import EngineStatus
from tenancy.engine.workflow import COMPENSATION_DAG, Runs
from tenancy.saga.errors import TenancyError
from tenancy.saga.products import Products, provisioning_dags

RECONCILIATION_DAG: Final = "tenant_reconciliation"
REALITY_CHECK_DAG: Final = "tenant_reality_check"
NOTIFICATIONS_DAG: Final = "tenant_notifications"
PERIODIC_DAGS: Final = (RECONCILIATION_DAG, REALITY_CHECK_DAG, NOTIFICATIONS_DAG)


def all_dags(products: Products) -> tuple[str, ...]:
    """The ids of all our DAGs."""
    return (*provisioning_dags(products), COMPENSATION_DAG, *PERIODIC_DAGS)


@dataclass(frozen=True)
class EngineReport(EngineStatus):
    """What Airflow reports. If `trouble` is set, Airflow did not respond and the rest is unknown."""

    paused: tuple[str, ...] = ()
    """Our DAGs that are paused."""
    queued: tuple[QueuedRun, ...] = ()
    """Runs of provisioning DAGs that wait in their queues."""


def load_engine_report(runs: Runs, products: Products) -> EngineReport:
    """The report just now."""
    try:
        return EngineReport(
            silent=tuple(runs.unhealthy_components()),
            paused=tuple(dag for dag in all_dags(products) if runs.is_paused(dag)),
            queued=tuple(run for dag in provisioning_dags(products) for run in runs.queued(dag)),
        )
    except TenancyError as error:
        return EngineReport(trouble=str(error))
