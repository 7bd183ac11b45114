"""Airflow's DeadlineAlert in the real triggerer: a run over its time limit pokes the reconciler."""

from sandbox.access import Access
from tests.acceptance import runs

_PROBE = "/api/v2/dags/deadline_probe/dagRuns"


def test_a_run_over_its_time_is_checked_by_the_reconciler(sandbox: Access):
    """The probe's limit is 2 s instead of 15 minutes; its run only waits in the queue."""
    with sandbox.client("engineer") as client:
        run_id = client.post(_PROBE, json={"logical_date": None}).json()["dag_run_id"]
        statement = "select handled_at from ledger.poke where run_id = %s and action = 'deadline passed'"
        runs.wait_until(
            lambda: any(row["handled_at"] for row in runs.ledger(sandbox, statement, run_id)), "a look at the run"
        )
        assert runs.get(sandbox, f"{_PROBE}/{run_id}")["state"] == "queued"
        assert client.delete(f"{_PROBE}/{run_id}").status_code == 204
