"""When to stop retrying: the third attempt that did not end Active, the same error twice."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tenancy.saga import commands as c
from tenancy.saga.decide import decide
from tenancy.saga.names import ActivityName, RunId
from tenancy.saga.retry_loops import (
    recovery_needs_slug,
    retry_needs_slug,
    retry_warnings,
    same_error_again,
    unsuccessful_attempts,
)
from tenancy.saga.saga_values import Unwinding
from tenancy.saga.tenant import Failure, Saga
from tests.unit.sagas import (
    DEPLOY,
    HANDLE,
    ORDER,
    SCHEMA,
    STORAGE,
    VALIDATE,
    ask,
    begin,
    done,
    start,
    tenant_in,
    unwound,
)

FORCED = c.Reset(force=True, platform_role=True, reason="INC-7")
End = Callable[[Saga], Saga]


def failed(*failures: tuple[str, str]) -> Saga:
    made = tuple(
        Failure(number, ActivityName(activity), message) for number, (activity, message) in enumerate(failures, 1)
    )
    settled = tenant_in("Failed settled")
    return replace(settled, failures=made, current_attempt=replace(settled.current_attempt, number=len(made)))


def attempt(number: int, saga: Saga | None = None) -> Saga:
    """Attempt `number` hangs at its workflow handle."""
    run_id = RunId(f"run-{number}")
    return ask(
        saga, start(run_id), *done(VALIDATE, STORAGE, number=number, run_id=run_id), begin(HANDLE, number, run_id)
    )


def cancelled(saga: Saga) -> Saga:
    return ask(unwound(ask(saga, c.Cancel())), c.Reset())


def given_up(saga: Saga) -> Saga:
    return ask(unwound(ask(saga, c.GiveUp(saga.run_id, f"boom {saga.attempt}"))), c.Reset())


def cancelled_while_it_was_undone(saga: Saga) -> Saga:
    return ask(unwound(ask(saga, c.GiveUp(saga.run_id, f"boom {saga.attempt}"), c.Cancel())), c.Reset())


def reset_by_force(saga: Saga) -> Saga:
    return ask(saga, FORCED)


ENDS = [cancelled, given_up, cancelled_while_it_was_undone, reset_by_force]


def after_attempts(count: int, *ends: End) -> Saga:
    saga = None
    for number in range(1, count + 1):
        saga = ends[number % len(ends)](attempt(number, saga))
    assert saga is not None
    return saga


def test_one_failure_is_no_loop() -> None:
    assert retry_warnings(failed((SCHEMA, "no answer"))) == ()


def test_the_same_error_at_the_same_activity_twice_is_not_transient() -> None:
    saga = failed((SCHEMA, "backend 4711 of acme_00000000acae died"), (SCHEMA, "backend 12 of acme_ffffffffacae died"))
    assert same_error_again(saga)
    assert [sentence.split(":")[0] for sentence in retry_warnings(saga)] == ["Not transient"]


def test_another_error_or_another_activity_is_no_repetition() -> None:
    assert not same_error_again(failed((SCHEMA, "no answer"), (SCHEMA, "refused")))
    assert not same_error_again(failed((SCHEMA, "no answer"), (DEPLOY, "no answer")))


def test_the_third_failure_shows_what_the_attempts_cost_and_a_cleaner_way() -> None:
    saga = replace(failed((SCHEMA, "a"), (DEPLOY, "b"), (SCHEMA, "c")), unwinding=Unwinding(released_count=12))
    (sentence,) = retry_warnings(saga)
    assert "3 attempts did not end Active: 3 failed, 0 were cancelled" in sentence
    assert "12 resources" in sentence
    assert "Decommission and recreate" in sentence


def test_the_slug_is_typed_from_the_fourth_attempt_on() -> None:
    three = ((SCHEMA, "a"), (DEPLOY, "b"), (SCHEMA, "c"))
    assert not retry_needs_slug(failed(*three[:2]))
    assert retry_needs_slug(failed(*three))


@pytest.mark.parametrize("end", ENDS)
def test_however_an_attempt_ended_it_counts_when_it_was_not_active(end: End) -> None:
    assert [unsuccessful_attempts(after_attempts(count, end)) for count in (1, 2, 3, 4)] == [1, 2, 3, 4]
    assert [retry_needs_slug(after_attempts(count, end)) for count in (2, 3, 6)] == [False, True, True]


def test_attempts_that_ended_in_different_ways_count_together() -> None:
    saga = after_attempts(3, *ENDS)
    assert retry_warnings(saga)[-1].startswith("3 attempts did not end Active")


def test_six_times_hang_cancel_reset_retry_warns_and_never_blocks() -> None:
    """The runbook's own path: no attempt of it ever fails."""
    saga = None
    for number in range(1, 7):
        saga = attempt(number, saga)
        assert unsuccessful_attempts(saga) == number - 1, "the attempt under way is not counted"
        saga = cancelled(saga)
        assert saga.failures == ()
        assert retry_needs_slug(saga) is (number >= 3)
        assert any("Decommission and recreate" in sentence for sentence in retry_warnings(saga)) is (number >= 3)
        assert decide(saga, start(RunId(f"run-{number + 1}")))


def test_an_attempt_that_is_being_cancelled_counts() -> None:
    saga = attempt(3, after_attempts(2, cancelled))
    assert not retry_needs_slug(saga)
    assert retry_needs_slug(ask(saga, c.Cancel()))


def test_a_recovery_counts_the_attempt_that_it_gives_up() -> None:
    assert not recovery_needs_slug(attempt(2, after_attempts(1, cancelled)))
    assert recovery_needs_slug(attempt(3, after_attempts(2, cancelled)))


def test_an_attempt_that_ended_active_is_no_loop() -> None:
    run_id = RunId("run-4")
    saga = ask(after_attempts(3, cancelled), start(run_id))
    active = ask(saga, *done(*ORDER, number=4, run_id=run_id))
    assert (active.phase, unsuccessful_attempts(active)) == ("Active", 3)


def test_nobody_is_advised_to_destroy_what_a_customer_has() -> None:
    saga = ask(after_attempts(2, cancelled), start(RunId("run-3")))
    kept = ask(saga, c.ResumeAttempt(RunId("run-3"), "the ledger is older"), c.GiveUp(RunId("run-3"), "boom"))
    assert "Decommission and recreate" not in retry_warnings(kept)[-1]
    assert "would destroy a customer's data" in retry_warnings(kept)[-1]
