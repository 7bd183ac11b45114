"""What the reconciler does about a silent tenant, for every state and everything Airflow may say of its runs."""

import pytest

from tenancy.adapters.airflow_runs import RunStatus
from tenancy.engine.reconciliation.overdue import (
    CALLBACK_SECONDS,
    RUN_GRACE_SECONDS,
    Correction,
    RunObservation,
    next_correction,
)
from tenancy.saga import commands as c
from tests.unit.sagas import RUN, ask, start, tenant_in

QUEUED, RUNNING, FAILED, SUCCESS = map(RunStatus, ("queued", "running", "failed", "success"))
LONG = 1_000.0


def test_a_run_that_never_started_is_started_under_its_recorded_id() -> None:
    assert next_correction(ask(None, start()), RunObservation(None), LONG) is Correction.PURSUE


def test_a_run_that_vanished_under_way_is_a_lost_one() -> None:
    assert next_correction(tenant_in("Provisioning"), RunObservation(None), LONG) is Correction.LOST


@pytest.mark.parametrize("run", [FAILED, SUCCESS])
def test_a_run_that_ended_without_an_outcome_is_given_up(run: RunStatus) -> None:
    ended = RunObservation(run, ended_seconds=RUN_GRACE_SECONDS + 1, marked=run is SUCCESS)
    assert next_correction(tenant_in("Provisioning"), ended, LONG) is Correction.MISSED


def test_a_run_that_succeeded_by_itself_continues_with_what_it_created() -> None:
    ended = RunObservation(SUCCESS, ended_seconds=RUN_GRACE_SECONDS + 1)
    assert next_correction(tenant_in("Provisioning"), ended, LONG) is Correction.RESUME


def test_a_run_that_was_cleared_in_vain_is_given_up():
    resumed = ask(tenant_in("Provisioning"), c.ResumeAttempt(RUN, "the ledger is older"))
    ended = RunObservation(SUCCESS, ended_seconds=RUN_GRACE_SECONDS + 1, rerun=True)
    assert next_correction(resumed, ended, LONG) is Correction.MISSED


def test_a_resumption_whose_clear_was_lost_is_finished():
    resumed = ask(tenant_in("Provisioning"), c.ResumeAttempt(RUN, "the ledger is older"))
    assert (
        next_correction(resumed, RunObservation(SUCCESS, ended_seconds=RUN_GRACE_SECONDS + 1), LONG)
        is Correction.RESUME
    )


def test_a_ledger_restored_once_more_is_resumed_once_more():
    """Airflow remembers our clear of the first time; the restored ledger does not."""
    ended = RunObservation(SUCCESS, ended_seconds=RUN_GRACE_SECONDS + 1, rerun=True)
    assert next_correction(tenant_in("Provisioning"), ended, LONG) is Correction.RESUME


@pytest.mark.parametrize("run", [FAILED, SUCCESS])
def test_a_run_that_ended_because_of_the_platform_is_continued(run: RunStatus) -> None:
    saga = ask(tenant_in("Provisioning"), c.RecordHold("the login was refused", platform=True))
    ended = RunObservation(run, ended_seconds=RUN_GRACE_SECONDS + 1)
    assert next_correction(saga, ended, LONG) is Correction.TRY_AGAIN


@pytest.mark.parametrize("run", [FAILED, SUCCESS])
def test_a_run_that_has_just_ended_is_left_to_its_callbacks(run: RunStatus) -> None:
    assert next_correction(tenant_in("Provisioning"), RunObservation(run, ended_seconds=1), LONG) is Correction.NOTHING


@pytest.mark.parametrize("run", [QUEUED, RUNNING])
def test_a_live_run_is_checked_for_what_holds_it(run: RunStatus) -> None:
    assert next_correction(tenant_in("Provisioning"), RunObservation(run), LONG) is Correction.LOOK


@pytest.mark.parametrize("phase", ["Cancelling", "Decommissioning"])
def test_a_wish_without_a_compensation_run_gets_one(phase: str) -> None:
    assert next_correction(tenant_in(phase), RunObservation(FAILED), 0) is Correction.PURSUE


def test_a_failure_is_left_to_the_callback_that_undoes_it() -> None:
    saga, at_it = tenant_in("Failed unwinding"), RunObservation(FAILED, undoing=True)
    assert next_correction(saga, at_it, CALLBACK_SECONDS - 1) is Correction.NOTHING
    assert next_correction(saga, at_it, CALLBACK_SECONDS + 1) is Correction.PURSUE


def test_a_failure_that_nobody_undoes_is_pursued() -> None:
    assert next_correction(tenant_in("Failed unwinding"), RunObservation(FAILED), 0) is Correction.PURSUE


@pytest.mark.parametrize("phase", ["Cancelling", "Failed unwinding", "Decommissioning"])
def test_a_running_compensation_run_is_left_alone(phase: str) -> None:
    assert next_correction(tenant_in(phase), RunObservation(FAILED, RUNNING), LONG) is Correction.NOTHING


@pytest.mark.parametrize("phase", ["Cancelling", "Failed unwinding", "Decommissioning"])
def test_a_compensation_run_that_waits_in_the_queue_is_checked_for_what_holds_it(phase: str) -> None:
    saga = tenant_in(phase)
    assert next_correction(saga, RunObservation(FAILED, QUEUED), LONG) is Correction.LOOK
    held = ask(saga, c.RecordHold("the DAG is paused"))
    assert next_correction(held, RunObservation(FAILED, RUNNING), LONG) is Correction.LOOK


@pytest.mark.parametrize("phase", ["Cancelling", "Failed unwinding", "Decommissioning"])
@pytest.mark.parametrize("ended", [FAILED, SUCCESS])
def test_a_compensation_run_that_ended_early_is_followed_by_the_next_generation(phase: str, ended: RunStatus) -> None:
    assert next_correction(tenant_in(phase), RunObservation(FAILED, ended), RUN_GRACE_SECONDS + 1) is Correction.RENEW
    assert next_correction(tenant_in(phase), RunObservation(FAILED, ended), RUN_GRACE_SECONDS - 1) is Correction.NOTHING


def test_a_decommission_that_ran_out_of_tries_is_for_a_person() -> None:
    saga = ask(tenant_in("Decommissioning"), c.ExhaustUnwinding(1))
    assert next_correction(saga, RunObservation(None, SUCCESS), LONG) is Correction.NOTHING


def test_a_reset_whose_history_is_not_cleared_is_finished() -> None:
    ready = tenant_in("Failed ready")
    assert next_correction(ready, RunObservation(FAILED), LONG) is Correction.PURSUE
    cleared = ask(ready, c.RecordHistoryCleared())
    assert next_correction(cleared, RunObservation(FAILED), LONG) is Correction.NOTHING


@pytest.mark.parametrize("phase", ["Failed settled", "Failed retained", "Failed stuck", "Active", "Decommissioned"])
def test_a_tenant_at_rest_is_left_alone(phase: str) -> None:
    assert next_correction(tenant_in(phase), RunObservation(None), LONG) is Correction.NOTHING
