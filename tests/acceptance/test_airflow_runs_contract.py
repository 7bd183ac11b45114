"""A real Airflow's runs, by its REST API as the service user, keep the contract of tests/contract."""

from uuid import uuid4

import pytest

from sandbox.access import SERVICE_USER, Access
from tenancy.adapters.airflow_client import AirflowClient, Token
from tenancy.adapters.airflow_runs import AirflowRuns
from tenancy.engine.workflow import COMPENSATION_DAG
from tenancy.saga.product import PROVISIONING_DAG
from tests.acceptance.runs import send_again_after_deadlock, wait_until
from tests.contract.runs_contract import NOBODY, RunsContract


@pytest.fixture(scope="module")
def airflow(sandbox: Access) -> AirflowRuns:
    return AirflowRuns(AirflowClient(sandbox.api_url, user=SERVICE_USER, password=sandbox.password(SERVICE_USER)))


class TestAirflowRuns(RunsContract):
    @pytest.fixture
    def runs(self, airflow: AirflowRuns) -> AirflowRuns:
        return airflow


def test_the_user_who_marked_a_run_is_read_from_airflows_event_log(sandbox: Access, airflow: AirflowRuns):
    run_id = f"contract__{uuid4()}"
    airflow.start(COMPENSATION_DAG, run_id, NOBODY)
    with sandbox.client("operator") as client:
        url = f"/api/v2/dags/{COMPENSATION_DAG}/dagRuns/{run_id}"
        marked = send_again_after_deadlock(lambda: client.patch(url, json={"state": "failed"}))
    assert marked.status_code == 200, marked.text
    marks = {(mark.event, mark.user) for mark in airflow.marks(COMPENSATION_DAG, run_id)}
    assert marks == {("patch_dag_run", "operator")}


def test_a_paused_dag_is_seen(sandbox: Access, airflow: AirflowRuns):
    with sandbox.client("operator") as client:
        for paused in (True, False):
            client.patch(f"/api/v2/dags/{PROVISIONING_DAG}", json={"is_paused": paused}).raise_for_status()
            assert airflow.is_paused(PROVISIONING_DAG) is paused


def test_a_token_whose_time_is_up_is_renewed(sandbox: Access):
    password = sandbox.password(SERVICE_USER)
    client = AirflowClient(sandbox.api_url, user=SERVICE_USER, password=password, token=Token("long gone"))
    assert AirflowRuns(client).find(COMPENSATION_DAG, "never") is None


def test_a_compensation_run_of_nobodys_tenant_ends_well_and_changes_nothing(airflow: AirflowRuns):
    run_id = f"contract__{uuid4()}"
    slug = f"it-{uuid4().hex[:8]}"
    airflow.start(COMPENSATION_DAG, run_id, {**NOBODY, "slug": slug})

    def ended() -> bool:
        status = airflow.find(COMPENSATION_DAG, run_id)
        return status is not None and not status.is_live

    wait_until(ended, "the run to end")
    assert airflow.succeeded(COMPENSATION_DAG, slug) == (run_id,)
    assert airflow.succeeded(COMPENSATION_DAG, slug[:-1]) == ()
    run = airflow.find(COMPENSATION_DAG, run_id)
    assert run is not None
    assert run.state == "success"
