"""Many tenants wait for readiness at once in one triggerer, without a worker slot, and each can be ended alone."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from sandbox.access import Access
from sandbox.faults.client import FaultClient
from sandbox.layout import Layout
from sandbox.triggerer import megabytes, wait_ended_at
from tests.acceptance import runs

MANY = 12
SLOW, SHORT_TIMINGS = "us-east", "eu-central"
_TRIGGERS = """
select i.run_id, t.id, t.triggerer_id from task_instance i join trigger t on t.id = i.trigger_id
 where i.task_id = 'wait_for_workloads_ready' and i.state = 'deferred' and i.run_id = any(%s)
"""


@pytest.fixture(scope="module")
def waiting(sandbox: Access, sandbox_layout: Layout) -> Iterator[list[str]]:
    """Runs whose tenants' pods will not be ready within the hour, unless a test clears all faults."""
    FaultClient(sandbox_layout).set("slow-start", region=SLOW, seconds=3600.0)
    started = [runs.trigger(sandbox, runs.request(runs.new_slug("many"), region=SLOW)) for _ in range(MANY)]
    runs.wait_until(lambda: len(triggers(sandbox, started)) == MANY, "all to be deferred", seconds=240)
    yield started
    FaultClient(sandbox_layout).clear()


def triggers(access: Access, started: list[str]) -> list[dict[str, Any]]:
    """Airflow's triggers of those of the runs that wait."""
    with psycopg.connect(access.metadata_dsn, row_factory=dict_row) as connection:
        return connection.execute(_TRIGGERS, (started,)).fetchall()


def test_they_wait_in_one_triggerer_and_hold_no_workers_slot(sandbox: Access, waiting: list[str]):
    runs.wait_until(lambda: all(t["triggerer_id"] for t in triggers(sandbox, waiting)), "all to be picked up")
    assert len({trigger["triggerer_id"] for trigger in triggers(sandbox, waiting)}) == 1
    pool = runs.get(sandbox, "/api/v2/pools/default_pool")
    assert (pool["occupied_slots"], pool["open_slots"]) == (0, pool["slots"])
    assert pool["deferred_slots"] >= MANY


def test_the_triggerer_makes_no_api_to_read_connections_for_them(sandbox_layout: Layout, waiting: list[str]):
    """About 230 MB with these waits (PSS), and 87 more with Airflow's own API in it (Airflow 3.3.2, Python 3.11)."""
    assert megabytes(sandbox_layout) < 300


def test_a_tenant_whose_pods_are_ready_becomes_active_meanwhile(sandbox: Access, waiting: list[str]):
    newcomer = runs.trigger(sandbox, runs.request(runs.new_slug("quick"), region=SHORT_TIMINGS))
    assert runs.await_end(sandbox, newcomer) == "success"
    assert len(triggers(sandbox, waiting)) == MANY


def test_marking_one_run_failed_ends_its_wait_and_no_other(sandbox: Access, waiting: list[str]):
    ended, *others = waiting
    with sandbox.client("operator") as client:
        url = f"{runs.DAG}/dagRuns/{ended}"
        marked = runs.send_again_after_deadlock(lambda: client.patch(url, json={"state": "failed"}))
    assert marked.status_code == 200, marked.text
    # The triggerer hears of it within 2 s; five times as much for a busy machine.
    runs.wait_until(lambda: any(wait_ended_at(sandbox, ended)), "its wait to end", seconds=10)
    assert {trigger["run_id"] for trigger in triggers(sandbox, waiting)} == set(others)


def test_they_are_active_once_their_pods_are_ready(sandbox: Access, sandbox_layout: Layout, waiting: list[str]):
    FaultClient(sandbox_layout).clear()
    assert {runs.await_end(sandbox, run) for run in waiting[1:]} == {"success"}
