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
from tenancy.adapters.kubeconfig import kubeconfig
from tenancy.adapters.kubernetes_api import KubernetesApi
from tenancy.engine.reconcile import reconcile
from tenancy.engine.workflow import COMPENSATION_DAG, PROVISIONING_DAG
from tenancy.ledger import pokes
from tenancy.ledger.ledger import Ledger, utc_now
from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.errors import TenancyError, TransientError
from tenancy.saga.names import ActivityName, RunId
from tests import real_systems
from tests.integration.engine_harness import DEPLOY, FLIP, ORDER, RUN, SCHEMA, STORAGE, VALIDATE, WAIT, Stage

LATER = timedelta(minutes=3)
SECOND = RunId("run-2")
FORBIDDEN = b'{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,"message":"no"}'


def after(stage: Stage, elapsed: timedelta = LATER) -> str:
    """One pass of a reconciler whose clock is ahead, so that every tenant has been silent for long."""
    return reconcile(replace(stage.tenancy, ledger=Ledger(stage.ledger, clock=lambda: utc_now() + elapsed)))


_END_SESSIONS = "select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = %s"


@contextmanager
def backup(stage: Stage) -> Iterator[Callable[[], None]]:
    """A backup of the ledger as it is now; call what comes back to restore it."""
    ledger, kept = sql.Identifier(stage.ledger.dbname), sql.Identifier("ledger_backup")
    copy = sql.SQL("create database {} template {} strategy file_copy")

    def restore() -> None:
        with real_systems.superuser(stage.server) as connection:
            owner = sql.Identifier(real_systems.LEDGER_OWNER)
            connection.execute(sql.SQL("drop database {} with (force)").format(ledger))
            connection.execute(copy.format(ledger, kept) + sql.SQL(" owner {}").format(owner))

    with real_systems.superuser(stage.server) as connection:
        connection.execute(_END_SESSIONS, (stage.ledger.dbname,))  # idle ones, which earlier tests left to be lent
        connection.execute(copy.format(kept, ledger))
    try:
        yield restore
    finally:
        with real_systems.superuser(stage.server) as connection:
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
def forbidden(stage: Stage) -> Iterator[None]:
    """The cluster answers 403 to everything."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Forbids)
    Thread(target=server.serve_forever, daemon=True).start()
    entered = Configuration(host=f"http://127.0.0.1:{server.server_port}")
    label = "the cluster of region eu-central"
    cluster = Cluster(KubernetesApi(entered, label), Helm(lambda: kubeconfig(entered), label))
    before = stage.tenancy
    stage.tenancy = replace(before, clients=replace(before.clients, cluster=lambda region: cluster))
    try:
        yield
    finally:
        stage.tenancy = before
        server.shutdown()
        server.server_close()


def became_active(stage: Stage, restore: Callable[[], None], at: ActivityName) -> None:
    """It goes on to Active, and then the ledger is that of the backup again, in which it was at this activity."""
    for activity in ORDER[ORDER.index(at) :]:
        stage.run(activity)
    stage.runs.end(PROVISIONING_DAG, RUN, "success")
    assert stage.saga.phase == "Active"
    restore()
    assert stage.saga.phase == "Provisioning"


def fails_at(stage: Stage, activity: ActivityName, number: int, run_id: RunId = RUN) -> None:
    """The task fails for good, and its callback gives the run up."""
    with pytest.raises(TenancyError):
        stage.run(activity, number, run_id)
    stage.give_up(activity, number, run_id)


def refuse_storage(stage: Stage) -> None:
    def refuse(region: object) -> object:
        raise TransientError("The storage does not answer.")

    stage.tenancy = replace(stage.tenancy, clients=replace(stage.tenancy.clients, storage=refuse))  # type: ignore[arg-type]


@pytest.mark.parametrize("at", [SCHEMA, DEPLOY, WAIT, FLIP])
def test_a_customers_tenant_outlives_a_restored_ledger_and_a_cluster_that_forbids(stage: Stage, at: ActivityName):
    stage.runs.start(PROVISIONING_DAG, RUN, {})
    stage.run_until(at)
    with backup(stage) as restore:
        became_active(stage, restore, at)
        before = stage.outside
        assert after(stage) == "1 resume"
        with forbidden(stage):
            for activity in ORDER[: ORDER.index(DEPLOY)]:
                stage.run(activity, 2)
            fails_at(stage, DEPLOY, 2)
            after(stage)
        assert stage.saga.phase == "Failed retained"
        assert stage.outside == before
        assert stage.saga.failures[-1].message
        assert stage.runs.of(COMPENSATION_DAG) == []


def test_a_resumed_tenant_becomes_active_again_once_the_cluster_is_back(stage: Stage):
    stage.runs.start(PROVISIONING_DAG, RUN, {})
    stage.run_until(SCHEMA)
    with backup(stage) as restore:
        became_active(stage, restore, SCHEMA)
        before = stage.outside
        after(stage)
        with forbidden(stage):
            for activity in ORDER[: ORDER.index(DEPLOY)]:
                stage.run(activity, 2)
            fails_at(stage, DEPLOY, 2)
        stage.ask(c.Reset())
        assert stage.run_all(3, SECOND).phase == "Active"
        assert stage.outside == before


def test_it_is_resumed_again_when_the_same_backup_is_restored_again(stage: Stage):
    stage.runs.start(PROVISIONING_DAG, RUN, {})
    stage.run_until(SCHEMA)
    with backup(stage) as restore:
        became_active(stage, restore, SCHEMA)
        assert after(stage) == "1 resume"
        stage.runs.end(PROVISIONING_DAG, RUN, "success")
        restore()
        assert after(stage) == "1 resume"
        assert stage.saga.past_no_return


def test_that_it_is_resumed_is_recorded_before_its_run_is_cleared(stage: Stage):
    stage.runs.start(PROVISIONING_DAG, RUN, {})
    stage.run_until(SCHEMA)
    stage.runs.end(PROVISIONING_DAG, RUN, "success")

    def dies(dag_id: str, run_id: str) -> None:
        assert stage.saga.past_no_return
        raise TransientError("The workflow engine does not answer.")

    stage.runs.run_again = dies  # type: ignore[method-assign]
    after(stage)
    assert stage.saga.past_no_return
    del stage.runs.run_again
    assert after(stage, 2 * LATER) == "1 resume"


def retained(stage: Stage) -> dict[str, list[str]]:
    stage.runs.start(PROVISIONING_DAG, RUN, {})
    stage.run_until(FLIP)
    stage.handles.failing = 1
    fails_at(stage, FLIP, 1)
    assert stage.saga.phase == "Failed retained"
    return stage.outside


def test_a_retry_of_a_retained_tenant_keeps_everything_when_its_storage_fails(stage: Stage):
    before = retained(stage)
    stage.ask(c.Reset())
    stage.run(VALIDATE, 2, SECOND)
    well = stage.tenancy
    refuse_storage(stage)
    fails_at(stage, STORAGE, 2, SECOND)
    stage.tenancy = well
    assert stage.saga.phase == "Failed retained"
    assert stage.outside == before
    stage.ask(c.Reset())
    assert stage.run_all(3, RunId("run-3")).phase == "Active"


def test_a_retry_whose_run_is_lost_keeps_everything(stage: Stage):
    before = retained(stage)
    stage.ask(c.Reset(), c.RecordHistoryCleared())
    stage.run(VALIDATE, 2, SECOND)
    assert after(stage) == "1 lost"
    assert stage.saga.phase == "Failed retained"
    assert stage.outside == before
    assert stage.runs.of(COMPENSATION_DAG) == []


@pytest.mark.parametrize("state", ["failed", "success"])
def test_a_retry_whose_run_ended_without_a_word_keeps_everything(stage: Stage, state: str):
    before = retained(stage)
    stage.ask(c.Reset(), c.RecordHistoryCleared())
    stage.run(VALIDATE, 2, SECOND)
    stage.runs.start(PROVISIONING_DAG, SECOND, {})
    stage.runs.end(PROVISIONING_DAG, SECOND, state)
    stage.runs.made_marks[SECOND] = (UserMark("patch_task_instance", "ada", utc_now()),)
    assert after(stage) == "1 missed"
    assert stage.saga.phase == "Failed retained"
    assert stage.outside == before


def marked(stage: Stage, *marks: UserMark) -> None:
    stage.runs.end(PROVISIONING_DAG, RUN, "failed")
    with stage.tenancy.ledger.open("listener") as ledger:
        pokes.record_poke(ledger, RUN, "mark run failed")
    stage.runs.made_marks[RUN] = marks


@pytest.mark.parametrize("user", ["ada", "grace"])
def test_a_named_person_who_marks_the_run_failed_cancels_it(stage: Stage, user: str):
    stage.runs.start(PROVISIONING_DAG, RUN, {})
    stage.run_until(FLIP)
    marked(stage, UserMark("patch_dag_run", user, utc_now()))
    reconcile(stage.tenancy)
    assert stage.saga.phase == "Cancelling"
    assert stage.facts(f.CancelRequested)
    assert stage.envelopes[-1].stamp.actor == user


@pytest.mark.parametrize("marks", [(), (UserMark("patch_dag_run", "somebody", utc_now()),)])
def test_a_mark_of_nobody_who_can_be_named_keeps_everything(stage: Stage, marks: tuple[UserMark, ...]):
    stage.runs.start(PROVISIONING_DAG, RUN, {})
    stage.run_until(FLIP)
    before = stage.outside
    marked(stage, *marks)
    reconcile(stage.tenancy)
    assert stage.saga.phase == "Failed retained"
    assert "by nobody that its event log names" in stage.saga.failures[-1].message
    assert stage.outside == before


def test_an_old_mark_of_a_run_that_was_cleared_since_is_no_cancel_of_its_new_attempt(stage: Stage):
    """A run that is cleared as a whole keeps its id, and Airflow its event log."""
    stage.runs.start(PROVISIONING_DAG, RUN, {})
    stage.run_until(SCHEMA)
    stage.runs.made_marks[RUN] = (UserMark("patch_dag_run", "ada", utc_now()),)
    stage.ask(c.Cancel())
    stage.unwind()
    stage.run_until(FLIP, 2)  # the whole run was cleared
    before = stage.outside
    stage.runs.end(PROVISIONING_DAG, RUN, "failed")
    assert after(stage) == "1 missed"
    assert stage.saga.phase == "Failed retained"
    assert stage.outside == before


# -- a ledger that is older than the world, in any phase


def lived_on(stage: Stage, phase: str) -> dict[str, list[str]]:
    """After the backup, in which it was in this phase, the tenant became Active by a run of its own."""
    if phase in {"Cancelling", "Failed unwinding", "Failed stuck"}:
        if phase == "Failed stuck":
            stage.ask(c.Cancel())
        stage.unwind()
    if phase != "Failed ready" and stage.saga.phase != "Failed ready":
        if stage.saga.state == "Provisioning":
            stage.give_up(SCHEMA, 1)
        stage.ask(c.Reset())
    stage.runs.start(PROVISIONING_DAG, SECOND, {"slug": "acme"})
    assert stage.run_all(2, SECOND).phase == "Active"
    stage.runs.end(PROVISIONING_DAG, SECOND, "success")
    return stage.outside


def brought_into(stage: Stage, phase: str) -> None:
    stage.runs.start(PROVISIONING_DAG, RUN, {"slug": "acme"})
    stage.fail_at(SCHEMA)
    stage.runs.end(PROVISIONING_DAG, RUN, "failed")
    if phase == "Cancelling":
        stage.ask(c.Cancel())
    elif phase == "Failed unwinding":
        stage.ask(c.GiveUp(RUN, "out of tries"))


@pytest.mark.parametrize(
    ("phase", "kept_as"),
    [("Provisioning", "Failed retained"), ("Cancelling", "Failed stuck"), ("Failed unwinding", "Failed stuck")],
)
def test_what_a_restored_ledger_would_undo_is_kept_when_airflow_knows_of_a_later_run(
    stage: Stage, phase: str, kept_as: str
):
    brought_into(stage, phase)
    with backup(stage) as restore:
        before = lived_on(stage, phase)
        restore()
        assert stage.saga.phase == phase
        assert "1 keep" in after(stage)
        after(stage, 2 * LATER)
        assert stage.saga.phase == kept_as
        assert stage.outside == before
        assert stage.runs.of(COMPENSATION_DAG) == []
        told = " ".join(str(vars(envelope.fact)) for envelope in stage.envelopes)
        assert f"Airflow's run {SECOND} of the slug acme ended well" in told


def test_a_person_who_was_told_may_undo_it_all_the_same(stage: Stage):
    brought_into(stage, "Failed unwinding")
    with backup(stage) as restore:
        lived_on(stage, "Failed unwinding")
        restore()
        after(stage)
        stage.ask(c.Cancel())
        after(stage)
        assert len(stage.runs.of(COMPENSATION_DAG)) == 1
        assert stage.unwind().phase == "Failed settled"
        assert (stage.outside["database"], stage.outside["role"]) == ([], []), "what the ledger knows of"


def test_a_cleared_run_that_ended_well_says_so_too(stage: Stage):
    """A run that is cleared as a whole keeps its id."""
    brought_into(stage, "Cancelling")
    with backup(stage) as restore:
        stage.unwind()
        assert stage.run_all(2, RUN).phase == "Active"
        stage.runs.end(PROVISIONING_DAG, RUN, "success")
        before = stage.outside
        restore()
        assert "1 keep" in after(stage)
        assert stage.saga.phase == "Failed stuck"
        assert stage.outside == before


def test_a_run_of_an_earlier_tenant_of_the_slug_keeps_nothing(stage: Stage):
    stage.runs.start(PROVISIONING_DAG, RUN, {"slug": "acme"})
    stage.run_all()
    stage.runs.end(PROVISIONING_DAG, RUN, "success")
    stage.ask(c.Decommission())
    stage.unwind()
    stage.run_until(SCHEMA, 2, SECOND)
    stage.runs.start(PROVISIONING_DAG, SECOND, {"slug": "acme"})
    stage.runs.end(PROVISIONING_DAG, SECOND, "failed")
    assert after(stage) == "1 missed"
    assert stage.saga.phase == "Failed unwinding"
