"""How the triggerer reads connections, beside what Airflow itself would have answered (3.3.2)."""

import json
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.jobs.triggerer_job_runner import TriggerRunnerSupervisor
from airflow.sdk.execution_time.request_handlers import handle_get_connection

from tenancy import triggerer_connections
from tenancy.triggerer_connections import ExecutionApiClient

WHOLE = {
    "conn_type": "postgres",
    "host": "db.test",
    "port": 5433,
    "schema": "ledger",
    "login": "ada",
    "password": "p@ss word",
    "extra": {"sslmode": "require", "nested": {"a": [1]}},
}
SPARSE = {"conn_type": "kubernetes", "extra": {"in_cluster": True}}
STOCK = """
import json, os, sys
from airflow.jobs.triggerer_job_runner import TriggerRunnerSupervisor
from tests.integration.test_triggerer_connections import _answer
client = TriggerRunnerSupervisor.make_client(None)
print(json.dumps({conn_id: _answer(client, conn_id) for conn_id in sys.argv[1:]}), flush=True)
os._exit(0)
"""


@pytest.fixture
def supervisor(monkeypatch: pytest.MonkeyPatch) -> type[TriggerRunnerSupervisor]:
    """Airflow's class, which is as it was again after the test."""
    monkeypatch.setattr(TriggerRunnerSupervisor, "make_client", TriggerRunnerSupervisor.make_client)
    monkeypatch.setenv("AIRFLOW_CONN_WHOLE", json.dumps(WHOLE))
    monkeypatch.setenv("AIRFLOW_CONN_SPARSE", json.dumps(SPARSE))
    return TriggerRunnerSupervisor


def _answer(client: Any, conn_id: str) -> tuple[str, Any]:
    """What is sent to the trigger that asks."""
    answer, options = handle_get_connection(client, SimpleNamespace(conn_id=conn_id))
    assert answer is not None
    return type(answer).__name__, answer.model_dump(mode="json", **options)


def test_triggers_get_what_airflows_own_api_would_return(supervisor: type[TriggerRunnerSupervisor]):
    """That API is made in a process of its own, as it leaves threads and loops behind."""
    command = [sys.executable, "-c", STOCK, "whole", "sparse", "nobody_knows"]
    stock = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=200).stdout.splitlines()[-1])
    triggerer_connections.read_directly()
    unmade: Any = None  # it asks its supervisor nothing
    ours = supervisor.make_client(unmade)
    assert isinstance(ours, ExecutionApiClient)
    assert {conn_id: list(_answer(ours, conn_id)) for conn_id in stock} == stock
    assert stock["whole"][1]["password"] == WHOLE["password"]
    assert stock["nobody_knows"][1]["error"] == "CONNECTION_NOT_FOUND"


def test_no_api_is_made_for_a_connection_but_one_for_anything_else(supervisor: type[TriggerRunnerSupervisor]):
    made: list[Any] = []

    def make() -> Any:
        made.append(SimpleNamespace(variables="the API's"))
        return made[-1]

    client = ExecutionApiClient(make)
    assert _answer(client, "whole")[0] == "ConnectionResult"
    assert made == []
    assert (client.variables, client.variables, len(made)) == ("the API's", "the API's", 1)


def test_telling_the_supervisor_twice_changes_nothing_more(supervisor: type[TriggerRunnerSupervisor]):
    """Airflow forks its log server before its runner."""
    triggerer_connections.read_directly()
    once = supervisor.make_client
    triggerer_connections.read_directly()
    assert supervisor.make_client is once


def test_an_airflow_that_is_made_otherwise_is_left_alone(
    supervisor: type[TriggerRunnerSupervisor], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delattr(supervisor, "make_client")
    triggerer_connections.read_directly()
    assert not hasattr(supervisor, "make_client")
