"""All our DAGs by all ways to start a run: what is not meant is refused at the door, with a sentence."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import AirflowSkipException

from sandbox.layout import PROJECT
from tenancy.orchestration.periodic_operators import DriftCheckOperator, ReconciliationOperator
from tenancy.orchestration.run_starts import ALLOWED_RUN_TYPES, CLOCK_SKEW, FORM_LEFT_OPEN, find_refusal
from tests.dags import isolated_airflow

NOW = datetime(2026, 11, 30, 5, 0, tzinfo=UTC)
PERIODIC = ("tenant_reconciliation", "tenant_notifications", "tenant_reality_check")
ON_REQUEST = ("tenant_provisioning", "tenant_compensation")
PUT_OFF = "starts at once"
PRESENT = "looks at the present"
NO_TYPE = "does not allow"

ACCEPTED = {
    ("tenant_provisioning", "now"),
    ("tenant_provisioning", "with a past logical date"),
    ("tenant_provisioning", "by an operator"),
    ("tenant_provisioning", "by the command line"),
    ("tenant_compensation", "now"),
    ("tenant_compensation", "with a past logical date"),
    ("tenant_compensation", "by the command line"),
    ("tenant_reality_check", "now"),
    ("tenant_reality_check", "by the command line"),
}
"""A run that starts at once, of what people or the product may start. Everything else is refused."""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str]]:
    home = tmp_path_factory.mktemp("airflow")
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")},
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PYTHONPATH": str(PROJECT / "include"),
    }
    done = subprocess.run(
        [sys.executable, str(Path(isolated_airflow.__file__))],
        check=False,
        cwd=PROJECT,
        env=env,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return {way: (status, text) for way, (status, text) in json.loads(done.stdout.splitlines()[-1]).items()}


@pytest.fixture(scope="module")
def dags() -> dict[str, Any]:
    return dict(DagBag(str(PROJECT / "dags")).dags)


def test_every_dag_has_a_known_way_to_start_it(dags: dict[str, Any]):
    assert sorted(dags) == sorted(ALLOWED_RUN_TYPES) == sorted((*PERIODIC, *ON_REQUEST))


@pytest.mark.parametrize("dag_id", sorted(ALLOWED_RUN_TYPES))
def test_every_dag_unpauses_itself_catches_nothing_up_and_has_no_backfills(dags: dict[str, Any], dag_id: str):
    dag = dags[dag_id]
    assert dag.is_paused_upon_creation is False
    assert dag.catchup is False
    assert {str(each.value) for each in dag.allowed_run_types} == set(ALLOWED_RUN_TYPES[dag_id])
    assert "backfill" not in ALLOWED_RUN_TYPES[dag_id]


@pytest.mark.parametrize("dag_id", PERIODIC)
def test_a_periodic_dag_runs_one_at_a_time_and_a_run_that_cannot_end_is_ended(dags: dict[str, Any], dag_id: str):
    dag = dags[dag_id]
    assert dag.max_active_runs == 1
    assert dag.dagrun_timeout is not None
    assert all(task.execution_timeout < dag.dagrun_timeout for task in dag.tasks)


@pytest.mark.parametrize("way", isolated_airflow.WAYS)
@pytest.mark.parametrize("dag_id", sorted(ALLOWED_RUN_TYPES))
def test_a_run_is_started_only_as_it_is_meant(answers: dict[str, tuple[int, str]], dag_id: str, way: str):
    status, text = answers[f"{dag_id} {way}"]
    if (dag_id, way) in ACCEPTED:
        assert status in {0, 200}, text
    else:
        assert status in {1, 400, 422}, text
        assert any(each in text for each in (PUT_OFF, PRESENT, NO_TYPE, "does not support backfills")), text


def test_no_asset_starts_a_run_on_request(answers: dict[str, tuple[int, str]]):
    tried = {way: status for way, (status, _) in answers.items() if way.startswith("materialize")}
    assert len(tried) >= 3
    assert set(tried.values()) <= {400, 404}


@pytest.mark.parametrize("text", isolated_airflow.UNSTORABLE)
@pytest.mark.parametrize("field", ["name", "admin_email"])
def test_a_text_that_cannot_be_stored_is_refused_with_its_field(
    answers: dict[str, tuple[int, str]], field: str, text: str
):
    """And not by the database, which knows no fields."""
    status, message = answers[f"{field} with {text!a}"]
    assert (status, field in message) == (400, True), message
    assert "must" in message or "Invalid input" in message


def test_an_old_run_that_is_cleared_is_that_run_again_and_no_other(answers: dict[str, tuple[int, str]]):
    assert answers["cleared"] == (200, "queued, 0 more")


def test_the_command_line_refuses_it_with_the_plugins_that_it_loads(answers: dict[str, tuple[int, str]]):
    status, text = answers["a process of its own"]
    assert (status, PUT_OFF in text) == (1, True), text


@pytest.mark.parametrize("operator", [ReconciliationOperator, DriftCheckOperator])
def test_what_is_left_of_an_old_backfill_does_nothing(operator: type):
    run = SimpleNamespace(run_type="backfill")
    with pytest.raises(AirflowSkipException, match="each pass works on the present"):
        operator().execute({"dag_run": run})


@pytest.mark.parametrize("dag_id", [*sorted(ALLOWED_RUN_TYPES), "somebody_elses"])
@pytest.mark.parametrize("run_type", ["manual", "operator_triggered", "asset_materialization"])
@pytest.mark.parametrize("field", ["logical_date", "run_after"])
def test_a_clock_that_is_a_little_ahead_is_no_future(dag_id: str, run_type: str, field: str):
    def refused(date: datetime) -> bool:
        dates = {"logical_date": None, "run_after": NOW, field: date}
        return find_refusal(dag_id, run_type, **dates, now=NOW) is not None

    assert not refused(NOW + CLOCK_SKEW)
    assert refused(NOW + CLOCK_SKEW + timedelta(seconds=1)) == (dag_id in ALLOWED_RUN_TYPES)


@pytest.mark.parametrize("dag_id", sorted(ALLOWED_RUN_TYPES))
def test_only_dags_about_the_present_refuse_a_past_date_and_a_form_may_stay_open(dag_id: str):
    def refused(ago: timedelta) -> bool:
        return find_refusal(dag_id, "manual", logical_date=NOW - ago, run_after=NOW, now=NOW) is not None

    assert not refused(FORM_LEFT_OPEN)
    assert refused(FORM_LEFT_OPEN + timedelta(seconds=1)) == (dag_id in PERIODIC)


@pytest.mark.parametrize("run_type", ["scheduled", "asset_triggered"])
def test_what_airflow_schedules_itself_is_its_own_affair(run_type: str):
    ahead = NOW + timedelta(days=400)
    assert find_refusal("tenant_reality_check", run_type, logical_date=ahead, run_after=ahead, now=NOW) is None
