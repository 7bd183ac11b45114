"""Where and when the tasks run that look after tenants: who says that tenants wait must not wait with them."""

from typing import TYPE_CHECKING, Any, Final

from tenancy.airflow_settings import PERIODIC_TASK_POOL

if TYPE_CHECKING:
    from airflow.sdk import Context

PERIODIC_TASK_ARGUMENTS: Final[dict[str, Any]] = {
    "pool": PERIODIC_TASK_POOL,
    # Before every activity: where all of the executor's places are taken, theirs is the next (the scheduler takes tasks
    # by weight, and by default the first of a tenant's seven weighs 7).
    "priority_weight": 1000,
    "weight_rule": "absolute",
}
"""Arguments of their operators."""


def skip_backfill(context: "Context") -> None:
    """Backfills are refused now, but runs of an older one may be left, and Airflow runs ten of a backfill at once in
    spite of `max_active_runs`. Raises AirflowSkipException for such a run."""
    from airflow.sdk.exceptions import AirflowSkipException

    if context["dag_run"].run_type == "backfill":
        raise AirflowSkipException("A run of a backfill does nothing here: each pass works on the present.")
