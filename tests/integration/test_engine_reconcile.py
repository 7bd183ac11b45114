"""The reconciler: whatever callbacks and actions missed is found and finished, for each tenant by itself."""

from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import pytest

from tenancy.adapters.airflow_runs import UserMark
from tenancy.engine import actions
from tenancy.engine.reconcile import reconcile
from tenancy.engine.tenancy import unwinder
from tenancy.engine.workflow import COMPENSATION_DAG, PROVISIONING_DAG
from tenancy.ledger import heartbeats, pokes
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import Ledger, utc_now
from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.names import RunId
from tests import real_systems
from tests.contract.fake_runs import FakeRuns
from tests.integration.engine_harness import NOTHING, ORDER, SCHEMA, Stage

BY = Stamp("grace", reason="INC-7")
LATER = timedelta(minutes=3)


@pytest.fixture
def created(stage: Stage) -> RunId:
    return actions.create(stage.tenancy, real_systems.request(), by=BY).saga.run_id


def _silent(runs: FakeRuns, run_id: RunId, part: str) -> None:
    """It waits for its pods, and a part of Airflow is away."""
    runs.silent = (part,)
    runs.states[run_id] = ("deferred",)


def after(stage: Stage, elapsed: timedelta = LATER) -> str:
    """One pass of a reconciler whose clock is ahead, so that every tenant has been silent for long."""
    return reconcile(replace(stage.tenancy, ledger=Ledger(stage.ledger, clock=lambda: utc_now() + elapsed)))


def mark(stage: Stage, run_id: RunId, user: str) -> None:
    """Somebody marks the run failed in Airflow: its event log and our listener tell of it."""
    stage.runs.end(PROVISIONING_DAG, run_id, "failed")
    with stage.tenancy.ledger.open("listener") as ledger:
        pokes.record_poke(ledger, run_id, "mark run failed")
    stage.runs.made_marks[run_id] = (UserMark("patch_dag_run", user, utc_now()),)


def test_a_pass_without_work_says_so_and_leaves_its_beat(stage: Stage):
    assert reconcile(stage.tenancy) == "nothing to do"
    with stage.tenancy.ledger.open("test") as ledger:
        (beat,) = heartbeats.load_heartbeats(ledger)
    assert (beat.name, beat.summary) == ("reconciliation", "nothing to do")


def test_a_run_that_could_not_be_triggered_is_triggered_when_airflow_is_back(stage: Stage):
    stage.runs.away = True
    run_id = actions.create(stage.tenancy, real_systems.request(), by=BY).saga.run_id
    assert "put off" in after(stage)
    stage.runs.away = False
    assert after(stage) == "1 pursue"
    assert stage.runs.of(PROVISIONING_DAG) == [run_id]


def test_a_run_over_its_deadline_is_looked_at_however_lately_it_spoke(stage: Stage, created: RunId):
    stage.run_until(SCHEMA, run_id=created)
    stage.runs.silent = ("scheduler",)
    _deadline_passed(stage, created)
    assert "1 deadlines" in reconcile(stage.tenancy)
    assert "scheduler" in stage.saga.hold_reason
    assert "deadlines" not in reconcile(stage.tenancy)


def test_a_deadline_means_nothing_to_a_tenant_that_got_through_or_is_none(stage: Stage, created: RunId):
    stage.run_all(run_id=created)
    before = stage.saga
    for run_id in (created, RunId("of another DAG")):
        _deadline_passed(stage, run_id)
    assert reconcile(stage.tenancy) == "nothing to do"
    assert stage.saga == before


def test_a_deadline_is_looked_at_again_when_airflow_did_not_answer(stage: Stage, created: RunId):
    stage.run_until(SCHEMA, run_id=created)
    _deadline_passed(stage, created)
    stage.runs.away = True
    assert "deadlines" not in reconcile(stage.tenancy)
    stage.runs.away = False
    assert "1 deadlines" in reconcile(stage.tenancy)


def test_a_deadline_is_no_word_of_a_person(stage: Stage, created: RunId):
    """Else giving up a run that ended without a callback would wait for a mark that nobody made."""
    _deadline_passed(stage, created)
    with stage.tenancy.ledger.open("test") as ledger:
        assert not pokes.has_poke(ledger, created)


def _deadline_passed(stage: Stage, run_id: RunId) -> None:
    with stage.tenancy.ledger.open("triggerer") as ledger:
        pokes.record_poke(ledger, run_id, pokes.DEADLINE_PASSED)


def test_a_deleted_run_is_cancelled_and_undone(stage: Stage, created: RunId):
    stage.run_until(SCHEMA, run_id=created)
    del stage.runs.stored[PROVISIONING_DAG, created]
    assert after(stage) == "1 lost"
    assert stage.envelopes[-1].stamp.reason == f"Airflow has no run {created} any more"
    assert stage.unwind().phase == "Failed settled"
    assert stage.outside == NOTHING


def test_what_the_ledger_does_not_know_any_more_goes_on_once_with_what_exists(stage: Stage, created: RunId):
    stage.run_until(SCHEMA, run_id=created)
    stage.runs.end(PROVISIONING_DAG, created, "success")
    assert after(stage) == "1 resume"
    assert "as after its restore from a backup" in stage.saga.hold_reason
    seen = stage.runs.find(PROVISIONING_DAG, created)
    assert seen is not None
    assert seen.live
    stage.runs.end(PROVISIONING_DAG, created, "success")  # it seems not to have helped
    assert after(stage, 2 * LATER) == "1 missed"


@pytest.mark.parametrize("state", ["failed", "success"])
def test_a_run_that_ended_without_a_word_is_undone(stage: Stage, created: RunId, state: str):
    stage.run_until(SCHEMA, run_id=created)
    stage.runs.end(PROVISIONING_DAG, created, state)
    stage.runs.made_marks[created] = (UserMark("patch_task_instance", "ada", utc_now()),)
    assert after(stage) == "1 missed"
    assert f"Airflow ended the run as {state} before it was done" in stage.saga.failures[-1].message
    assert len(stage.runs.of(COMPENSATION_DAG)) == 1
    assert stage.unwind().phase == "Failed settled"


@pytest.mark.parametrize(
    ("arrange", "sentence"),
    [
        (lambda runs, run_id: runs.paused.add(PROVISIONING_DAG), "is paused: unpause it"),
        (lambda runs, run_id: None, "waits in Airflow's queue"),
        (lambda runs, run_id: setattr(runs, "silent", ("scheduler",)), "scheduler gives no sign of life"),
        (lambda runs, run_id: runs.states.update({run_id: ("deferred",)}), ""),
        (lambda runs, run_id: _silent(runs, run_id, "triggerer"), "triggerer gives no sign of life"),
        (lambda runs, run_id: _silent(runs, run_id, "dag_processor"), ""),
    ],
)
def test_what_holds_a_live_run_is_told_once(stage: Stage, created: RunId, arrange, sentence: str):
    arrange(stage.runs, created)
    after(stage)
    after(stage)
    assert sentence in stage.saga.hold_reason
    assert len(stage.facts(f.RunHeld)) == (1 if sentence else 0)


def test_a_run_that_goes_on_is_held_no_more(stage: Stage, created: RunId):
    after(stage)
    stage.run(ORDER[0], run_id=created)
    assert stage.saga.hold_reason == ""


def test_a_run_marked_failed_by_a_person_is_a_cancel_of_that_person(stage: Stage, created: RunId):
    stage.run_until(SCHEMA, run_id=created)
    mark(stage, created, "ada")
    assert reconcile(stage.tenancy) == "1 pokes"
    assert stage.saga.phase == "Cancelling"
    assert stage.envelopes[-1].stamp == Stamp("ada", reason="mark run failed in Airflow")
    assert len(stage.runs.of(COMPENSATION_DAG)) == 1


def test_our_own_mark_after_a_cancel_is_no_second_cancel(stage: Stage, created: RunId):
    actions.cancel(stage.tenancy, stage.tenant_id, by=BY)
    mark(stage, created, stage.runs.user)
    reconcile(stage.tenancy)
    assert stage.saga.generation == 1


def test_a_mark_on_an_active_tenants_run_is_noted_and_changes_nothing(stage: Stage, created: RunId):
    stage.run_all(run_id=created)
    mark(stage, created, "ada")
    reconcile(stage.tenancy)
    assert stage.saga.phase == "Active"
    assert stage.facts(f.RawActionNoted) == [f.RawActionNoted("mark run failed", created)]


def test_a_mark_on_a_run_of_nobody_is_forgotten(stage: Stage):
    mark(stage, RunId("manual__refused"), "ada")
    assert reconcile(stage.tenancy) == "nothing to do"
    with stage.tenancy.ledger.open("test") as ledger:
        assert pokes.load_pokes(ledger) == []


def test_a_poke_is_kept_while_airflow_does_not_answer(stage: Stage, created: RunId):
    mark(stage, created, "ada")
    stage.runs.away = True
    reconcile(stage.tenancy)
    stage.runs.away = False
    reconcile(stage.tenancy)
    assert stage.saga.phase == "Cancelling"


@pytest.mark.parametrize(("alive", "found"), [(False, "1 pursue"), (True, "nothing to do")])
def test_an_undoing_whose_callback_died_is_taken_over(stage: Stage, created: RunId, alive: bool, found: str):
    """A callback at work holds the tenant's lock; a killed one holds nothing, and need not be waited for."""
    stage.run_until(SCHEMA, run_id=created)
    stage.runs.end(PROVISIONING_DAG, created, "failed")
    stage.ask(c.GiveUp(created, "out of tries"))
    with stage.tenancy.ledger.open(unwinder(1, "callback")) as callback, ExitStack() as holding:
        if alive:
            holding.enter_context(
                callback.hold_lock(stage.tenant_id, patience_seconds=1, may_evict=lambda holder: False)
            )
        assert after(stage, timedelta(seconds=25)) == found
    assert len(stage.runs.of(COMPENSATION_DAG)) == (not alive)


def test_a_callback_that_was_stopped_is_not_waited_for(stage: Stage, created: RunId):
    stage.run_until(SCHEMA, run_id=created)
    stage.ask(c.GiveUp(created, "out of tries"))
    with (
        stage.tenancy.ledger.open(unwinder(1, "callback")) as callback,
        callback.hold_lock(stage.tenant_id, patience_seconds=1, may_evict=lambda holder: False),
    ):
        assert "1 pursue" in after(stage)


def test_a_compensation_run_that_died_is_followed_by_the_next_generation(stage: Stage, created: RunId):
    stage.run_until(SCHEMA, run_id=created)
    actions.cancel(stage.tenancy, stage.tenant_id, by=BY)
    (first,) = stage.runs.of(COMPENSATION_DAG)
    stage.runs.end(COMPENSATION_DAG, first, "failed")
    assert "1 renew" in after(stage)
    assert [run[-1] for run in stage.runs.of(COMPENSATION_DAG)] == ["1", "2"]
    assert stage.unwind().phase == "Failed settled"


def test_a_cancel_recorded_while_airflow_was_away_is_pursued(stage: Stage, created: RunId):
    stage.run_until(SCHEMA, run_id=created)
    stage.runs.away = True
    actions.cancel(stage.tenancy, stage.tenant_id, by=BY)
    stage.runs.away = False
    after(stage)
    seen = stage.runs.find(PROVISIONING_DAG, created)
    assert seen is not None
    assert seen.state == "failed"
    assert len(stage.runs.of(COMPENSATION_DAG)) == 1


def test_a_reset_recorded_while_airflow_was_away_clears_its_history_later(stage: Stage):
    stage.fail_at(SCHEMA)
    stage.give_up(SCHEMA)
    stage.runs.away = True
    assert not actions.reset(stage.tenancy, stage.tenant_id, by=BY).saga.history_cleared
    stage.runs.away = False
    after(stage)
    assert stage.saga.history_cleared
    assert after(stage) == "nothing to do"


def test_one_tenants_trouble_does_not_keep_the_others_waiting(stage: Stage, created: RunId):
    stage.ask(c.Cancel())
    other = actions.create(stage.tenancy, real_systems.request(slug="other"), by=BY).saga.run_id
    stage.runs.broken = created
    del stage.runs.stored[PROVISIONING_DAG, other]
    after(stage)
    assert other in stage.runs.of(PROVISIONING_DAG)


def test_a_person_whose_poke_was_lost_has_cancelled_all_the_same(stage: Stage, created: RunId):
    stage.run_until(SCHEMA, run_id=created)
    stage.runs.end(PROVISIONING_DAG, created, "failed")
    stage.runs.made_marks[created] = (UserMark("patch_dag_run", "ada", utc_now()),)
    after(stage)
    assert stage.saga.phase == "Cancelling"
    assert stage.envelopes[-1].stamp.actor == "ada"


def test_a_mark_from_before_the_present_attempt_is_over(stage: Stage, created: RunId):
    stage.run_until(SCHEMA, run_id=created)
    mark(stage, created, "ada")
    stage.ask(c.Cancel())
    stage.unwind()
    stage.run(ORDER[0], 5, created)  # somebody cleared the whole run
    reconcile(stage.tenancy)
    assert (stage.saga.phase, stage.saga.attempt) == ("Provisioning", 2)


def test_undoing_begins_although_the_run_cannot_be_marked(stage: Stage, created: RunId):
    stage.run_until(SCHEMA, run_id=created)
    stage.runs.broken = created
    answer = actions.cancel(stage.tenancy, stage.tenant_id, by=BY)
    assert "answered 500" in answer.warnings[0]
    assert len(stage.runs.of(COMPENSATION_DAG)) == 1


def test_a_compensation_run_held_by_a_pause_says_so(stage: Stage, created: RunId):
    stage.run_until(SCHEMA, run_id=created)
    actions.cancel(stage.tenancy, stage.tenant_id, by=BY)
    stage.runs.paused.add(COMPENSATION_DAG)
    after(stage)
    assert "The DAG tenant_compensation is paused" in stage.saga.hold_reason
    stage.unwind()
    assert stage.saga.hold_reason == ""
