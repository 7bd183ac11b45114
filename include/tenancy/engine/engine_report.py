"""The report on the workflow engine: its status, paused DAGs and queued runs. Reads only; called by the console."""

from dataclasses import dataclass
from typing import Final

from tenancy.adapters.airflow_runs import QueuedRun
from tenancy.engine.engine_status import EngineStatus
from tenancy.engine.workflow import COMPENSATION_DAG, PROVISIONING_DAG, Runs
from tenancy.saga.errors import TenancyError

RECONCILIATION_DAG: Final = "tenant_reconciliation"
REALITY_CHECK_DAG: Final = "tenant_reality_check"
NOTIFICATIONS_DAG: Final = "tenant_notifications"
PERIODIC_DAGS: Final = (RECONCILIATION_DAG, REALITY_CHECK_DAG, NOTIFICATIONS_DAG)
DAGS: Final = (PROVISIONING_DAG, COMPENSATION_DAG, *PERIODIC_DAGS)


@dataclass(frozen=True)
class EngineReport(EngineStatus):
    """What Airflow reports. If `trouble` is set, Airflow did not respond and the rest is unknown."""

    paused: tuple[str, ...] = ()
    """Our DAGs that are paused."""
    queued: tuple[QueuedRun, ...] = ()
    """Runs of `tenant_provisioning` that wait in its queue."""


def load_engine_report(runs: Runs) -> EngineReport:
    """The report just now."""
    try:
        return EngineReport(
            silent=tuple(runs.unhealthy_components()),
            paused=tuple(dag for dag in DAGS if runs.is_paused(dag)),
            queued=tuple(runs.queued(PROVISIONING_DAG)),
        )
    except TenancyError as error:
        return EngineReport(trouble=str(error))
