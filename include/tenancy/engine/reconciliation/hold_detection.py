"""Hold detection: why a run does not proceed. A part of Airflow is down, the DAG is paused, or the run is queued.

Called by the reconciler. Airflow's health and pauses are read once for each pass; only the run's own task instances are
read for each tenant.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from tenancy.adapters.airflow_runs import TaskStatus
from tenancy.engine.engine_status import SCHEDULER, TRIGGERER, silence_sentence
from tenancy.engine.workflow import COMPENSATION_DAG, Runs, compensation_run_id
from tenancy.saga.causes import Cause, Evidence
from tenancy.saga.errors import PlatformError
from tenancy.saga.product import Product
from tenancy.saga.tenant import Saga
from tenancy.saga.unwinding_rules import is_to_be_unwound

IN_LINE_AFTER: Final = timedelta(seconds=20)
"""A task that is due counts as queued after this time: every task is queued for a moment."""
_AT_WORK = frozenset({"running", "deferred", "up_for_retry", "restarting", "up_for_reschedule"})
_RUNNING = frozenset({"running", "deferred"})
SILENT = {SCHEDULER: Cause.ENGINE_SCHEDULER_SILENT, TRIGGERER: Cause.ENGINE_TRIGGERER_SILENT}
_IN_LINE = "The run waits in Airflow's queue: every place for runs or tasks is taken. It continues when one is free."


class HoldDetector:
    """Finds holds during one pass of the reconciler, which began at `now`. `runs` opens the engine.

    `product_of` raises PlatformError when the tenant's product cannot be used."""

    def __init__(self, runs: Callable[[], Runs], now: datetime, product_of: Callable[[Saga], Product]) -> None:
        self._runs = runs
        self._now = now
        self._product_of = product_of
        self._paused: dict[str, bool] = {}

    def find_hold(self, saga: Saga) -> Evidence | None:
        """Why the attempt's run, or its compensation run, is held. None if it proceeds, or if Airflow has no such run:
        a failed attempt is first unwound by its own task's callback."""
        dag, run_id = _run_that_has_to_go_on(saga)
        tasks = tuple(self._runs().tasks(dag, run_id))
        states = {task.state for task in tasks}
        # A dag-processor that is down holds no run: the reconciler handles failures without callbacks.
        needed = {SCHEDULER, TRIGGERER} if "deferred" in states else {SCHEDULER}
        silent = tuple(part for part in self._silent if part in needed)
        if silent:
            return Evidence(SILENT[silent[0]], silence_sentence(silent))
        if not is_to_be_unwound(saga) and not states & _RUNNING and (mistakes := self._mistakes_of_product(saga)):
            return mistakes
        if not tasks or states & _AT_WORK:
            return None
        if self._is_paused(dag):
            return Evidence(
                Cause.ENGINE_PAUSED, f"The DAG {dag} is paused. The run continues when it is unpaused in Airflow."
            )
        return Evidence(Cause.ENGINE_QUEUE, _IN_LINE) if self._is_in_line(tasks) else None

    def _mistakes_of_product(self, saga: Saga) -> Evidence | None:
        """Airflow cannot build the DAG of a product with mistakes, so no task of it starts."""
        try:
            self._product_of(saga)
        except PlatformError as error:
            return Evidence(error.cause, str(error))
        return None

    def _is_in_line(self, tasks: Sequence[TaskStatus]) -> bool:
        moved = max((task.moved_at for task in tasks if task.moved_at), default=None)
        return moved is None or self._now - moved > IN_LINE_AFTER

    @cached_property
    def _silent(self) -> tuple[str, ...]:
        return tuple(self._runs().unhealthy_components())

    def _is_paused(self, dag: str) -> bool:
        if dag not in self._paused:
            self._paused[dag] = self._runs().is_paused(dag)
        return self._paused[dag]


def _run_that_has_to_go_on(saga: Saga) -> tuple[str, str]:
    if is_to_be_unwound(saga):
        return COMPENSATION_DAG, compensation_run_id(saga)
    return saga.dag_id, str(saga.run_id)
