"""How a tenant is undone: who may, in which state, what counts as gone, and what a second Cancel does."""

import pytest

from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.decide import decide
from tenancy.saga.errors import Refused
from tenancy.saga.states import ResourceState
from tenancy.saga.unwinding_rules import is_to_be_unwound
from tests.unit.sagas import (
    BETA,
    HANDLE,
    ORDER,
    OTHER_RUN,
    PHASES,
    STORAGE,
    ask,
    begin,
    complete,
    done,
    give_up,
    start,
    tenant_in,
    unwound,
)

CONNECTION = (1, "connection", "acme_1")
DATABASE = (1, "database", "acme_1")
ROLE = (1, "role", "acme_1")


@pytest.mark.parametrize("phase", PHASES)
def test_only_a_cancelled_failed_or_decommissioned_tenant_is_to_be_unwound(phase: str) -> None:
    expected = phase in {"Cancelling", "Failed unwinding", "Decommissioning"}
    assert is_to_be_unwound(tenant_in(phase)) is expected


def test_a_second_cancel_starts_the_next_generation() -> None:
    first = ask(tenant_in("Provisioning"), c.Cancel())
    second = ask(first, c.Cancel())
    assert (first.generation, second.generation, second.phase) == (1, 2, "Cancelling")


def test_every_new_wish_to_unwind_is_a_generation_of_its_own() -> None:
    saga = ask(tenant_in("Failed unwinding"), c.Cancel(), c.ExhaustUnwinding(2), c.Cancel(), c.ExhaustUnwinding(3))
    assert saga.generation == 3
    assert ask(saga, c.Decommission(), c.Decommission()).generation == 5


def test_a_released_resource_is_gone_and_releasing_it_again_changes_nothing() -> None:
    saga = ask(tenant_in("Cancelling"), c.ReleaseResource(*CONNECTION), c.ConfirmReleased(*CONNECTION))
    assert "connection" not in {resource.kind for resource in saga.live_resources}
    assert decide(saga, c.ReleaseResource(*CONNECTION)) == ()
    assert decide(saga, c.ConfirmReleased(*CONNECTION)) == ()


def test_a_resource_that_is_being_released_counts_as_there() -> None:
    saga = ask(tenant_in("Cancelling"), c.ReleaseResource(*CONNECTION))
    assert "connection" in {resource.kind for resource in saga.live_resources}
    assert decide(saga, c.ReleaseResource(*CONNECTION)) == ()


def test_what_was_only_intended_must_be_released_too() -> None:
    saga = tenant_in("Cancelling")
    assert [(r.kind, r.state) for r in saga.resources][-1] == ("connection", ResourceState.INTENDED)
    everything_else = [c.ConfirmReleased(*DATABASE), c.ConfirmReleased(1, "role", "acme_1")]
    with pytest.raises(Refused, match="Not settled: connection acme_1 may still exist"):
        decide(ask(saga, *everything_else), c.Settle(1))


def test_what_is_found_again_must_be_released_again_before_settling() -> None:
    saga = tenant_in("Cancelling")
    for resource in saga.live_resources:
        saga = ask(saga, c.ConfirmReleased(1, resource.kind, resource.name))
    saga = ask(saga, c.ReportFoundAgain(*CONNECTION))
    with pytest.raises(Refused, match="connection acme_1 may still exist"):
        decide(saga, c.Settle(1))
    assert ask(saga, c.ConfirmReleased(*CONNECTION), c.Settle(1)).phase == "Failed settled"


def test_a_failed_compensation_neither_releases_nor_stops_the_others() -> None:
    saga = ask(
        tenant_in("Failed unwinding"),
        c.ReleaseResource(*CONNECTION),
        c.ReportCompensationFailure(*CONNECTION, "TransientError", "no answer"),
        c.ReleaseResource(*DATABASE),
        c.ConfirmReleased(*DATABASE),
    )
    assert [resource.kind for resource in saga.live_resources] == ["role", "connection"]


def test_a_failed_compensation_does_not_hide_the_original_error() -> None:
    before = tenant_in("Failed unwinding")
    after = ask(before, c.ReportCompensationFailure(*CONNECTION, "TransientError", "connection refused"))
    assert after.failures == before.failures
    assert after.failures[-1].message == "no answer"


def _fails(resource: tuple[int, str, str], message: str) -> c.ReportCompensationFailure:
    return c.ReportCompensationFailure(*resource, "TransientError", message)


def _reason(*commands: c.Command) -> str:
    saga = ask(tenant_in("Failed unwinding"), *commands)
    assert saga.unwinding.failure is not None
    return saga.unwinding.failure.message


def test_the_first_compensation_that_failed_is_reported_and_not_its_consequences() -> None:
    reason = _reason(_fails(DATABASE, "held by pg_dump"), _fails(ROLE, "it owns a database"))
    assert reason == "The database acme_1 could not be undone: held by pg_dump"


def test_the_reason_of_the_first_failure_is_kept_up_to_date() -> None:
    assert "held by psql" in _reason(
        _fails(DATABASE, "held by pg_dump"), _fails(ROLE, "-"), _fails(DATABASE, "held by psql")
    )


def test_another_failure_is_reported_once_what_failed_first_is_released() -> None:
    released = (c.ReleaseResource(*DATABASE), c.ConfirmReleased(*DATABASE))
    assert "no ADMIN option" in _reason(_fails(DATABASE, "held"), *released, _fails(ROLE, "no ADMIN option"))


def test_exhausted_compensations_name_what_is_left() -> None:
    saga = ask(tenant_in("Failed unwinding"), c.ConfirmReleased(*DATABASE))
    assert decide(saga, c.ExhaustUnwinding(1)) == (f.UnwindingExhausted(("role acme_1", "connection acme_1")),)


def test_a_tenant_that_cannot_be_checked_is_stuck_and_not_settled() -> None:
    saga = tenant_in("Cancelling")
    for resource in saga.live_resources:
        saga = ask(saga, c.ConfirmReleased(1, resource.kind, resource.name))
    assert ask(saga, c.ExhaustUnwinding(1, "the cluster does not respond")).phase == "Failed stuck"


def test_only_one_of_two_renewals_takes_over() -> None:
    renewed = ask(tenant_in("Cancelling"), c.RenewUnwinding(1))
    assert (renewed.generation, renewed.phase) == (2, "Cancelling")
    with pytest.raises(Refused, match="Unwinding 1 is over: unwinding 2 has taken its place"):
        decide(renewed, c.RenewUnwinding(1))


def test_a_second_cancel_stops_the_unwinding_of_the_first() -> None:
    cancelled_again = ask(tenant_in("Cancelling"), c.Cancel())
    for word in (c.Settle(1), c.ExhaustUnwinding(1), c.ReleaseResource(*CONNECTION)):
        with pytest.raises(Refused, match="Unwinding 1 is over"):
            decide(cancelled_again, word)


def test_a_stuck_tenant_is_unwound_only_after_a_new_cancel() -> None:
    stuck = tenant_in("Failed stuck")
    with pytest.raises(Refused, match="Nothing is to be unwound"):
        decide(stuck, c.ReleaseResource(*CONNECTION))
    assert unwound(ask(stuck, c.Cancel())).phase == "Failed settled"


def test_an_attempt_that_held_nothing_settles_at_once() -> None:
    assert ask(None, start(), c.Cancel(), c.Settle(1)).phase == "Failed settled"


def test_a_cancel_of_a_retained_tenant_releases_everything() -> None:
    saga = unwound(ask(tenant_in("Failed retained"), c.Cancel()))
    assert (saga.phase, saga.live_resources) == ("Failed settled", ())


def test_a_decommission_ends_in_decommissioned_and_not_in_failed() -> None:
    assert unwound(ask(tenant_in("Active"), c.Decommission())).phase == "Decommissioned"
    assert unwound(ask(tenant_in("Failed stuck"), c.Decommission())).phase == "Decommissioned"


@pytest.mark.parametrize("phase", ["Failed settled", "Failed ready"])
def test_a_decommission_of_a_tenant_that_has_nothing_is_done_at_once(phase: str) -> None:
    assert ask(tenant_in(phase), c.Decommission()).phase == "Decommissioned"


def test_a_forced_reset_leaves_something_to_decommission() -> None:
    forced = ask(tenant_in("Failed stuck"), c.Reset(force=True, platform_role=True, reason="INC-7"))
    assert ask(forced, c.Decommission()).phase == "Decommissioning"


def test_a_decommission_that_runs_out_of_tries_stays_one_and_can_be_asked_for_again() -> None:
    saga = ask(tenant_in("Decommissioning"), c.ExhaustUnwinding(1))
    assert (saga.phase, saga.unwinding.exhausted_generation) == ("Decommissioning", saga.generation)
    assert unwound(ask(saga, c.Decommission())).phase == "Decommissioned"


@pytest.mark.parametrize(
    "command",
    [
        c.CheckUnwinding(1),
        c.ReleaseResource(*CONNECTION),
        c.ConfirmReleased(*CONNECTION),
        c.ReportFoundAgain(*CONNECTION),
        c.ReportCompensationFailure(*CONNECTION, "TransientError", "no answer"),
        c.Settle(1),
        c.ExhaustUnwinding(1),
    ],
)
def test_a_late_compensation_of_an_older_attempt_touches_nothing_of_the_new_one(command: c.Command) -> None:
    running = ask(tenant_in("Failed ready"), start(OTHER_RUN), *done(*ORDER[:3], number=2, run_id=OTHER_RUN))
    for saga in (running, ask(running, c.Cancel())):
        with pytest.raises(Refused, match=r"Nothing is to be unwound: the tenant is Provisioning|Unwinding 1 is over"):
            decide(saga, command)


@pytest.mark.parametrize("phase", ["Cancelling", "Failed unwinding", "Failed stuck", "Decommissioning"])
@pytest.mark.parametrize("command", [begin(HANDLE, 1), begin(HANDLE, 2), complete(HANDLE), begin(STORAGE, 2)])
def test_once_unwinding_has_begun_every_re_run_of_an_activity_is_refused(phase: str, command: c.Command) -> None:
    with pytest.raises(Refused):
        decide(tenant_in(phase), command)


def test_a_late_failure_callback_does_not_disturb_a_cancel() -> None:
    with pytest.raises(Refused, match="being cancelled"):
        decide(tenant_in("Cancelling"), give_up(HANDLE, 1))


def test_nothing_left_after_a_forced_reset_is_no_proof_that_nothing_is_left() -> None:
    saga = tenant_in("Cancelling")
    for resource in saga.live_resources:
        saga = ask(saga, c.ConfirmReleased(1, resource.kind, resource.name))
    forced = ask(saga, c.Reset(force=True, platform_role=True, reason="INC-7"))
    assert forced.live_resources == ()
    assert ask(forced, c.Decommission()).phase == "Decommissioning"
    with pytest.raises(Refused, match="or may have"):
        decide(forced, start(OTHER_RUN, BETA))
