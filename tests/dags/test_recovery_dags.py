"""The DAGs that finish what callbacks and actions began: their shape, what parsing costs, how a stopped task ends."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowTaskTimeout

from tenancy.airflow_settings import PERIODIC_TASK_POOL
from tenancy.orchestration.activity_operator import ActivityOperator
from tenancy.orchestration.compensation_operator import CompensationOperator
from tenancy.saga.errors import Stopped
from tenancy.saga.names import ActivityName

_PARSE = """
import json, sys
from tenant_compensation import dag as compensation
from tenant_notifications import dag as notifications
from tenant_reality_check import dag as reality
from tenant_reconciliation import dag as reconciliation
json.dump({
    "modules": sorted(set(sys.modules)),
    "params": sorted(compensation.params),
    "retries": compensation.get_task("compensate").retries,
    "paused": reconciliation.is_paused_upon_creation,
    "runs": reconciliation.max_active_runs,
    "schedule": type(reconciliation.timetable).__name__,
    "seconds": reconciliation.timetable.timetable.delta.total_seconds(),
    "watchers": [watcher.name for asset in reconciliation.timetable.asset_condition.objects
                 for watcher in asset.watchers],
    "docs": [compensation.doc_md, reconciliation.doc_md, reality.doc_md, notifications.doc_md],
    "told_on": [asset.uri for asset in notifications.timetable.asset_condition.objects],
    "telling": [notifications.is_paused_upon_creation, notifications.max_active_runs],
    "announces": [outlet.name for outlet in reconciliation.get_task("reconcile").outlets],
    "reality": [reality.is_paused_upon_creation, reality.max_active_runs, reality.catchup],
    "places": [(task.pool, task.priority_weight, str(task.weight_rule))
               for dag in (reconciliation, reality, notifications) for task in dag.tasks],
    "every": reality.timetable.expression,
}, sys.stdout)
"""


@cache
def parsed() -> dict[str, Any]:
    """The DAGs as a fresh process sees them."""
    dags = Path(__file__).parents[2] / "dags"
    script = f"import sys; sys.path.insert(0, {str(dags)!r})\n{_PARSE}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return dict(json.loads(done.stdout))


def test_parsing_imports_no_heavy_client():
    heavy = {"kubernetes", "psycopg", "psycopg2", "helm_python", "alembic"}
    assert heavy.isdisjoint(parsed()["modules"])


def test_the_reconciler_is_never_paused_and_runs_one_pass_at_a_time():
    assert (parsed()["paused"], parsed()["runs"]) == (False, 1)


def test_the_reconciler_is_woken_every_half_minute_and_by_a_poke():
    assert (parsed()["schedule"], parsed()["seconds"]) == ("AssetOrTimeSchedule", 30)
    assert parsed()["watchers"] == ["tenancy_pokes"]


def test_the_drift_check_is_never_paused_and_runs_every_half_hour_one_pass_at_a_time():
    assert parsed()["reality"] == [False, 1, False]
    assert parsed()["every"] == "*/30 * * * *"


def test_the_reconciler_has_slots_of_its_own_and_comes_first():
    assert parsed()["places"] == [[PERIODIC_TASK_POOL, 1000, "absolute"]] * 3


def test_alerts_are_sent_when_the_reconciler_announces_them_and_never_by_its_task():
    assert parsed()["announces"] == ["tenancy_alerts"]
    assert parsed()["told_on"] == ["tenancy://alerts/"]
    assert parsed()["telling"] == [False, 1]


def test_a_compensation_run_names_its_tenant_attempt_and_generation_and_tries_for_a_while():
    assert parsed()["params"] == ["attempt", "generation", "purpose", "tenant_id"]
    assert parsed()["retries"] == 5


def test_all_say_what_they_are_for():
    assert all(len(doc) > 100 for doc in parsed()["docs"])


@pytest.mark.parametrize(
    "operator",
    [ActivityOperator(activity=ActivityName("mark_active"), product="sample"), CompensationOperator()],
    ids=repr,
)
def test_sigterm_ends_a_task_in_the_middle_of_whatever_it_does(operator: Any):
    """Airflow's handler calls on_kill and returns; only an error raised there ends the task before SIGKILL."""
    before = signal.signal(signal.SIGTERM, lambda *_: operator.on_kill())
    try:
        with pytest.raises(Stopped):
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_time_out_is_not_hidden_by_the_stop():
    with pytest.raises(AirflowTaskTimeout), _as_airflow_does():
        raise AirflowTaskTimeout


@contextmanager
def _as_airflow_does() -> Iterator[None]:
    try:
        yield
    except AirflowTaskTimeout:
        ActivityOperator(activity=ActivityName("mark_active"), product="sample").on_kill()
        raise
