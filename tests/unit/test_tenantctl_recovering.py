"""What `recover` decides: the runbook as a table, and that it never loops."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenancy.saga import retry_loops
from tenancy.saga.names import ActivityName
from tenancy.saga.tenant import Failure as SagaFailure
from tenantctl.exit_codes import ExitCode
from tenantctl.recovery_policy import RecoveryHistory, Step, Stop, TakeAction, Wait, is_same_failure, next_step
from tenantctl.tenant import Failure, Tenant
from tests.unit.sagas import tenant_in

STORAGE = "allocate_storage"
WORKLOADS = "deploy_workloads"


def tenant(phase: str, *, attempt: int = 1, failures: tuple[Failure, ...] = (), **more: Any) -> Tenant:
    facts: dict[str, Any] = {"activity": WORKLOADS, "activity_label": "Deploy tenant workloads", **more}
    return Tenant(id="1", slug="acme", phase=phase, attempt=attempt, failures=failures, **facts)


def begun(seen: Tenant) -> RecoveryHistory:
    return RecoveryHistory.start(seen)


def word(step: Step) -> str:
    return step.action if isinstance(step, TakeAction) else type(step).__name__.lower()


@pytest.mark.parametrize(
    ("phase", "step"),
    [
        ("Provisioning", "wait"),
        ("Cancelling", "wait"),
        ("Failed unwinding", "wait"),
        ("Failed settled", "reset"),
        ("Failed retained", "reset"),
        ("Failed stuck", "cancel"),
        ("Failed ready", "retry"),
        ("Active", "stop"),
        ("Decommissioning", "stop"),
        ("Decommissioned", "stop"),
        ("Something new", "stop"),
    ],
)
def test_the_first_step_from_each_phase(phase: str, step: str):
    seen = tenant(phase)
    assert word(next_step(seen, begun(seen))) == step


def test_an_active_tenant_is_done_and_a_decommissioned_one_refused():
    codes = [next_step(seen, begun(seen)) for seen in (tenant("Active"), tenant("Decommissioned"))]
    assert [step.code for step in codes if isinstance(step, Stop)] == [ExitCode.DONE, ExitCode.REFUSED]


def test_the_attempt_that_we_started_is_waited_for_and_never_cancelled():
    history = begun(tenant("Failed ready")).with_action("retry", tenant("Failed ready"))
    assert word(next_step(tenant("Provisioning", attempt=2), history)) == "wait"
    assert word(next_step(tenant("Failed ready"), history, 900)) == "wait"


def test_an_unwinding_that_does_not_move_for_two_minutes_is_cancelled_again_but_not_for_ever():
    seen = tenant("Cancelling")
    history = begun(seen)
    assert word(next_step(seen, history, 119)) == "wait"
    for _ in range(3):
        assert word(next_step(seen, history, 120)) == "cancel"
        history = history.with_action("cancel", seen)
    end = next_step(seen, history, 120)
    assert isinstance(end, Stop)
    assert "escalate" in end.message


def test_what_is_stuck_is_cancelled_once_more_and_then_reported():
    seen = tenant("Failed stuck")
    history = begun(seen).with_action("cancel", seen)
    end = next_step(seen, history)
    assert isinstance(end, Stop)
    assert end.code is ExitCode.FAILED
    assert "stuck again" in end.message


def failed_again(first: Failure | None, second: Failure) -> Step:
    """Recovered from `first` (None: it hung at the workloads and was cancelled), then the retry failed so."""
    seen = tenant("Failed settled", failures=(first,)) if first else tenant("Provisioning")
    history = begun(seen).with_action("retry", tenant("Failed ready"))
    failures = (first, second) if first else (second,)
    return next_step(tenant("Failed settled", attempt=2, failures=failures), history)


def test_the_same_error_at_the_same_activity_is_the_end():
    step = failed_again(Failure(1, STORAGE, "refused after 31 s"), Failure(2, STORAGE, "refused after 30 s"))
    assert isinstance(step, Stop)
    assert step.code is ExitCode.FAILED
    assert "not transient" in step.message


def test_a_retry_that_fails_where_the_cancelled_attempt_hung_is_the_end():
    step = failed_again(None, Failure(2, WORKLOADS, "timed out"))
    assert isinstance(step, Stop)
    assert "not transient" in step.message


@pytest.mark.parametrize("second", [Failure(2, WORKLOADS, "no quota"), Failure(2, STORAGE, "no quota")])
def test_another_error_is_worth_one_more_round(second: Failure):
    assert word(failed_again(Failure(1, STORAGE, "refused"), second)) == "reset"


def test_the_third_failure_is_the_end_whatever_it_is():
    failures = tuple(Failure(number, STORAGE, f"error {chr(96 + number) * 3}") for number in (1, 2))
    history = begun(tenant("Failed ready", attempt=2, failures=failures)).with_action("retry", tenant("", attempt=2))
    third = (*failures, Failure(3, WORKLOADS, "another"))
    step = next_step(tenant("Failed settled", attempt=3, failures=third), history)
    assert isinstance(step, Stop)
    assert "decommission + recreate" in step.message


def test_failures_before_the_recovery_do_not_stop_it_because_the_cause_may_be_repaired():
    failures = (Failure(1, STORAGE, "refused"), Failure(2, STORAGE, "refused"))
    seen = tenant("Failed settled", attempt=2, failures=failures)
    assert word(next_step(seen, begun(seen))) == "reset"


def test_an_attempt_that_a_colleague_began_meanwhile_is_not_cancelled():
    history = begun(tenant("Failed ready"))
    assert word(next_step(tenant("Provisioning", attempt=2), history)) == "wait"


def test_an_attempt_that_another_person_cancelled_is_left_to_them():
    history = begun(tenant("Failed ready")).with_action("retry", tenant("Failed ready"))
    step = next_step(tenant("Failed settled", attempt=2), history)
    assert isinstance(step, Stop)
    assert "cancelled by somebody else" in step.message


def test_a_retry_that_hangs_at_the_same_step_is_the_end_and_at_another_is_waited_for():
    history = begun(tenant("Provisioning")).with_action("retry", tenant("Failed ready"))
    again = tenant("Provisioning", attempt=2, needs_attention=True, seconds=301)
    elsewhere = tenant("Provisioning", attempt=2, needs_attention=True, seconds=301, activity=STORAGE)
    fresh = tenant("Provisioning", attempt=2, needs_attention=True, seconds=3)
    assert [word(next_step(seen, history)) for seen in (again, elsewhere, fresh)] == ["stop", "wait", "wait"]


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("3 pods of acme-0123456789 are late", "2 pods of acme-abcdef0123 are late", True),
        ("database acme_0123 exists", "role acme_0123 exists", False),
        ("", "anything", False),
    ],
)
def test_errors_are_the_same_when_only_numbers_differ(one: str, other: str, alike: bool):
    assert is_same_failure(Failure(1, STORAGE, one), Failure(2, STORAGE, other)) is alike


@given(st.text("0aZ .-", max_size=12), st.text("0aZ .-", max_size=12))
def test_it_judges_sameness_as_the_product_does(one: str, other: str):
    failures = tuple(SagaFailure(n, ActivityName(STORAGE), said) for n, said in ((1, one or "x"), (2, other)))
    product = retry_loops.same_error_again(replace(tenant_in("Failed settled"), failures=failures))
    assert is_same_failure(Failure(2, STORAGE, other), Failure(1, STORAGE, one or "x")) is product


PHASES = ["Provisioning", "Cancelling", "Failed unwinding", "Failed settled", "Failed retained", "Failed ready"]


@given(st.lists(st.tuples(st.sampled_from(PHASES), st.sampled_from([STORAGE, WORKLOADS]), st.booleans()), max_size=60))
def test_it_never_retries_more_than_three_times_whatever_the_tenant_does(moments: list[tuple[str, str, bool]]):
    seen = tenant("Provisioning")
    history, retries = begun(seen), 0
    for phase, activity, fails in moments:
        attempt = retries + 1
        new = (
            (*seen.failures, Failure(attempt, activity, "x")) if fails and phase.startswith("Failed") else seen.failures
        )
        seen = tenant(phase, attempt=attempt, failures=new)
        step = next_step(seen, history)
        if isinstance(step, TakeAction):
            retries += step.action == "retry"
            history = history.with_action(step.action, seen)
        if isinstance(step, Stop):
            break
        assert isinstance(step, TakeAction | Wait)
    assert retries <= 3
