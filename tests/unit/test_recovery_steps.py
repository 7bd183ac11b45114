"""What Recover does next: cancel, reset, retry, each once, and when it stops."""

import pytest

from tenancy.console.pages.recovery_steps import (
    QUIET_SECONDS,
    RecoveryStart,
    cancels,
    done_steps,
    is_recoverable,
    next_step,
)
from tenancy.saga import commands as c
from tests.unit.sagas import PHASES, ask, start, tenant_in

FROM = RecoveryStart(attempt=1, generation=0)


@pytest.mark.parametrize(
    ("phase", "action"),
    [
        ("Provisioning", "cancel"),
        ("Failed stuck", "cancel"),
        ("Failed settled", "reset"),
        ("Failed retained", "reset"),
        ("Failed ready", "retry"),
    ],
)
def test_each_state_has_its_step(phase: str, action: str) -> None:
    saga = tenant_in(phase)
    assert next_step(saga, RecoveryStart(1, saga.generation), 0).action == action


@pytest.mark.parametrize("phase", ["Cancelling", "Failed unwinding"])
def test_an_unwinding_is_waited_for_and_after_two_quiet_minutes_cancelled_again(phase: str) -> None:
    saga = tenant_in(phase)
    waiting = next_step(saga, FROM, QUIET_SECONDS - 1)
    assert (waiting.action, waiting.ended, bool(waiting.message)) == ("", False, True)
    assert next_step(saga, FROM, QUIET_SECONDS + 1).action == "cancel"


def test_what_stays_stuck_after_our_cancel_is_for_a_person() -> None:
    saga = tenant_in("Failed stuck")
    step = next_step(saga, RecoveryStart(1, saga.generation - 1), 0)
    assert (step.action, step.ended) == ("", True)
    assert "Escalate" in step.message


def test_three_cancels_are_enough() -> None:
    saga = ask(tenant_in("Cancelling"), c.Cancel(), c.Cancel())
    assert next_step(saga, FROM, QUIET_SECONDS + 1).ended


def test_a_new_attempt_ends_the_recovery_whoever_started_it() -> None:
    saga = ask(tenant_in("Failed ready"), start())
    step = next_step(saga, FROM, 0)
    assert (step.ended, step.action) == (True, "")
    assert step.message.startswith("Attempt 2 is under way")
    assert done_steps(saga, FROM) == 3


@pytest.mark.parametrize("phase", ["Active", "Decommissioning", "Decommissioned"])
def test_there_is_nothing_to_recover_elsewhere(phase: str) -> None:
    saga = tenant_in(phase)
    assert not is_recoverable(saga)
    assert next_step(saga, RecoveryStart(saga.attempt, saga.generation), 0).ended


@pytest.mark.parametrize("phase", PHASES)
def test_what_it_says_that_it_undoes_is_what_it_undoes(phase: str) -> None:
    saga = tenant_in(phase)
    undoes = next_step(saga, RecoveryStart(1, saga.generation), QUIET_SECONDS + 1).action == "cancel"
    assert cancels(saga) is undoes
