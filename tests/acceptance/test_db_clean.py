"""`airflow db clean` deletes old history: resting tenants do not need it, and those in progress are not affected."""

from datetime import UTC, datetime, timedelta

import psycopg

from sandbox.access import Access
from tests.acceptance import gates, operators, runs
from tests.acceptance.test_raw_cli import airflow

OLD, KEPT = timedelta(days=40), timedelta(days=30)
_AGED = (
    "update dag_run set start_date = start_date - %(by)s, end_date = end_date - %(by)s where run_id = any(%(runs)s)",
    "update task_instance set start_date = start_date - %(by)s where run_id = any(%(runs)s)",
    "update log set dttm = dttm - %(by)s where run_id = any(%(runs)s)",
)


def _age(access: Access, run_ids: list[str]) -> None:
    with psycopg.connect(access.superuser_dsn("platform", "airflow"), autocommit=True) as session:
        for statement in _AGED:
            session.execute(statement, {"by": OLD, "runs": run_ids})


def _is_known(access: Access, run_id: str) -> bool:
    with access.client("engineer") as client:
        return client.get(f"{runs.DAG}/dagRuns/{run_id}").status_code == 200


def test_tenants_whose_old_runs_were_cleaned_away_continue_as_before(sandbox: Access):
    active, failed, under_way = (runs.new_slug("clean") for _ in range(3))
    operators.create(sandbox, runs.request(active))
    with gates.before_fact_of(sandbox, under_way, "tenant.provisioning.step.started", "apply_tenant_schema"):
        operators.create(sandbox, runs.request(under_way))
        with gates.before_fact_of(sandbox, failed, "tenant.provisioning.step.started", "allocate_storage"):
            operators.create(sandbox, runs.request(failed))
            runs.wait_until(lambda: runs.tenant(sandbox, failed), "the tenant to be there")
            operators.perform(sandbox, failed, "cancel")
        runs.await_phase(sandbox, failed, "Failed settled")
        runs.await_phase(sandbox, active, "Active")
        old = [runs.first_run(sandbox, slug) for slug in (active, failed)]
        for run_id in old:
            runs.await_end(sandbox, run_id)
        _age(sandbox, old)

        before = (datetime.now(UTC) - KEPT).isoformat()
        airflow(sandbox, "db", "clean", "--clean-before-timestamp", before, "--skip-archive", "--yes")

        assert not any(_is_known(sandbox, run_id) for run_id in old)
        assert _is_known(sandbox, runs.first_run(sandbox, under_way))
    runs.await_phase(sandbox, under_way, "Active")
    for slug, phase in ((active, "Active"), (failed, "Failed")):
        assert operators.get(sandbox, f"/tenants/{slug}")["state"] == phase
    operators.perform(sandbox, failed, "reset")
    operators.perform(sandbox, failed, "retry")
    runs.await_phase(sandbox, failed, "Active")
    operators.perform(sandbox, active, "decommission", confirm_slug=active)
    runs.await_phase(sandbox, active, "Decommissioned")
