"""The operator of every activity: hands the task's lease to the engine. Imports the engine only when it runs."""

from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, BaseOperator

from tenancy.saga.names import ActivityName, RunId, TaskInstanceId
from tenancy.saga.tenant import Lease

if TYPE_CHECKING:
    from airflow.sdk import Context

    from tenancy.engine.runner import Task


class ActivityOperator(BaseOperator):
    """Runs one activity of the tenant-provisioning saga for the run's tenant."""

    def __init__(self, *, activity: ActivityName, emits: str | None = None, **kwargs: Any) -> None:
        outlets = [Asset(emits)] if emits else []
        super().__init__(task_id=activity, outlets=outlets, do_xcom_push=False, **kwargs)
        self.activity = activity

    def execute(self, context: "Context") -> None:
        """Refused, TransientError and PermanentError come out as they are: the retry policy knows them by name."""
        from tenancy.bootstrap import tenancy  # noqa: PLC0415 - the DAG file imports this module
        from tenancy.engine.runner import run_activity  # noqa: PLC0415

        saga = run_activity(tenancy(), _task(context, self.activity))
        self.log.info("%s: %s is %s (attempt %d)", self.activity, saga.parameters.slug, saga.phase, saga.attempt)
        for asset in self.outlets:
            context["outlet_events"][asset].extra = {
                "tenant_id": str(saga.tenant_id),
                "slug": saga.parameters.slug,
                "attempt": saga.attempt,
            }


def _task(context: "Context", activity: ActivityName) -> "Task":
    from tenancy.engine.runner import Task  # noqa: PLC0415

    ti, run = context["ti"], context["dag_run"]
    return Task(
        lease=Lease(RunId(run.run_id), activity, TaskInstanceId(str(ti.id))),
        try_number=ti.try_number,
        conf={**context["params"], **(run.conf or {})},
        actor=run.triggering_user_name or "airflow",
    )
