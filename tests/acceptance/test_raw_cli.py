"""What Airflow's own command line and its pause switch do to tenants' runs."""

import subprocess

from sandbox.access import Access
from tests.acceptance import gates, operators, runs

LONG_AGO = "2001-02-03T04:05:06Z"


def airflow(access: Access, *words: str) -> None:
    done = subprocess.run(
        [str(access.layout.airflow_command), *words], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_dags_clear_of_a_settled_tenants_run_is_reset_and_retry(sandbox: Access):
    slug = runs.new_slug("cli")
    with gates.before_fact_of(sandbox, slug, "tenant.provisioning.step.started", "allocate_storage"):
        run_id = runs.trigger(sandbox, runs.request(slug))
        runs.wait_until(lambda: runs.tenant(sandbox, slug), "the tenant to be there")
        operators.perform(sandbox, slug, "cancel")
    runs.await_phase(sandbox, slug, "Failed settled")
    airflow(sandbox, "dags", "clear", "tenant_provisioning", "--run-id", run_id, "-y")
    assert runs.await_phase(sandbox, slug, "Active") == "Active"
    row = runs.tenant(sandbox, slug)
    assert row is not None
    assert row["attempt"] == 2


def test_tasks_clear_of_an_active_tenants_run_verifies_and_changes_nothing(sandbox: Access):
    slug = runs.new_slug("cli")
    with sandbox.client("operator") as client:
        body = {"logical_date": LONG_AGO, "conf": runs.request(slug)}
        answer = client.post(f"{runs.DAG}/dagRuns", json=body)
        answer.raise_for_status()
    run_id = answer.json()["dag_run_id"]
    runs.await_phase(sandbox, slug, "Active")
    runs.await_end(sandbox, run_id)
    facts = runs.fact_kinds(sandbox, slug)
    airflow(sandbox, "tasks", "clear", "tenant_provisioning", "-y", "-s", "2001-02-03", "-e", "2001-02-04")
    runs.wait_until(
        lambda: runs.get(sandbox, f"{runs.DAG}/dagRuns/{run_id}")["state"] in {"queued", "running"}, "a re-run"
    )
    assert runs.await_end(sandbox, run_id) == "success"
    assert (runs.phase(sandbox, slug), runs.fact_kinds(sandbox, slug)) == ("Active", facts)


def test_a_paused_dag_holds_a_tenant_and_the_tenant_says_so(sandbox: Access):
    slug = runs.new_slug("held")
    with sandbox.client("operator") as client:
        client.patch(runs.DAG, json={"is_paused": True}).raise_for_status()
        try:
            operators.create(sandbox, runs.request(slug))
            hold_reason = lambda: operators.get(sandbox, f"/tenants/{slug}")["held"]  # noqa: E731
            runs.wait_until(lambda: "is paused." in hold_reason(), "the reconciler to tell", seconds=150, every=1)
        finally:
            client.patch(runs.DAG, json={"is_paused": False}).raise_for_status()
    assert runs.await_phase(sandbox, slug, "Active") == "Active"
    assert operators.get(sandbox, f"/tenants/{slug}")["held"] == ""
