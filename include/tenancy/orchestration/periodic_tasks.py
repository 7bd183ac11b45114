"""Where and when periodic tasks run. They have slots of their own, because they report when tenants have to wait."""

from typing import TYPE_CHECKING, Any, Final

from tenancy.airflow_settings import PERIODIC_TASK_POOL

if TYPE_CHECKING:
    from airflow.sdk import Context

PERIODIC_TASK_ARGUMENTS: Final[dict[str, Any]] = {
    "pool": PERIODIC_TASK_POOL,
    # Before every activity: they get the next free slot of a full executor. The scheduler orders tasks by weight; by
    # default the first of a tenant's seven has 7.
    "priority_weight": 1000,
    "weight_rule": "absolute",
}
"""Arguments of the operators of periodic DAGs."""


def skip_backfill(context: "Context") -> None:
    """Raises AirflowSkipException for a run of a backfill.

    Backfills are refused now, but runs of an older one may be left, and Airflow runs ten of them at once in spite of
    `max_active_runs`.
    """
    from airflow.sdk.exceptions import AirflowSkipException

    if context["dag_run"].run_type == "backfill":
        raise AirflowSkipException("A run of a backfill does nothing here: each pass works on the present.")
