"""Airflow's DeadlineAlert for a run: when its time is up, the reconciler is asked to check the run.

The callback runs in the triggerer and leaves a poke; Airflow ends nothing. The reconciler finds stalls without it, too.
The deadline adds a second clock, the scheduler's, which fires for each run at once.
"""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import BaseDeadlineReference, DeadlineAlert

log = logging.getLogger(__name__)


class RunMade(BaseDeadlineReference):
    """The time when a run was created, that is, queued for the first time. Registered by the plugin.

    Airflow's own DAGRUN_QUEUED_AT is nearly the same, but with it Airflow 3.3.2 returns 500 to every clear of such a
    run (tests/dags/test_airflow_facts.py). A cleared run keeps its first deadline; the reconciler judges by the ledger.
    """

    def _evaluate_with(self, *, session: Any, **_: Any) -> datetime:  # noqa: ARG002 - Airflow's core hands it over
        return datetime.now(UTC)


def deadline_alert(limit: timedelta) -> DeadlineAlert:
    """Counts from the creation of the run."""
    return DeadlineAlert(reference=RunMade(), interval=limit, callback=AsyncCallback(deadline_passed))


async def deadline_passed(context: dict[str, Any]) -> None:
    """Leave a poke. It does not fail when the ledger does not respond: the reconciler finds the run by itself."""
    run_id = str(context["dag_run"]["dag_run_id"])
    try:
        await asyncio.get_running_loop().run_in_executor(None, _poke, run_id)
    except Exception as error:  # noqa: BLE001
        log.warning("no poke about %s: %s", run_id, error)


def _poke(run_id: str) -> None:
    from tenancy.bootstrap import ledger_dsn
    from tenancy.ledger.ledger import Ledger
    from tenancy.ledger.pokes import DEADLINE_PASSED, record_poke
    from tenancy.saga.names import RunId

    with Ledger(ledger_dsn()).open("tenancy deadline") as ledger:
        record_poke(ledger, RunId(run_id), DEADLINE_PASSED)
