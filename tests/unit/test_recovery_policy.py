"""What Recover decides: the runbook as a table, and that it cancels only what does not go on by itself."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenancy.engine.recovery.recovery_history import RecoveryHistory
from tenancy.engine.recovery.recovery_policy import (
    CANCELS,
    QUIET,
    RecoveryStep,
    StepKind,
    TenantCondition,
    is_recoverable,
    is_repeated,
    next_step,
    remaining_actions,
)
from tenancy.saga.errors import Refused
from tenancy.saga.names import ActivityName
from tenancy.saga.states import Phase
from tenancy.saga.tenant import Failure, Saga
from tests.unit.sagas import DEPLOY, HANDLE, PHASES, STORAGE, tenant_in

NOW = datetime(2026, 2, 1, 3, 0, tzinfo=UTC)
STALLED = TenantCondition(stalled=True)
DOWN = "The storage of eu is down: no answer."


def began(phase: str = "Provisioning", **since: object) -> RecoveryHistory:
    return replace(RecoveryHistory(Phase(phase), attempt=1, progressed_at=NOW), **since)  # type: ignore[arg-type]


def step_of(
    phase: str,
    condition: TenantCondition | None = None,
    history: RecoveryHistory | None = None,
    attempt: int = 1,
    **changes: object,
) -> RecoveryStep:
    saga = tenant_in(phase)
    saga = replace(saga, current_attempt=replace(saga.current_attempt, number=attempt), **changes)  # type: ignore[arg-type]
    return next_step(saga, history or began(phase), condition or TenantCondition(), NOW)


def word(step: RecoveryStep) -> str:
    return step.action or step.kind


@pytest.mark.parametrize(
    ("phase", "condition", "past_no_return", "expected"),
    [
        ("Provisioning", TenantCondition(), False, "wait"),
        ("Provisioning", TenantCondition(), True, "wait"),
        ("Provisioning", STALLED, False, "cancel"),
        ("Provisioning", STALLED, True, "stop"),
        ("Provisioning", TenantCondition(stalled=True, fault=DOWN), False, "wait"),
        ("Provisioning", TenantCondition(stalled=True, fault=DOWN), True, "wait"),
        ("Provisioning", TenantCondition(fault=DOWN), False, "wait"),
        ("Provisioning", TenantCondition(stalled=True, just_began=True), False, "wait"),
        ("Provisioning", TenantCondition(stalled=True, escalate_first="Escalate."), False, "stop"),
        ("Provisioning", TenantCondition(escalate_first="Escalate."), False, "wait"),
        ("Cancelling", STALLED, False, "wait"),
        ("Failed unwinding", STALLED, False, "wait"),
        ("Failed stuck", STALLED, False, "cancel"),
        ("Failed stuck", TenantCondition(stalled=True, fault=DOWN), False, "wait"),
        ("Failed settled", TenantCondition(), False, "reset"),
        ("Failed settled", TenantCondition(fault=DOWN), False, "reset"),
        ("Failed retained", TenantCondition(), True, "reset"),
        ("Failed ready", TenantCondition(), False, "retry"),
        ("Failed ready", TenantCondition(), True, "retry"),
        ("Failed ready", TenantCondition(fault=DOWN), False, "wait"),
        ("Active", TenantCondition(), True, "done"),
    ],
)
def test_the_step_of_each_state(phase: str, condition: TenantCondition, past_no_return: bool, expected: str) -> None:
    step = step_of(phase, condition, past_no_return=past_no_return)
    assert word(step) == expected
    assert step.why
    assert (step.retry_after_seconds is None) == (step.kind in {StepKind.DONE, StepKind.STOP})


@pytest.mark.parametrize("phase", ["Decommissioning", "Decommissioned"])
def test_a_tenant_that_is_to_go_is_refused(phase: str) -> None:
    with pytest.raises(Refused, match="nothing to recover"):
        step_of(phase)
    assert not is_recoverable(tenant_in(phase))


def test_an_attempt_that_goes_on_is_named_and_said_to_be_left_alone() -> None:
    why = step_of("Provisioning").why
    assert why == "Attempt 1 runs: Allocate workflow handle; it is not stalled, so nothing is cancelled."


def test_a_stop_past_the_point_of_no_return_says_how_to_keep_everything() -> None:
    why = step_of("Provisioning", STALLED, past_no_return=True).why
    assert "Mark its running task failed in Airflow" in why


def test_what_became_active_meanwhile_is_told_from_what_was_active_before() -> None:
    assert step_of("Active", history=began("Provisioning")).why == "acme is Active: attempt 1 succeeded."
    assert step_of("Active", history=began("Active")).why == "acme is Active: there is nothing to recover."


@pytest.mark.parametrize("phase", ["Cancelling", "Failed unwinding"])
def test_an_unwinding_that_does_not_move_for_two_minutes_is_cancelled_again_three_times_at_most(phase: str) -> None:
    def quiet(since: timedelta, cancels: int = 0) -> str:
        return word(step_of(phase, history=began(phase, progressed_at=NOW - since, cancels=cancels)))

    assert quiet(QUIET - timedelta(seconds=1)) == "wait"
    assert quiet(QUIET, CANCELS - 1) == "cancel"
    assert quiet(QUIET, CANCELS) == "stop"


@pytest.mark.parametrize("phase", ["Cancelling", "Failed unwinding"])
def test_an_unwinding_that_the_platform_holds_is_not_cancelled_again(phase: str) -> None:
    still = began(phase, progressed_at=NOW - 10 * QUIET)
    assert word(step_of(phase, TenantCondition(stalled=True, fault=DOWN), still)) == "wait"


def test_what_is_stuck_again_after_a_cancel_is_for_a_person_and_names_what_is_left() -> None:
    step = step_of("Failed stuck", history=began("Failed stuck", stuck_was_cancelled=True))
    assert step.kind is StepKind.STOP
    assert "stuck again; left: role acme_1" in step.why


@pytest.mark.parametrize("phase", [phase for phase in PHASES if is_recoverable(tenant_in(phase))])
def test_it_stops_when_somebody_else_has_acted(phase: str) -> None:
    step = step_of(phase, STALLED, began(phase, intervention="ada reset it at 03:00:00 UTC"))
    assert step.kind is StepKind.STOP
    assert step.why.startswith("ada reset it at 03:00:00 UTC")


def after(failed: Failure, before: Failure | None) -> RecoveryStep:
    """The step after this failure, which happened during the recovery."""
    history = began(failures=(failed,), previous_end=before)
    return step_of("Failed settled", history=history, attempt=failed.attempt, failures=(failed,))


@pytest.mark.parametrize(
    ("failed", "before", "expected"),
    [
        (Failure(1, STORAGE, "refused"), None, "reset"),
        (Failure(2, STORAGE, "refused after 31 s"), Failure(1, STORAGE, "refused after 30 s"), "stop"),
        (Failure(2, STORAGE, "timed out"), Failure(1, STORAGE, ""), "stop"),
        (Failure(2, STORAGE, "no quota"), Failure(1, STORAGE, "refused"), "reset"),
        (Failure(2, DEPLOY, "refused"), Failure(1, STORAGE, "refused"), "reset"),
        (Failure(3, DEPLOY, "another"), Failure(2, STORAGE, "refused"), "stop"),
    ],
)
def test_it_stops_after_the_same_error_again_and_after_the_third_attempt(
    failed: Failure, before: Failure | None, expected: str
) -> None:
    assert word(after(failed, before)) == expected


def test_failures_before_the_recovery_do_not_stop_it_for_the_cause_may_be_mended() -> None:
    failed = (Failure(1, STORAGE, "refused"), Failure(2, STORAGE, "refused"))
    history = began("Failed settled", previous_end=failed[0])
    assert word(step_of("Failed settled", history=history, attempt=2, failures=failed)) == "reset"


@pytest.mark.parametrize(
    ("attempt", "before", "expected"),
    [
        (2, Failure(1, HANDLE, ""), "stop"),
        (2, Failure(1, HANDLE, "refused"), "stop"),
        (2, Failure(1, STORAGE, "refused"), "cancel"),
        (3, Failure(2, STORAGE, "refused"), "stop"),
    ],
)
def test_a_retry_that_stalls_where_the_attempt_before_ended_is_not_repeated(
    attempt: int, before: Failure, expected: str
) -> None:
    assert word(step_of("Provisioning", STALLED, began(previous_end=before), attempt=attempt)) == expected


@pytest.mark.parametrize(
    ("phase", "condition", "expected"),
    [
        ("Provisioning", TenantCondition(), ()),
        ("Provisioning", STALLED, ("cancel", "reset", "retry")),
        ("Failed stuck", TenantCondition(), ("cancel", "reset", "retry")),
        ("Cancelling", TenantCondition(), ("reset", "retry")),
        ("Failed retained", TenantCondition(), ("reset", "retry")),
        ("Failed ready", TenantCondition(), ("retry",)),
        ("Active", TenantCondition(), ()),
    ],
)
def test_the_actions_that_remain(phase: str, condition: TenantCondition, expected: tuple[str, ...]) -> None:
    assert remaining_actions(tenant_in(phase), step_of(phase, condition)) == expected


CONDITIONS = st.builds(
    TenantCondition,
    stalled=st.booleans(),
    fault=st.sampled_from(["", DOWN]),
    just_began=st.booleans(),
    escalate_first=st.sampled_from(["", "Escalate."]),
)
FAILURES = st.builds(
    Failure, st.integers(1, 4), st.sampled_from([STORAGE, HANDLE, DEPLOY]), st.sampled_from(["", "no", "late"])
)
HISTORIES = st.builds(
    RecoveryHistory,
    began_in=st.sampled_from(Phase),
    attempt=st.integers(1, 4),
    cancels=st.integers(0, 4),
    stuck_was_cancelled=st.booleans(),
    failures=st.lists(FAILURES, max_size=2).map(tuple),
    previous_end=st.none() | FAILURES,
    intervention=st.sampled_from(["", "ada reset it"]),
    progressed_at=st.none() | st.integers(0, 600).map(lambda seconds: NOW - timedelta(seconds=seconds)),
)
SAGAS = st.builds(
    lambda phase, attempt, past, failures: replace(
        tenant_in(phase),
        current_attempt=replace(tenant_in(phase).current_attempt, number=attempt),
        past_no_return=past,
        failures=tuple(failures),
    ),
    st.sampled_from([phase for phase in PHASES if not phase.startswith("Decommission")]),
    st.integers(1, 4),
    st.booleans(),
    st.lists(FAILURES, max_size=2),
)


@given(SAGAS, HISTORIES, CONDITIONS)
def test_it_never_cancels_a_tenant_that_is_not_stalled_stuck_or_failed(
    saga: Saga, history: RecoveryHistory, condition: TenantCondition
) -> None:
    step = next_step(saga, history, condition, NOW)
    if step.action != "cancel":
        return
    assert not condition.fault, "what a faulty platform holds is left alone"
    assert saga.state.value in {"Provisioning", "Cancelling", "Failed"}
    if saga.phase is Phase.PROVISIONING:
        assert condition.stalled
        assert not saga.past_no_return
    elif saga.phase is not Phase.FAILED_STUCK:
        assert history.progressed_at is not None
        assert NOW - history.progressed_at >= QUIET


@given(st.lists(st.tuples(st.sampled_from([STORAGE, DEPLOY]), st.sampled_from(["no", "late", "7 left"])), max_size=9))
def test_it_retries_at_most_twice_however_the_attempts_fail(ends: list[tuple[ActivityName, str]]) -> None:
    failures: tuple[Failure, ...] = ()
    for number, (activity, message) in enumerate(ends, 1):
        failures = (*failures, Failure(number, activity, message))
        before = failures[-2] if number > 1 else None
        history = began(failures=failures, previous_end=before)
        step = step_of("Failed settled", history=history, attempt=number, failures=failures)
        if step.kind is StepKind.STOP:
            break
        assert number < 3


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("3 pods of acme-0123456789 are late", "2 pods of acme-abcdef0123 are late", True),
        ("database acme_0123 exists", "role acme_0123 exists", False),
        ("anything", "", True),
    ],
)
def test_errors_are_the_same_when_only_numbers_differ(one: str, other: str, alike: bool) -> None:
    assert is_repeated(Failure(2, STORAGE, one), Failure(1, STORAGE, other)) is alike
    assert not is_repeated(Failure(2, STORAGE, one), Failure(1, DEPLOY, other))
