"""Operators act while parts of Airflow are down: actions are recorded first, and finished when the parts are back."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import quote

import psycopg
import pytest

from sandbox.access import Access
from sandbox.faults.client import FaultClient
from sandbox.processes import Register
from sandbox.restart_on_error import STARTING_SECONDS
from tests.acceptance import gates, operators, runs
from tests.acceptance.command_line import WHY, Operator
from tests.acceptance.kills import Kill, killer
from tests.acceptance.tenant_objects import find_objects

NO_SIGN_OF_LIFE = "The workflow engine's scheduler sends no heartbeat"
SETTLED = "Failed settled"
WAIT = "wait_for_workloads_ready"
PATIENCE = 180.0
"""A restarted part of Airflow takes its time on a busy machine."""
pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def operator(sandbox: Access) -> Operator:
    return Operator(sandbox)


@pytest.fixture
def kill(sandbox: Access, sandbox_up: Callable[[], None]) -> Iterator[Kill]:
    with killer(sandbox, sandbox_up) as strike:
        yield strike


@pytest.fixture
def waiting(sandbox: Access, fault_client: FaultClient) -> Callable[[], str]:
    """A tenant whose pods take long: its task is deferred, no process is at work for it."""

    def make() -> str:
        slug = runs.new_slug("down")
        fault_client.set("slow-start", tenant=slug, seconds=600)
        operators.create(sandbox, runs.request(slug))
        runs.wait_until(lambda: runs.is_waiting_for_pods(sandbox, slug), f"{slug} to wait for its pods")
        return slug

    return make


def held(access: Access, slug: str) -> str:
    """Why the tenant waits, as its page says it."""
    return str(operators.get(access, f"/tenants/{slug}")["held"])


def settles(access: Access, slug: str) -> None:
    runs.wait_until(lambda: runs.phase(access, slug) == SETTLED, f"{slug} to settle", seconds=PATIENCE)
    assert find_objects(access, slug).is_empty


def settles_by_the_reconciler(access: Access, slug: str) -> None:
    """It asks about who has been silent for 10 s, every half minute."""
    question = "select from ledger.tenant where slug = %s and updated_at < now() - interval '11 seconds'"
    runs.wait_until(lambda: runs.ledger(access, question, slug), f"{slug} to be overdue")
    settles(access, slug)


def test_a_cancel_while_the_scheduler_is_dead_says_so_and_is_finished_once_it_is_back(
    sandbox: Access,
    operator: Operator,
    waiting: Callable[[], str],
    kill: Kill,
    sandbox_up: Callable[[], None],
):
    deferred, working = waiting(), runs.new_slug("down")
    with gates.before_fact_of(sandbox, working, "tenant.provisioning.step.started", "apply_tenant_schema"):
        operators.create(sandbox, runs.request(working))
        ledger = sandbox.superuser_dsn("platform", "ledger")
        runs.wait_until(lambda: gates.held(ledger, "%insert into ledger.fact%"), "the task to reach the gate")
        kill("scheduler")
        # Airflow believes in a beat for 30 s.
        runs.wait_until(
            lambda: NO_SIGN_OF_LIFE in operators.get(sandbox, "/health")["engine"],
            "its silence to be noticed",
            seconds=PATIENCE,
            every=1,
        )
        for slug in (deferred, working):
            runs.wait_until(lambda slug=slug: NO_SIGN_OF_LIFE in held(sandbox, slug), f"{slug} to say so", every=1)

        answer = operators.perform(sandbox, deferred, "cancel")
        result = operator("cancel", working, *WHY)

    assert answer["tenant"]["state"] == "Cancelling"
    assert NO_SIGN_OF_LIFE in answer["warnings"][0]
    assert answer["warnings"][0].startswith("It is recorded, and continues by itself")
    assert result.returncode == 0
    assert f"! It is recorded, and continues by itself when the engine does. {NO_SIGN_OF_LIFE}" in result.stderr
    assert NO_SIGN_OF_LIFE in " ".join(operator.run("show", working).split())
    _health_says_so(sandbox, operator)

    sandbox_up()
    for slug in (deferred, working):
        settles(sandbox, slug)
        assert held(sandbox, slug) == ""


def _health_says_so(access: Access, operator: Operator) -> None:
    """Nobody reconciles while nobody schedules; four minutes pass."""
    with psycopg.connect(access.ledger_dsn, autocommit=True) as ledger:
        ledger.execute("update ledger.beat set at = at - %s", (timedelta(minutes=4),))
    health = operator("health")
    assert health.returncode == 1
    assert NO_SIGN_OF_LIFE in " ".join(health.stdout.split())
    assert "LATE" in health.stdout


def test_a_cancel_while_the_api_server_is_dead_is_refused_with_what_to_do_and_works_afterwards(
    sandbox: Access,
    operator: Operator,
    waiting: Callable[[], str],
    kill: Kill,
    sandbox_up: Callable[[], None],
):
    cut_off, untouched = waiting(), waiting()
    with _run_locked(sandbox, cut_off):
        asking = operator.start("cancel", cut_off, *WHY)
        runs.await_phase(sandbox, cut_off, "Cancelling")
        kill("api-server")
        _, output = asking.communicate(timeout=60)
        refused = operator("cancel", untouched, *WHY)
    assert asking.returncode == refused.returncode == 1
    assert "The action may have been done: check with `tenantctl show`." in output
    assert "cannot be reached" in refused.stderr
    assert "is it up? (`make status`, `make up`)" in refused.stderr
    assert "may have been done" not in refused.stderr

    sandbox_up()
    assert "nothing is left" in operator.run("cancel", untouched, "--wait", *WHY)
    assert find_objects(sandbox, untouched).is_empty
    settles_by_the_reconciler(sandbox, cut_off)
    assert runs.fact_kinds(sandbox, cut_off).count("tenant.provisioning.cancel.requested") == 1


@contextmanager
def _run_locked(access: Access, slug: str) -> Iterator[None]:
    """Nobody can mark the tenant's run until the gate opens; Airflow gives up after 8 s."""
    with psycopg.connect(access.superuser_dsn("platform", "airflow")) as airflow:
        airflow.execute("select from dag_run where run_id = %s for update", (runs.first_run(access, slug),))
        yield
        airflow.rollback()


def test_a_cancel_that_airflow_does_not_follow_is_finished_by_the_reconciler(
    sandbox: Access, waiting: Callable[[], str]
):
    slug = waiting()
    with gates.no_new_runs(sandbox, "tenant_compensation"):
        answer = operators.perform(sandbox, slug, "cancel")
    assert answer["tenant"]["state"] == "Cancelling"
    assert answer["warnings"][0].startswith("It is recorded, and continues by itself")
    assert "tenant_compensation" in answer["warnings"][0]
    settles_by_the_reconciler(sandbox, slug)


def test_a_cancel_of_a_wait_needs_neither_triggerer_nor_dag_processor(
    sandbox: Access, waiting: Callable[[], str], kill: Kill
):
    slug = waiting()
    kill("dag-processor", "triggerer")
    assert "no heartbeat" not in str(operators.perform(sandbox, slug, "cancel")["warnings"])
    settles(sandbox, slug)


def test_a_clear_that_meets_the_end_of_a_wait_ends_airflows_triggerer_which_is_started_again(
    sandbox: Access, fault_client: FaultClient, waiting: Callable[[], str]
):
    """Airflow 3.3.2: it finds the task's id gone as it stores the event. Who keeps it running has to revive it."""
    other, slug = waiting(), runs.new_slug("down")
    fault = fault_client.set("slow-start", tenant=slug, seconds=600)
    operators.create(sandbox, runs.request(slug))
    runs.wait_until(lambda: runs.is_waiting_for_pods(sandbox, slug), f"{slug} to wait for its pods")
    triggerer = Register(sandbox.layout.processes).get("triggerer")
    runs.wait_until(lambda: triggerer and triggerer.uptime_seconds > STARTING_SECONDS + 1, "it to have been at work")
    run_id, log = runs.first_run(sandbox, slug), sandbox.layout.logs / "triggerer.log"
    task = sandbox.layout.logs / "tasks" / "dag_id=tenant_provisioning" / f"run_id={run_id}" / f"task_id={WAIT}"
    runs.wait_until(lambda: list(task.glob("*.trigger.*")), "the wait to be the triggerer's")
    airflow, before = sandbox.superuser_dsn("platform", "airflow"), log.stat().st_size
    with ThreadPoolExecutor(1) as pool, gates.clearing_held(sandbox, run_id, WAIT):
        cleared = pool.submit(_clear, sandbox, run_id)
        runs.wait_until(lambda: gates.held(airflow, "update task_instance set id=%"), "the clear to reach its gate")
        fault_client.clear(fault.id)
        runs.wait_until(
            lambda: gates.held(airflow, "update task_instance set state='scheduled'%"), "the event to meet it"
        )
    assert cleared.result() == 200
    runs.wait_until(lambda: b"is started again" in log.read_bytes()[before:], "the triggerer to be revived")
    assert b"StaleDataError" in log.read_bytes()[before:]
    fault_client.clear()
    for each in (slug, other):
        runs.await_phase(sandbox, each, "Active", seconds=PATIENCE)


def _clear(access: Access, run_id: str) -> int:
    with access.client("operator") as client:
        body = {"dry_run": False, "only_failed": False}
        return client.post(f"{runs.DAG}/dagRuns/{quote(run_id, safe='')}/clear", json=body, timeout=60).status_code
