"""Airflow's scheduler may set a run that has ended to running again, without anybody clearing it (3.3.2).

It does so when its transaction about the run meets a deadlock with the request that marks the run failed: it repeats
the transaction without its lock, finds the tasks that a Reset has cleared, and schedules them.
"""

from urllib.parse import quote

import psycopg

from sandbox.access import Access
from sandbox.faults.client import FaultClient
from tests.acceptance import operators, runs


def test_a_run_that_airflow_revives_after_a_reset_starts_no_attempt_and_one_that_a_person_clears_does(
    sandbox: Access, fault_client: FaultClient
):
    slug = runs.new_slug("revived")
    fault = fault_client.set("failing-revision", tenant=slug)
    operators.create(sandbox, runs.request(slug))
    runs.await_phase(sandbox, slug, "Failed settled")
    operators.perform(sandbox, slug, "reset")
    runs.wait_until(
        lambda: "tenant.provisioning.history_cleared" in runs.fact_kinds(sandbox, slug), "the run to be cleared"
    )
    fault_client.clear(fault.id)

    run_id = runs.first_run(sandbox, slug)
    _set_to_running(sandbox, run_id)
    assert runs.await_end(sandbox, run_id) == "failed"
    assert runs.phase(sandbox, slug) == "Failed ready"
    assert "nobody has cleared it since" in runs.refusals(sandbox, slug)[-1]

    _clear(sandbox, run_id)
    runs.await_phase(sandbox, slug, "Active")
    tenant = runs.tenant(sandbox, slug)
    assert tenant is not None
    assert tenant["attempt"] == 2


def _set_to_running(access: Access, run_id: str) -> None:
    """As the scheduler's repeated transaction does."""
    with psycopg.connect(access.superuser_dsn("platform", "airflow"), autocommit=True) as airflow:
        airflow.execute("update dag_run set state = 'running', end_date = null where run_id = %s", (run_id,))


def _clear(access: Access, run_id: str) -> None:
    with access.client("operator") as client:
        body = {"dry_run": False, "only_failed": False}
        answer = client.post(f"{runs.DAG}/dagRuns/{quote(run_id, safe='')}/clear", json=body)
    assert answer.status_code == 200, answer.text
