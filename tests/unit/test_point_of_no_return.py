"""The point of no return: once it is passed, whatever fails keeps everything, and only a person destroys."""

from collections.abc import Callable

import pytest

from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.decide import decide
from tenancy.saga.errors import Refused
from tenancy.saga.evolve import fold
from tenancy.saga.names import RunId
from tenancy.saga.tenant import Saga
from tests.unit.sagas import (
    DEPLOY,
    HANDLE,
    MARK_ACTIVE,
    ORDER,
    OTHER_RUN,
    RUN,
    STORAGE,
    WAIT,
    ask,
    begin,
    complete,
    done,
    fail,
    give_up,
    start,
    tenant_in,
    unwound,
)

OLDER = "the ledger is older than its run"


def ready() -> Saga:
    return ask(None, start(), *done(*ORDER[:-1]))


def pivot_done() -> Saga:
    """The pivot is done, and an activity before it was cleared and runs again."""
    return ask(ready(), begin(STORAGE, 2))


def resumed() -> Saga:
    return ask(tenant_in("Provisioning"), c.ResumeAttempt(RUN, OLDER))


def retried_after_retained() -> Saga:
    return ask(tenant_in("Failed retained"), c.Reset(), start(OTHER_RUN))


def cleared_after_retained() -> Saga:
    return ask(tenant_in("Failed retained"), start(RUN, cleared=1))


def retried_after_a_forced_reset() -> Saga:
    forced = c.Reset(force=True, platform_role=True, reason="INC-7")
    return ask(ready(), forced, start(OTHER_RUN))


PAST = [ready, pivot_done, resumed, retried_after_retained, cleared_after_retained, retried_after_a_forced_reset]


def test_the_completed_pivot_is_the_point_of_no_return() -> None:
    before = ask(None, start(), *done(*ORDER[:-2]), begin(WAIT))
    assert [type(fact) for fact in decide(before, complete(WAIT))] == [f.ActivityCompleted, f.PointOfNoReturnPassed]
    assert not before.past_no_return
    assert ask(before, complete(WAIT)).past_no_return


def test_it_is_passed_once_however_often_the_pivot_verifies() -> None:
    again = ask(ready(), begin(WAIT, 2))
    assert [type(fact) for fact in decide(again, complete(WAIT, 2))] == [f.ActivityCompleted]


def test_a_plan_without_a_pivot_passes_it_with_its_last_activity() -> None:
    request = start()
    plan = tuple(entry for entry in request.plan if entry.activity in ORDER[:2])
    saga = ask(None, c.StartAttempt(request.tenant_id, RUN, request.parameters, plan, "1"), *done(ORDER[0]))
    assert ask(saga, *done(ORDER[1])).past_no_return


@pytest.mark.parametrize("activity", [None, *ORDER])
@pytest.mark.parametrize("past", PAST)
def test_whatever_fails_behind_it_keeps_everything(past: Callable[[], Saga], activity: str | None) -> None:
    saga = past()
    failed = ask(saga, c.GiveUp(saga.run_id, "out of tries", activity))  # type: ignore[arg-type]
    assert (failed.phase, failed.generation) == ("Failed retained", saga.generation)
    assert failed.live_resources == saga.live_resources


@pytest.mark.parametrize("past", PAST)
def test_a_cancel_by_a_person_destroys_all_the_same(past: Callable[[], Saga]) -> None:
    assert unwound(ask(past(), c.Cancel())).phase == "Failed settled"


def test_storage_that_fails_in_the_retry_of_a_retained_tenant_keeps_everything() -> None:
    retried = ask(retried_after_retained(), *done(ORDER[0], run_id=OTHER_RUN), begin(STORAGE, 2, OTHER_RUN))
    failed = ask(retried, fail(STORAGE, 2, OTHER_RUN), give_up(STORAGE, 2, OTHER_RUN))
    assert failed.phase == "Failed retained"
    assert len(failed.live_resources) == len(tenant_in("Failed retained").live_resources)


def test_it_survives_any_number_of_failed_attempts() -> None:
    saga = tenant_in("Failed retained")
    for attempt, activity in enumerate(ORDER, start=2):
        saga = ask(saga, c.Reset(), start(RunId(f"run-{attempt}")))
        saga = ask(saga, c.GiveUp(saga.run_id, "out of tries", activity))
        assert (saga.phase, saga.attempt) == ("Failed retained", attempt)


def test_once_all_was_observed_gone_the_next_attempt_unwinds_again() -> None:
    gone = unwound(ask(ready(), c.Cancel()))
    assert not gone.past_no_return
    again = ask(gone, c.Reset(), start(OTHER_RUN), *done(ORDER[0], run_id=OTHER_RUN), give_up(run_id=OTHER_RUN))
    assert again.phase == "Failed unwinding"


def test_a_cancel_that_did_not_settle_lifts_nothing() -> None:
    """It was cut short by a forced reset: what is left may still be a customer's."""
    cut = ask(ready(), c.Cancel(), c.Reset(force=True, platform_role=True, reason="INC-7"), start(OTHER_RUN))
    assert ask(cut, give_up(run_id=OTHER_RUN)).phase == "Failed retained"


def test_an_attempt_is_resumed_once() -> None:
    assert decide(resumed(), c.ResumeAttempt(RUN, OLDER)) == ()
    assert resumed().hold.reason == OLDER


def test_the_next_attempt_may_be_resumed_again() -> None:
    retried = ask(resumed(), give_up(), c.Reset(), start(OTHER_RUN))
    assert [type(fact) for fact in decide(retried, c.ResumeAttempt(OTHER_RUN, OLDER))] == [
        f.PointOfNoReturnPassed,
        f.RunHeld,
    ]


@pytest.mark.parametrize("phase", ["Cancelling", "Failed unwinding", "Failed settled", "Active", "Decommissioning"])
def test_only_an_attempt_under_way_is_resumed(phase: str) -> None:
    with pytest.raises(Refused):
        decide(tenant_in(phase), c.ResumeAttempt(RUN, OLDER))


@pytest.mark.parametrize("phase", ["Cancelling", "Failed unwinding"])
def test_an_unwinding_that_was_stopped_for_a_customer_continues_only_if_a_person_names_the_tenant(phase: str) -> None:
    stopped = ask(tenant_in(phase), c.ExhaustUnwinding(1, OLDER, keep_resources=True))
    assert (stopped.phase, stopped.past_no_return) == ("Failed stuck", True)
    with pytest.raises(Refused, match="Type the slug acme"):
        decide(stopped, c.Confirmed(c.Cancel(), str(stopped.tenant_id)))
    with pytest.raises(Refused, match="do not cancel but escalate"):
        decide(stopped, c.Reset())
    named = c.Confirmed(c.Cancel(), str(stopped.tenant_id), "acme")
    assert unwound(ask(stopped, named)).phase == "Failed settled"


# -- facts of earlier versions, which have no such fact


def old_facts(*commands: c.Command) -> tuple[f.Fact, ...]:
    """What the previous version recorded for these commands."""
    facts: list[f.Fact] = []
    for command in commands:
        facts += decide(fold(facts), command)
    return tuple(fact for fact in facts if not isinstance(fact, f.PointOfNoReturnPassed))


@pytest.mark.parametrize(
    "lived",
    [
        pytest.param(done(*ORDER[:-1]), id="pivot done"),
        pytest.param((*done(*ORDER[:-1]), begin(DEPLOY, 2)), id="an earlier activity runs again"),
        pytest.param(done(*ORDER), id="Active"),
        pytest.param(
            (*done(*ORDER[:-1]), begin(MARK_ACTIVE), fail(MARK_ACTIVE), give_up(MARK_ACTIVE, 1)), id="retained"
        ),
        pytest.param(
            (
                *done(*ORDER[:-1]),
                begin(MARK_ACTIVE),
                fail(MARK_ACTIVE),
                give_up(MARK_ACTIVE, 1),
                c.Reset(),
                start(OTHER_RUN),
            ),
            id="retried",
        ),
    ],
)
def test_old_facts_without_it_protect_the_tenant_too(lived: tuple[c.Command, ...]) -> None:
    saga = fold(old_facts(start(), *lived))
    assert saga is not None
    assert saga.past_no_return


@pytest.mark.parametrize(
    "lived",
    [
        pytest.param(done(*ORDER[:-2]), id="pivot not begun"),
        pytest.param((*done(*ORDER[:-2]), begin(WAIT)), id="pivot under way"),
        pytest.param((begin(ORDER[0]), give_up(), c.Settle(1)), id="settled"),
    ],
)
def test_old_facts_of_a_tenant_that_did_not_get_that_far_protect_nothing(lived: tuple[c.Command, ...]) -> None:
    saga = fold(old_facts(start(), *lived))
    assert saga is not None
    assert not saga.past_no_return


def test_a_retried_tenant_of_an_old_ledger_keeps_everything_when_storage_fails() -> None:
    lived = (*done(*ORDER[:-1]), begin(MARK_ACTIVE), give_up(MARK_ACTIVE, 1), c.Reset(), start(OTHER_RUN))
    saga = fold(old_facts(start(), *lived))
    assert ask(saga, c.GiveUp(OTHER_RUN, "out of tries", HANDLE)).phase == "Failed retained"
