"""How long the engine tries: a system that is away, until the limit; a compensation that hangs, until it is stuck."""

from datetime import timedelta

import pytest

from tenancy.engine.provisioning.retry_window import TRIES
from tenancy.engine.recovery.unwind import ran_out_of_time
from tenancy.engine.workflow import COMPENSATION_DAG, compensation_run_id
from tenancy.ledger.envelope import Stamp
from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.errors import PermanentError, TransientError
from tenancy.saga.states import StepStatus
from tenancy.saga.unwinding_rules import RENEWALS
from tests.integration.engine_harness import HANDLE, LATER, NO_OBJECTS, SCHEMA, EngineHarness, lease


def test_an_engine_that_restarts_costs_no_tenant_however_many_tries_that_takes(harness: EngineHarness):
    harness.run_until(HANDLE)
    away = 3 * TRIES
    harness.handles.failing = away
    for number in range(1, away + 1):
        with pytest.raises(TransientError):
            harness.run(HANDLE, number)
    assert harness.run(HANDLE, away + 1).step(HANDLE).status is StepStatus.DONE


def test_one_that_is_away_for_longer_than_the_activity_may_take_fails_it(harness: EngineHarness):
    harness.run_until(HANDLE)
    harness.handles.failing = TRIES
    for number in range(1, TRIES):
        with pytest.raises(TransientError):
            harness.run(HANDLE, number)
    with pytest.raises(PermanentError, match=rf"does not respond\. It was tried {TRIES} times in 6\.0 minutes"):
        harness.run_once(HANDLE, TRIES, late=timedelta(minutes=6))
    # The last try got no answer, as those before it: settling waits for a request of it that may be under way.
    assert not any(failed.permanent for failed in harness.facts(f.ActivityFailed))
    after_callback = harness.give_up(HANDLE, TRIES)
    assert after_callback is not None
    assert after_callback.phase == "Failed settled"
    assert harness.external_objects == NO_OBJECTS


def test_the_time_that_the_platform_cost_is_not_the_activitys(harness: EngineHarness):
    harness.run_until(HANDLE)
    harness.handles.failing = TRIES
    for number in range(1, TRIES):
        with pytest.raises(TransientError):
            harness.run(HANDLE, number)
    harness.record_commands(c.RecordHold("The login was refused.", platform=True))
    with pytest.raises(TransientError):
        harness.run_once(HANDLE, TRIES, late=timedelta(hours=6))
    assert harness.run(HANDLE, TRIES + 1).step(HANDLE).status is StepStatus.DONE


def test_an_activity_whose_processes_die_one_after_the_other_is_given_up(harness: EngineHarness):
    harness.run_until(SCHEMA)
    for number in range(1, TRIES + 1):  # each begins, and nothing is heard of it again
        harness.record_commands(c.BeginActivity(lease(SCHEMA, number), number))
    with pytest.raises(PermanentError, match=f"process ended {TRIES} times without an error message"):
        harness.run(SCHEMA, TRIES + 1)


def test_a_compensation_whose_last_try_runs_out_of_time_is_stuck(harness: EngineHarness):
    harness.fail_at(SCHEMA)
    harness.record_commands(c.Cancel())
    stuck = ran_out_of_time(harness.tenancy, harness.tenant_id, harness.saga.generation, stamp=Stamp("saga"))
    assert stuck.phase == "Failed stuck"
    (exhausted,) = harness.facts(f.UnwindingExhausted)
    assert "did not end within its time limit" in exhausted.why
    harness.record_commands(c.Cancel())
    assert harness.unwind().phase == "Failed settled"


def test_compensation_runs_that_end_without_an_outcome_and_release_nothing_are_stuck(harness: EngineHarness):
    harness.fail_at(SCHEMA)
    harness.record_commands(c.Cancel())
    harness.reconcile_later()
    for number in range(RENEWALS + 1):
        assert harness.saga.phase == "Cancelling"
        harness.runs.end(COMPENSATION_DAG, compensation_run_id(harness.saga), "failed")
        harness.reconcile_later((number + 2) * LATER)
    assert harness.saga.phase == "Failed stuck"
    (exhausted,) = harness.facts(f.UnwindingExhausted)
    assert f"{RENEWALS + 1} compensation runs ended" in exhausted.why
