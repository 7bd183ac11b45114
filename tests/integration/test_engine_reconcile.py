"""The reconciler: whatever callbacks and actions missed is found and finished, for each tenant by itself."""

from contextlib import ExitStack
from datetime import timedelta

import pytest

from tenancy.adapters.airflow_runs import UserMark
from tenancy.engine.actions import actions
from tenancy.engine.reconciliation.reconcile import reconcile
from tenancy.engine.tenancy import unwinder_name
from tenancy.engine.workflow import COMPENSATION_DAG
from tenancy.ledger import heartbeats, pokes
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import utc_now
from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.names import RunId
from tenancy.saga.product import PROVISIONING_DAG
from tests import real_systems
from tests.contract.fake_runs import FakeRuns
from tests.integration.engine_harness import LATER, NO_OBJECTS, ORDER, SCHEMA, EngineHarness

BY = Stamp("grace", reason="INC-7")


@pytest.fixture
def created(harness: EngineHarness) -> RunId:
    return actions.create(harness.tenancy, real_systems.request(), by=BY).saga.run_id


def _silent(runs: FakeRuns, run_id: RunId, part: str) -> None:
    """It waits for its pods, and a part of Airflow is away."""
    runs.silent = (part,)
    runs.states[run_id] = ("deferred",)


def mark(harness: EngineHarness, run_id: RunId, user: str) -> None:
    """Somebody marks the run failed in Airflow: its event log and our listener tell of it."""
    harness.runs.end(PROVISIONING_DAG, run_id, "failed")
    with harness.tenancy.ledger.open("listener") as ledger:
        pokes.record_poke(ledger, run_id, "mark run failed")
    harness.runs.made_marks[run_id] = (UserMark("patch_dag_run", user, utc_now()),)


def test_a_pass_without_work_says_so_and_leaves_its_beat(harness: EngineHarness):
    assert reconcile(harness.tenancy) == "nothing to do"
    with harness.tenancy.ledger.open("test") as ledger:
        (beat,) = heartbeats.load_heartbeats(ledger)
    assert (beat.name, beat.summary) == ("reconciliation", "nothing to do")


def test_a_run_that_could_not_be_triggered_is_triggered_when_airflow_is_back(harness: EngineHarness):
    harness.runs.away = True
    run_id = actions.create(harness.tenancy, real_systems.request(), by=BY).saga.run_id
    assert "put off" in harness.reconcile_later()
    harness.runs.away = False
    assert harness.reconcile_later() == "1 pursue"
    assert harness.runs.of(PROVISIONING_DAG) == [run_id]


def test_a_run_over_its_deadline_is_checked_however_recent_its_last_fact(harness: EngineHarness, created: RunId):
    harness.run_until(SCHEMA, run_id=created)
    harness.runs.silent = ("scheduler",)
    _deadline_passed(harness, created)
    assert "1 deadlines" in reconcile(harness.tenancy)
    assert "scheduler" in harness.saga.hold.reason
    assert "deadlines" not in reconcile(harness.tenancy)


def test_a_deadline_means_nothing_to_a_tenant_that_got_through_or_is_none(harness: EngineHarness, created: RunId):
    harness.run_all(run_id=created)
    before = harness.saga
    for run_id in (created, RunId("of another DAG")):
        _deadline_passed(harness, run_id)
    assert reconcile(harness.tenancy) == "nothing to do"
    assert harness.saga == before


def test_a_deadline_is_checked_again_when_airflow_did_not_respond(harness: EngineHarness, created: RunId):
    harness.run_until(SCHEMA, run_id=created)
    _deadline_passed(harness, created)
    harness.runs.away = True
    assert "deadlines" not in reconcile(harness.tenancy)
    harness.runs.away = False
    assert "1 deadlines" in reconcile(harness.tenancy)


def test_a_deadline_does_not_count_as_a_persons_command(harness: EngineHarness, created: RunId):
    """Else giving up a run that ended without a callback would wait for a mark that nobody made."""
    _deadline_passed(harness, created)
    with harness.tenancy.ledger.open("test") as ledger:
        assert not pokes.has_poke(ledger, created)


def _deadline_passed(harness: EngineHarness, run_id: RunId) -> None:
    with harness.tenancy.ledger.open("triggerer") as ledger:
        pokes.record_poke(ledger, run_id, pokes.DEADLINE_PASSED)


def test_a_deleted_run_is_cancelled_and_undone(harness: EngineHarness, created: RunId):
    harness.run_until(SCHEMA, run_id=created)
    del harness.runs.stored[PROVISIONING_DAG, created]
    assert harness.reconcile_later() == "1 lost"
    assert harness.envelopes[-1].stamp.reason == f"Airflow has no run {created} any more"
    assert harness.unwind().phase == "Failed settled"
    assert harness.external_objects == NO_OBJECTS


def test_what_the_ledger_does_not_know_any_more_continues_once_with_what_exists(harness: EngineHarness, created: RunId):
    harness.run_until(SCHEMA, run_id=created)
    harness.runs.end(PROVISIONING_DAG, created, "success")
    assert harness.reconcile_later() == "1 resume"
    assert "may have been restored from a backup" in harness.saga.hold.reason
    run = harness.runs.find(PROVISIONING_DAG, created)
    assert run is not None
    assert run.is_live
    harness.runs.end(PROVISIONING_DAG, created, "success")  # it seems not to have helped
    assert harness.reconcile_later(2 * LATER) == "1 missed"


@pytest.mark.parametrize("state", ["failed", "success"])
def test_a_run_that_ended_without_an_outcome_is_undone(harness: EngineHarness, created: RunId, state: str):
    harness.run_until(SCHEMA, run_id=created)
    harness.runs.end(PROVISIONING_DAG, created, state)
    harness.runs.made_marks[created] = (UserMark("patch_task_instance", "ada", utc_now()),)
    assert harness.reconcile_later() == "1 missed"
    assert f"Airflow ended the run as {state} before it was done" in harness.saga.failures[-1].message
    assert len(harness.runs.of(COMPENSATION_DAG)) == 1
    assert harness.unwind().phase == "Failed settled"


@pytest.mark.parametrize(
    ("arrange", "sentence"),
    [
        (lambda runs, run_id: runs.paused.add(PROVISIONING_DAG), "The DAG tenant_provisioning is paused."),
        (lambda runs, run_id: None, "waits in Airflow's queue"),
        (lambda runs, run_id: setattr(runs, "silent", ("scheduler",)), "scheduler sends no heartbeat"),
        (lambda runs, run_id: runs.states.update({run_id: ("deferred",)}), ""),
        (lambda runs, run_id: _silent(runs, run_id, "triggerer"), "triggerer sends no heartbeat"),
        (lambda runs, run_id: _silent(runs, run_id, "dag_processor"), ""),
    ],
)
def test_what_holds_a_live_run_is_reported_once(harness: EngineHarness, created: RunId, arrange, sentence: str):
    arrange(harness.runs, created)
    harness.reconcile_later()
    harness.reconcile_later()
    assert sentence in harness.saga.hold.reason
    assert len(harness.facts(f.RunHeld)) == (1 if sentence else 0)


def test_a_run_that_continues_is_no_longer_held(harness: EngineHarness, created: RunId):
    harness.reconcile_later()
    harness.run(ORDER[0], run_id=created)
    assert harness.saga.hold.reason == ""


def test_a_run_marked_failed_by_a_person_is_a_cancel_of_that_person(harness: EngineHarness, created: RunId):
    harness.run_until(SCHEMA, run_id=created)
    mark(harness, created, "ada")
    assert reconcile(harness.tenancy) == "1 pokes"
    assert harness.saga.phase == "Cancelling"
    assert harness.envelopes[-1].stamp == Stamp("ada", reason="mark run failed in Airflow")
    assert len(harness.runs.of(COMPENSATION_DAG)) == 1


def test_our_own_mark_after_a_cancel_is_no_second_cancel(harness: EngineHarness, created: RunId):
    actions.cancel(harness.tenancy, harness.tenant_id, by=BY)
    mark(harness, created, harness.runs.user)
    reconcile(harness.tenancy)
    assert harness.saga.generation == 1


def test_a_mark_on_an_active_tenants_run_is_noted_and_changes_nothing(harness: EngineHarness, created: RunId):
    harness.run_all(run_id=created)
    mark(harness, created, "ada")
    reconcile(harness.tenancy)
    assert harness.saga.phase == "Active"
    assert harness.facts(f.RawActionNoted) == [f.RawActionNoted("mark run failed", created)]


def test_a_mark_on_a_run_of_nobody_is_forgotten(harness: EngineHarness):
    mark(harness, RunId("manual__refused"), "ada")
    assert reconcile(harness.tenancy) == "nothing to do"
    with harness.tenancy.ledger.open("test") as ledger:
        assert pokes.load_pokes(ledger) == []


def test_a_poke_is_kept_while_airflow_does_not_answer(harness: EngineHarness, created: RunId):
    mark(harness, created, "ada")
    harness.runs.away = True
    reconcile(harness.tenancy)
    harness.runs.away = False
    reconcile(harness.tenancy)
    assert harness.saga.phase == "Cancelling"


@pytest.mark.parametrize(("alive", "found"), [(False, "1 pursue"), (True, "nothing to do")])
def test_an_unwinding_whose_callback_died_is_taken_over(
    harness: EngineHarness, created: RunId, alive: bool, found: str
):
    """A callback at work holds the tenant's lock; a killed one holds nothing, and need not be waited for."""
    harness.run_until(SCHEMA, run_id=created)
    harness.runs.end(PROVISIONING_DAG, created, "failed")
    harness.record_commands(c.GiveUp(created, "out of tries"))
    with harness.tenancy.ledger.open(unwinder_name(1, "callback")) as callback, ExitStack() as holding:
        if alive:
            holding.enter_context(
                callback.hold_lock(harness.tenant_id, patience_seconds=1, may_evict=lambda holder: False)
            )
        assert harness.reconcile_later(timedelta(seconds=25)) == found
    assert len(harness.runs.of(COMPENSATION_DAG)) == (not alive)


def test_a_callback_that_was_stopped_is_not_waited_for(harness: EngineHarness, created: RunId):
    harness.run_until(SCHEMA, run_id=created)
    harness.record_commands(c.GiveUp(created, "out of tries"))
    with (
        harness.tenancy.ledger.open(unwinder_name(1, "callback")) as callback,
        callback.hold_lock(harness.tenant_id, patience_seconds=1, may_evict=lambda holder: False),
    ):
        assert "1 pursue" in harness.reconcile_later()


def test_a_compensation_run_that_died_is_followed_by_the_next_generation(harness: EngineHarness, created: RunId):
    harness.run_until(SCHEMA, run_id=created)
    actions.cancel(harness.tenancy, harness.tenant_id, by=BY)
    (first,) = harness.runs.of(COMPENSATION_DAG)
    harness.runs.end(COMPENSATION_DAG, first, "failed")
    assert "1 renew" in harness.reconcile_later()
    assert [run[-1] for run in harness.runs.of(COMPENSATION_DAG)] == ["1", "2"]
    assert harness.unwind().phase == "Failed settled"


def test_a_cancel_recorded_while_airflow_was_away_is_pursued(harness: EngineHarness, created: RunId):
    harness.run_until(SCHEMA, run_id=created)
    harness.runs.away = True
    actions.cancel(harness.tenancy, harness.tenant_id, by=BY)
    harness.runs.away = False
    harness.reconcile_later()
    run = harness.runs.find(PROVISIONING_DAG, created)
    assert run is not None
    assert run.state == "failed"
    assert len(harness.runs.of(COMPENSATION_DAG)) == 1


def test_a_reset_recorded_while_airflow_was_away_clears_its_history_later(harness: EngineHarness):
    harness.fail_at(SCHEMA)
    harness.give_up(SCHEMA)
    harness.runs.away = True
    assert not actions.reset(harness.tenancy, harness.tenant_id, by=BY).saga.current_attempt.history_cleared
    harness.runs.away = False
    harness.reconcile_later()
    assert harness.saga.current_attempt.history_cleared
    assert harness.reconcile_later() == "nothing to do"


def test_one_tenants_problem_does_not_delay_the_others(harness: EngineHarness, created: RunId):
    harness.record_commands(c.Cancel())
    other = actions.create(harness.tenancy, real_systems.request(slug="other"), by=BY).saga.run_id
    harness.runs.broken = created
    del harness.runs.stored[PROVISIONING_DAG, other]
    harness.reconcile_later()
    assert other in harness.runs.of(PROVISIONING_DAG)


def test_a_person_whose_poke_was_lost_has_cancelled_all_the_same(harness: EngineHarness, created: RunId):
    harness.run_until(SCHEMA, run_id=created)
    harness.runs.end(PROVISIONING_DAG, created, "failed")
    harness.runs.made_marks[created] = (UserMark("patch_dag_run", "ada", utc_now()),)
    harness.reconcile_later()
    assert harness.saga.phase == "Cancelling"
    assert harness.envelopes[-1].stamp.actor == "ada"


def test_a_mark_from_before_the_present_attempt_is_over(harness: EngineHarness, created: RunId):
    harness.run_until(SCHEMA, run_id=created)
    mark(harness, created, "ada")
    harness.record_commands(c.Cancel())
    harness.unwind()
    harness.clear_number = 1
    harness.run(ORDER[0], 5, created)
    reconcile(harness.tenancy)
    assert (harness.saga.phase, harness.saga.attempt) == ("Provisioning", 2)


def test_undoing_begins_although_the_run_cannot_be_marked(harness: EngineHarness, created: RunId):
    harness.run_until(SCHEMA, run_id=created)
    harness.runs.broken = created
    answer = actions.cancel(harness.tenancy, harness.tenant_id, by=BY)
    assert "answered 500" in answer.warnings[0]
    assert len(harness.runs.of(COMPENSATION_DAG)) == 1


def test_a_compensation_run_held_by_a_pause_says_so(harness: EngineHarness, created: RunId):
    harness.run_until(SCHEMA, run_id=created)
    actions.cancel(harness.tenancy, harness.tenant_id, by=BY)
    harness.runs.paused.add(COMPENSATION_DAG)
    harness.reconcile_later()
    assert "The DAG tenant_compensation is paused" in harness.saga.hold.reason
    harness.unwind()
    assert harness.saga.hold.reason == ""
