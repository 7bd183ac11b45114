"""The operator of every activity: passes the task's lease to the engine, which is imported only when the task runs."""

import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, BaseOperator
from airflow.sdk.exceptions import AirflowTaskTimeout

from tenancy.saga.errors import Stopped
from tenancy.saga.names import ActivityName, RunId, TaskInstanceId
from tenancy.saga.tenant import Lease

if TYPE_CHECKING:
    from airflow.sdk import Context

    from tenancy.engine.provisioning.runner import Task, Waiting
    from tenancy.saga.tenant import Saga


_TRIGGERER_GRACE = timedelta(minutes=2)


class ActivityOperator(BaseOperator):
    """Runs one activity of the tenant-provisioning saga for the run's tenant."""

    def __init__(self, *, activity: ActivityName, product: str, emits: str | None = None, **kwargs: Any) -> None:
        outlets = [Asset(emits)] if emits else []
        super().__init__(task_id=activity, outlets=outlets, do_xcom_push=False, **kwargs)
        self.activity = activity
        self.product = product

    def execute(self, context: "Context") -> None:
        """Raises Refused, TransientError and PermanentError unchanged: the retry policy decides by their class."""
        self._go_on(context)

    def resume(self, context: "Context", event: Any) -> None:  # noqa: ARG002 - Airflow passes it
        """In a worker again after a deferral: check once more. The activity is done, failed, or deferred again."""
        self._go_on(context)

    def on_kill(self) -> None:
        """End the task at once, so that unwinding does not have to wait for its lock.

        Airflow calls this from its SIGTERM handler, at any point of the code, and lets the task continue until SIGKILL
        5 s later (3.3.2). It also calls it after the execution time-out; then that error is being raised already.
        """
        from tenancy.adapters.helm import kill_children

        kill_children()
        if not isinstance(sys.exception(), AirflowTaskTimeout):
            raise Stopped

    def _go_on(self, context: "Context") -> None:
        from tenancy.bootstrap import tenancy
        from tenancy.engine.provisioning.runner import Waiting, run_activity

        task = _task(context, self.activity, self.product)
        outcome = run_activity(tenancy(), task)
        if isinstance(outcome, Waiting):
            self._wait(task, outcome)
        else:
            self._tell(context, outcome)

    def _tell(self, context: "Context", saga: "Saga") -> None:
        self.log.info("%s: %s is %s (attempt %d)", self.activity, saga.parameters.slug, saga.phase, saga.attempt)
        for asset in self.outlets:
            context["outlet_events"][asset].extra = {
                "tenant_id": str(saga.tenant_id),
                "slug": saga.parameters.slug,
                "attempt": saga.attempt,
            }

    def _wait(self, task: "Task", waiting: "Waiting") -> None:
        """Raises TaskDeferred. Airflow's own time-out comes later than ours: it only matters when no triggerer runs."""
        from tenancy.orchestration.readiness_trigger import ReadinessTrigger

        trigger = ReadinessTrigger(
            **asdict(task.lease), actor=task.actor, **asdict(waiting.watched), deadline=waiting.deadline.isoformat()
        )
        timeout = waiting.deadline - datetime.now(UTC) + _TRIGGERER_GRACE
        self.defer(trigger=trigger, method_name="resume", timeout=timeout)


def _task(context: "Context", activity: ActivityName, product: str) -> "Task":
    from tenancy.engine.provisioning.runner import Task

    ti, run = context["ti"], context["dag_run"]
    return Task(
        lease=Lease(RunId(run.run_id), activity, TaskInstanceId(str(ti.id))),
        try_number=ti.try_number,
        conf={**context["params"], **(run.conf or {})},
        actor=run.triggering_user_name or "airflow",
        product=product,
        dag_id=ti.dag_id,
        clear_number=run.clear_number or 0,
    )
