"""How runs of our DAGs may be started: the run types that each DAG allows, and the dates that a person may enter.

Airflow enforces the run types itself (`DAG(allowed_run_types=…)`). It accepts any date (3.3.2): tasks of a run with a
logical date in the future are not scheduled until then, and a run with a future `run_after` stays queued. Both count
against `max_active_runs`: one such run would block a periodic DAG. So each run is checked right before it is inserted.
Every way to start a run passes there: UI, REST, CLI, an operator, `dags test`. Airflow's REST API turns the ValueError
into 400 with its message.
"""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from tenancy.saga.product import PROVISIONING_DAG
from tenancy.saga.products import is_provisioning_dag, provisioning_dags
from tenancy.saga.storable_text import why_not_storable

if TYPE_CHECKING:
    from collections.abc import Mapping

CLOCK_SKEW: Final = timedelta(minutes=1)
"""By how much a browser's clock may be ahead: Airflow's trigger form sends the browser's time as logical date."""
FORM_LEFT_OPEN: Final = timedelta(hours=1)
"""The trigger form sends the moment in which it was opened."""

ALLOWED_RUN_TYPES: "Final[Mapping[str, tuple[str, ...]]]" = {
    PROVISIONING_DAG: ("manual", "operator_triggered"),  # other DAGs of the company may ask for a tenant, too
    "tenant_compensation": ("manual",),  # the product itself starts it, by Airflow's REST API
    "tenant_reconciliation": ("scheduled", "asset_triggered"),
    "tenant_notifications": ("asset_triggered",),
    "tenant_reality_check": ("scheduled", "manual"),
}
"""The run types of each DAG. None allows backfills: all of them work on the present. The DAGs of further products allow
what the first one allows."""
_BY_AIRFLOW_ITSELF: Final = frozenset({"scheduled", "asset_triggered"})
_PRESENT_ONLY: Final = frozenset({"tenant_reconciliation", "tenant_notifications", "tenant_reality_check"})


def is_ours(dag_id: str) -> bool:
    """Is it one of our DAGs?"""
    return dag_id in ALLOWED_RUN_TYPES or is_provisioning_dag(dag_id)


def allowed_run_types(dag_id: str) -> tuple[str, ...]:
    """The run types that one of our DAGs allows."""
    return ALLOWED_RUN_TYPES[PROVISIONING_DAG if is_provisioning_dag(dag_id) else dag_id]


def find_refusal(
    dag_id: str, run_type: str, *, logical_date: datetime | None, run_after: datetime | None, now: datetime
) -> str | None:
    """Why this run must not be created, as a sentence; None when it may, and for every DAG that is not ours."""
    if not is_ours(dag_id) or run_type in _BY_AIRFLOW_ITSELF:
        return None
    if run_type == "backfill":
        return f"{dag_id} has no backfills: a run of it works on the present only."
    latest = now + CLOCK_SKEW
    if (logical_date and logical_date > latest) or (run_after and run_after > latest):
        return (
            f"A run of {dag_id} starts at once; it cannot be put off. Leave out run_after, and leave the logical date "
            "empty (null) or set it to now."
        )
    if dag_id in _PRESENT_ONLY and logical_date and logical_date < now - FORM_LEFT_OPEN:
        return f"{dag_id} looks at the present, not at a past date. Leave the logical date empty (null)."
    return None


def unstorable_in(conf: "Mapping[str, Any]") -> str:
    """Which field of the conf PostgreSQL could not store, as a sentence; Airflow itself answers without the field."""
    for field, value in conf.items():
        why_not = why_not_storable(field) or (why_not_storable(value) if isinstance(value, str) else "")
        if why_not:
            return f"{field.encode('unicode_escape').decode()}: {why_not}."
    return ""


def install() -> None:
    """Check each run in this process before it is inserted. Idempotent."""
    from sqlalchemy import event  # every Airflow process calls this; Airflow has loaded it
    from sqlalchemy.orm import Mapper

    # On all mappers, because loading Airflow's models here would cost every task process 0.2 s.
    if not event.contains(Mapper, "before_insert", _before_insert):
        event.listen(Mapper, "before_insert", _before_insert)


def _before_insert(mapper: Any, connection: Any, row: Any) -> None:
    """Raises ValueError with the sentence."""
    if mapper.class_.__name__ != "DagRun":
        return
    run_type = str(getattr(row.run_type, "value", row.run_type))
    dates = {"logical_date": row.logical_date, "run_after": row.run_after}
    refusal = find_refusal(row.dag_id, run_type, **dates, now=datetime.now(UTC))
    if not refusal and is_ours(row.dag_id):
        refusal = unstorable_in(row.conf or {}) or _taken_by_another_dag(connection, row)
    if refusal:
        raise ValueError(refusal)


def _taken_by_another_dag(connection: Any, row: Any) -> str:
    """The ledger knows a run by its id, and Airflow's ids are unique within one DAG only. So a second provisioning DAG
    may not use it."""
    if not is_provisioning_dag(row.dag_id):
        return ""
    from sqlalchemy import select

    from tenancy.bootstrap import products

    runs = type(row).__table__
    others = [dag_id for dag_id in provisioning_dags(products()) if dag_id != row.dag_id]
    same = select(runs.c.dag_id).where(runs.c.run_id == row.run_id, runs.c.dag_id.in_(others)).limit(1)
    taken = connection.scalar(same) if others else None
    return f"{taken} has a run {row.run_id} already: give this run another id." if taken else ""
