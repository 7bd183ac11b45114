"""Behind the point of no return nothing that fails destroys anything: not after a restore, not in a retry."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from kubernetes.client import Configuration
from psycopg import sql

from tenancy.adapters.airflow_runs import UserMark
from tenancy.adapters.cluster import Cluster
from tenancy.adapters.helm import Helm
from tenancy.adapters.helm_kubeconfig import kubeconfig
from tenancy.adapters.kubernetes_api import KubernetesApi
from tenancy.engine.reconciliation.reconcile import reconcile
from tenancy.engine.workflow import COMPENSATION_DAG, PROVISIONING_DAG
from tenancy.ledger import pokes
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import Ledger, utc_now
from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.causes import Cause, Evidence
from tenancy.saga.errors import TenancyError, TransientError
from tenancy.saga.names import ActivityName, RunId
from tenancy.saga.stalls import Stall, StallKind
from tests import real_systems
from tests.integration.engine_harness import (
    DEPLOY,
    MARK_ACTIVE,
    ORDER,
    RUN,
    SCHEMA,
    STORAGE,
    VALIDATE,
    WAIT,
    EngineHarness,
)

LATER = timedelta(minutes=3)
SECOND = RunId("run-2")
FORBIDDEN = b'{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,"message":"no"}'


def after(harness: EngineHarness, elapsed: timedelta = LATER) -> str:
    """One pass of a reconciler whose clock is ahead, so that every tenant has been silent for long."""
    return reconcile(replace(harness.tenancy, ledger=Ledger(harness.ledger, clock=lambda: utc_now() + elapsed)))


_END_SESSIONS = "select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = %s"


@contextmanager
def backup(harness: EngineHarness) -> Iterator[Callable[[], None]]:
    """A backup of the ledger as it is now; call what comes back to restore it."""
    ledger, kept = sql.Identifier(harness.ledger.dbname), sql.Identifier("ledger_backup")
    copy = sql.SQL("create database {} template {} strategy file_copy")

    def restore() -> None:
        with real_systems.superuser(harness.server) as connection:
            owner = sql.Identifier(real_systems.LEDGER_OWNER)
            connection.execute(sql.SQL("drop database {} with (force)").format(ledger))
            connection.execute(copy.format(ledger, kept) + sql.SQL(" owner {}").format(owner))
            # A copy has none of the rights to the database itself.
            connection.execute(sql.SQL("revoke all on database {} from public").format(ledger))
            connection.execute(sql.SQL("grant connect on database {0} to {0}").format(ledger))

    with real_systems.superuser(harness.server) as connection:
        connection.execute(_END_SESSIONS, (harness.ledger.dbname,))  # idle ones, which earlier tests left to be lent
        connection.execute(copy.format(kept, ledger))
    try:
        yield restore
    finally:
        with real_systems.superuser(harness.server) as connection:
            connection.execute(sql.SQL("drop database {} with (force)").format(kept))


class _Forbids(BaseHTTPRequestHandler):
    def answer(self) -> None:
        self.send_response(403)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(FORBIDDEN)))
        self.end_headers()
        self.wfile.write(FORBIDDEN)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 - http.server's names

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def forbidden(harness: EngineHarness) -> Iterator[None]:
    """The cluster answers 403 to everything."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Forbids)
    Thread(target=server.serve_forever, daemon=True).start()
    entered = Configuration(host=f"http://127.0.0.1:{server.server_port}")
    label = "the cluster of region eu-central"
    cluster = Cluster(KubernetesApi(entered, label), Helm(lambda: kubeconfig(entered), label))
    before = harness.tenancy
    harness.tenancy = replace(before, clients=replace(before.clients, cluster=lambda region: cluster))
    try:
        yield
    finally:
        harness.tenancy = before
        server.shutdown()
        server.server_close()


def became_active(harness: EngineHarness, restore: Callable[[], None], at: ActivityName) -> None:
    """It continues to Active, and then the ledger is that of the backup again, in which it was at this activity."""
    for activity in ORDER[ORDER.index(at) :]:
        harness.run(activity)
    harness.runs.end(PROVISIONING_DAG, RUN, "success")
    assert harness.saga.phase == "Active"
    restore()
    assert harness.saga.phase == "Provisioning"


def fails_at(harness: EngineHarness, activity: ActivityName, number: int, run_id: RunId = RUN) -> None:
    """The task fails for good, and its callback gives the run up."""
    with pytest.raises(TenancyError):
        harness.run(activity, number, run_id)
    harness.give_up(activity, number, run_id)


def refuse_storage(harness: EngineHarness) -> None:
    def refuse(region: object) -> object:
        raise TransientError("The storage does not respond.")

    harness.tenancy = replace(harness.tenancy, clients=replace(harness.tenancy.clients, storage=refuse))  # type: ignore[arg-type]


@pytest.mark.parametrize("at", [SCHEMA, DEPLOY, WAIT, MARK_ACTIVE])
def test_a_customers_tenant_outlives_a_restored_ledger_and_a_cluster_that_forbids(
    harness: EngineHarness, at: ActivityName
):
    harness.runs.start(PROVISIONING_DAG, RUN, {})
    harness.run_until(at)
    with backup(harness) as restore:
        became_active(harness, restore, at)
        before = harness.external_objects
        assert after(harness) == "1 resume"
        with forbidden(harness):
            for activity in ORDER[: ORDER.index(DEPLOY)]:
                harness.run(activity, 2)
            fails_at(harness, DEPLOY, 2)
            after(harness)
        assert harness.saga.phase == "Failed retained"
        assert harness.external_objects == before
        assert harness.saga.failures[-1].message
        assert harness.runs.of(COMPENSATION_DAG) == []


def test_a_resumed_tenant_becomes_active_again_once_the_cluster_is_back(harness: EngineHarness):
    harness.runs.start(PROVISIONING_DAG, RUN, {})
    harness.run_until(SCHEMA)
    with backup(harness) as restore:
        became_active(harness, restore, SCHEMA)
        before = harness.external_objects
        after(harness)
        with forbidden(harness):
            for activity in ORDER[: ORDER.index(DEPLOY)]:
                harness.run(activity, 2)
            fails_at(harness, DEPLOY, 2)
        harness.record_commands(c.Reset())
        assert harness.run_all(3, SECOND).phase == "Active"
        assert harness.external_objects == before


def test_it_is_resumed_again_when_the_same_backup_is_restored_again(harness: EngineHarness):
    harness.runs.start(PROVISIONING_DAG, RUN, {})
    harness.run_until(SCHEMA)
    with backup(harness) as restore:
        became_active(harness, restore, SCHEMA)
        assert after(harness) == "1 resume"
        harness.runs.end(PROVISIONING_DAG, RUN, "success")
        restore()
        assert after(harness) == "1 resume"
        assert harness.saga.past_no_return


def test_that_it_is_resumed_is_recorded_before_its_run_is_cleared(harness: EngineHarness):
    harness.runs.start(PROVISIONING_DAG, RUN, {})
    harness.run_until(SCHEMA)
    harness.runs.end(PROVISIONING_DAG, RUN, "success")

    def dies_after(dag_id: str, run_id: str) -> None:
        assert harness.saga.past_no_return
        raise TransientError("The workflow engine does not respond.")

    harness.runs.rerun = dies_after  # type: ignore[method-assign]
    after(harness)
    assert harness.saga.past_no_return
    del harness.runs.rerun
    assert after(harness, 2 * LATER) == "1 resume"


def retained(harness: EngineHarness) -> dict[str, list[str]]:
    harness.runs.start(PROVISIONING_DAG, RUN, {})
    harness.run_until(MARK_ACTIVE)
    harness.handles.failing = 1
    fails_at(harness, MARK_ACTIVE, 1)
    assert harness.saga.phase == "Failed retained"
    return harness.external_objects


def test_a_retry_of_a_retained_tenant_keeps_everything_when_its_storage_fails(harness: EngineHarness):
    before = retained(harness)
    harness.record_commands(c.Reset())
    harness.run(VALIDATE, 2, SECOND)
    well = harness.tenancy
    refuse_storage(harness)
    fails_at(harness, STORAGE, 2, SECOND)
    harness.tenancy = well
    assert harness.saga.phase == "Failed retained"
    assert harness.external_objects == before
    harness.record_commands(c.Reset())
    assert harness.run_all(3, RunId("run-3")).phase == "Active"


def test_a_retry_whose_run_is_lost_keeps_everything(harness: EngineHarness):
    before = retained(harness)
    harness.record_commands(c.Reset(), c.RecordHistoryCleared())
    harness.run(VALIDATE, 2, SECOND)
    assert after(harness) == "1 lost"
    assert harness.saga.phase == "Failed retained"
    assert harness.external_objects == before
    assert harness.runs.of(COMPENSATION_DAG) == []


@pytest.mark.parametrize("state", ["failed", "success"])
def test_a_retry_whose_run_ended_without_an_outcome_keeps_everything(harness: EngineHarness, state: str):
    before = retained(harness)
    harness.record_commands(c.Reset(), c.RecordHistoryCleared())
    harness.run(VALIDATE, 2, SECOND)
    harness.runs.start(PROVISIONING_DAG, SECOND, {})
    harness.runs.end(PROVISIONING_DAG, SECOND, state)
    harness.runs.made_marks[SECOND] = (UserMark("patch_task_instance", "ada", utc_now()),)
    assert after(harness) == "1 missed"
    assert harness.saga.phase == "Failed retained"
    assert harness.external_objects == before


def marked(harness: EngineHarness, *marks: UserMark) -> None:
    harness.runs.end(PROVISIONING_DAG, RUN, "failed")
    with harness.tenancy.ledger.open("listener") as ledger:
        pokes.record_poke(ledger, RUN, "mark run failed")
    harness.runs.made_marks[RUN] = marks


@pytest.mark.parametrize("user", ["ada", "grace"])
def test_a_named_person_who_marks_the_run_failed_cancels_it(harness: EngineHarness, user: str):
    harness.runs.start(PROVISIONING_DAG, RUN, {})
    harness.run_until(MARK_ACTIVE)
    marked(harness, UserMark("patch_dag_run", user, utc_now()))
    reconcile(harness.tenancy)
    assert harness.saga.phase == "Cancelling"
    assert harness.facts(f.CancelRequested)
    assert harness.envelopes[-1].stamp.actor == user


@pytest.mark.parametrize("marks", [(), (UserMark("patch_dag_run", "somebody", utc_now()),)])
def test_a_mark_of_nobody_who_can_be_named_keeps_everything(harness: EngineHarness, marks: tuple[UserMark, ...]):
    harness.runs.start(PROVISIONING_DAG, RUN, {})
    harness.run_until(MARK_ACTIVE)
    before = harness.external_objects
    marked(harness, *marks)
    reconcile(harness.tenancy)
    assert harness.saga.phase == "Failed retained"
    assert "by a user whom its event log does not name" in harness.saga.failures[-1].message
    assert harness.external_objects == before


def test_an_old_mark_of_a_run_that_was_cleared_since_is_no_cancel_of_its_new_attempt(harness: EngineHarness):
    """A run that is cleared as a whole keeps its id, and Airflow its event log."""
    harness.runs.start(PROVISIONING_DAG, RUN, {})
    harness.run_until(SCHEMA)
    harness.runs.made_marks[RUN] = (UserMark("patch_dag_run", "ada", utc_now()),)
    harness.record_commands(c.Cancel())
    harness.unwind()
    harness.run_until(MARK_ACTIVE, 2)  # the whole run was cleared
    before = harness.external_objects
    harness.runs.end(PROVISIONING_DAG, RUN, "failed")
    assert after(harness) == "1 missed"
    assert harness.saga.phase == "Failed retained"
    assert harness.external_objects == before


# -- a ledger that is older than the world, in any phase


def lived_on(harness: EngineHarness, phase: str) -> dict[str, list[str]]:
    """After the backup, in which it was in this phase, the tenant became Active by a run of its own."""
    if phase in {"Cancelling", "Failed unwinding", "Failed stuck"}:
        if phase == "Failed stuck":
            harness.record_commands(c.Cancel())
        harness.unwind()
    if phase != "Failed ready" and harness.saga.phase != "Failed ready":
        if harness.saga.state == "Provisioning":
            harness.give_up(SCHEMA, 1)
        harness.record_commands(c.Reset())
    harness.runs.start(PROVISIONING_DAG, SECOND, {"slug": "acme"})
    assert harness.run_all(2, SECOND).phase == "Active"
    harness.runs.end(PROVISIONING_DAG, SECOND, "success")
    return harness.external_objects


def brought_into(harness: EngineHarness, phase: str) -> None:
    harness.runs.start(PROVISIONING_DAG, RUN, {"slug": "acme"})
    harness.fail_at(SCHEMA)
    harness.runs.end(PROVISIONING_DAG, RUN, "failed")
    if phase == "Cancelling":
        harness.record_commands(c.Cancel())
    elif phase == "Failed unwinding":
        harness.record_commands(c.GiveUp(RUN, "out of tries"))


@pytest.mark.parametrize(
    ("phase", "kept_as"),
    [("Provisioning", "Failed retained"), ("Cancelling", "Failed stuck"), ("Failed unwinding", "Failed stuck")],
)
def test_what_a_restored_ledger_would_undo_is_kept_when_airflow_knows_of_a_later_run(
    harness: EngineHarness, phase: str, kept_as: str
):
    brought_into(harness, phase)
    with backup(harness) as restore:
        before = lived_on(harness, phase)
        restore()
        assert harness.saga.phase == phase
        assert "1 keep" in after(harness)
        after(harness, 2 * LATER)
        assert harness.saga.phase == kept_as
        assert harness.external_objects == before
        assert harness.runs.of(COMPENSATION_DAG) == []
        told = " ".join(str(vars(envelope.fact)) for envelope in harness.envelopes)
        assert f"Airflow's run {SECOND} of the slug acme ended well" in told


LONG_AFTER = timedelta(hours=30)


@pytest.mark.parametrize(
    ("phase", "kept_as"),
    [("Provisioning", "Failed retained"), ("Cancelling", "Failed stuck"), ("Failed unwinding", "Failed stuck")],
)
def test_what_a_restored_ledger_would_undo_is_kept_when_airflow_has_deleted_its_runs_since(
    harness: EngineHarness, phase: str, kept_as: str
):
    brought_into(harness, phase)
    with backup(harness) as restore:
        before = lived_on(harness, phase)
        restore()
        harness.runs.stored.clear()
        assert "1 keep" in after(harness, LONG_AFTER)
        after(harness, LONG_AFTER + LATER)
        assert harness.saga.phase == kept_as
        assert harness.external_objects == before
        assert harness.runs.of(COMPENSATION_DAG) == []
        told = " ".join(str(vars(envelope.fact)) for envelope in harness.envelopes)
        assert f"Airflow has no run {RUN} of the slug acme any more" in told


def test_a_stall_that_is_recorded_first_does_not_hide_how_old_a_restored_ledger_is(harness: EngineHarness):
    brought_into(harness, "Provisioning")
    stall = Stall(StallKind.PROVISIONING, SCHEMA, utc_now(), timedelta(minutes=15))
    with Ledger(harness.ledger, clock=lambda: utc_now() + LONG_AFTER).open("test") as ledger:
        ledger.record(harness.tenant_id, c.RecordStall(stall, Evidence(Cause.UNKNOWN, "?")), stamp=Stamp("reconciler"))
    harness.runs.stored.clear()
    assert "1 keep" in after(harness, LONG_AFTER + LATER)


@pytest.mark.parametrize("phase", ["Provisioning", "Cancelling", "Failed unwinding"])
def test_a_run_that_was_deleted_a_moment_ago_keeps_nothing(harness: EngineHarness, phase: str):
    brought_into(harness, phase)
    harness.runs.stored.clear()
    assert "keep" not in after(harness, timedelta(minutes=29))
    assert harness.unwind().phase == "Failed settled"


def test_a_decommission_goes_on_however_long_it_has_waited(harness: EngineHarness):
    """A person has confirmed by the slug that everything is to be destroyed."""
    brought_into(harness, "Failed unwinding")
    harness.unwind()
    harness.record_commands(c.Reset(), c.Decommission())
    assert "keep" not in after(harness, LONG_AFTER)


def test_a_person_may_undo_it_after_a_warning(harness: EngineHarness):
    brought_into(harness, "Failed unwinding")
    with backup(harness) as restore:
        lived_on(harness, "Failed unwinding")
        restore()
        after(harness)
        harness.record_commands(c.Cancel())
        after(harness)
        assert len(harness.runs.of(COMPENSATION_DAG)) == 1
        assert harness.unwind().phase == "Failed settled"
        assert (harness.external_objects["database"], harness.external_objects["role"]) == ([], []), (
            "what the ledger knows of"
        )


def test_a_cleared_run_that_ended_well_says_so_too(harness: EngineHarness):
    """A run that is cleared as a whole keeps its id."""
    brought_into(harness, "Cancelling")
    with backup(harness) as restore:
        harness.unwind()
        assert harness.run_all(2, RUN).phase == "Active"
        harness.runs.end(PROVISIONING_DAG, RUN, "success")
        before = harness.external_objects
        restore()
        assert "1 keep" in after(harness)
        assert harness.saga.phase == "Failed stuck"
        assert harness.external_objects == before


def test_a_run_of_an_earlier_tenant_of_the_slug_keeps_nothing(harness: EngineHarness):
    harness.runs.start(PROVISIONING_DAG, RUN, {"slug": "acme"})
    harness.run_all()
    harness.runs.end(PROVISIONING_DAG, RUN, "success")
    harness.record_commands(c.Decommission())
    harness.unwind()
    harness.run_until(SCHEMA, 2, SECOND)
    harness.runs.start(PROVISIONING_DAG, SECOND, {"slug": "acme"})
    harness.runs.end(PROVISIONING_DAG, SECOND, "failed")
    assert after(harness) == "1 missed"
    assert harness.saga.phase == "Failed unwinding"
