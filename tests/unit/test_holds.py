"""A fault of the platform holds the tenant: nothing is undone because of it, and it continues after the repair."""

from dataclasses import replace

import pytest

from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.causes import Cause
from tenancy.saga.decide import decide
from tenancy.saga.tenant import Saga
from tenancy.saga.unwinding_rules import RENEWALS
from tests.unit.sagas import (
    HANDLE,
    MARK_ACTIVE,
    ORDER,
    STORAGE,
    VALIDATE,
    ask,
    begin,
    complete,
    done,
    fail,
    give_up,
    lease,
    start,
    tenant_in,
)

REFUSED = c.FailActivity(
    lease(HANDLE), "PlatformError", "The login was refused.", Cause.PLATFORM_CREDENTIALS, platform=True
)
ROLE = ("role", "acme_1")
NOT_UNDONE = c.ReportCompensationFailure(
    1, *ROLE, "PlatformError", "The login was refused.", Cause.PLATFORM_CREDENTIALS, platform=True
)


def held() -> Saga:
    return ask(None, start(), *done(VALIDATE, STORAGE), begin(HANDLE), REFUSED)


def test_a_fault_of_the_platform_holds_the_tenant_with_its_sentence():
    saga = held()
    assert (saga.phase, saga.hold.reason, saga.hold.cause) == (
        "Provisioning",
        "The login was refused.",
        Cause.PLATFORM_CREDENTIALS,
    )


@pytest.mark.parametrize(
    "command", [give_up(), give_up(HANDLE), give_up(HANDLE, 1), give_up(None, 1)], ids=["run", "task", "lease", "any"]
)
def test_a_run_that_ended_because_of_it_undoes_nothing(command: c.GiveUp):
    assert decide(held(), command) == ()


@pytest.mark.parametrize("activity", ORDER)
def test_so_it_is_at_every_activity_also_when_the_fault_could_not_be_recorded(activity: str):
    done_before = ORDER[: ORDER.index(activity)]
    saga = ask(None, start(), *done(*done_before), begin(activity))
    after = ask(saga, replace(give_up(activity, 1), platform_fault=Cause.PLATFORM_VERSION))
    assert (after.phase, after.hold.cause, after.live_resources) == (
        "Provisioning",
        Cause.PLATFORM_VERSION,
        saga.live_resources,
    )
    assert decide(after, give_up()) == ()


def test_the_next_try_begins_free_and_its_own_failure_counts():
    again = ask(held(), begin(HANDLE, 2))
    assert (again.hold.reason, again.hold.cause, again.hold.platform_fault) == ("", None, None)
    failed = ask(again, replace(fail(HANDLE, 2)), give_up(HANDLE, 2))
    assert failed.phase == "Failed unwinding"
    assert ask(again, complete(HANDLE, 2)).phase == "Provisioning"


def test_a_pause_takes_the_sentences_place_and_gives_it_back():
    paused = ask(held(), c.RecordHold("the DAG is paused", Cause.ENGINE_PAUSED))
    assert paused.hold.reason == "the DAG is paused"
    assert decide(paused, give_up()) == ()
    back = ask(paused, c.RecordHold(""))
    assert (back.hold.reason, back.hold.cause) == ("The login was refused.", Cause.PLATFORM_CREDENTIALS)
    assert decide(back, c.RecordHold("")) == ()


def test_it_can_be_cancelled_at_any_time():
    saga = ask(held(), c.Cancel())
    assert (saga.phase, saga.hold.reason, saga.hold.platform_fault) == ("Cancelling", "", None)


def test_the_flip_is_held_too_instead_of_retained():
    saga = ask(None, start(), *done(*ORDER[:-1]), begin(MARK_ACTIVE))
    refused = c.FailActivity(lease(MARK_ACTIVE), "PlatformError", "no", platform=True)
    assert ask(saga, refused, give_up(MARK_ACTIVE, 1)).phase == "Provisioning"


# -- while it is undone


def undone_in_vain() -> Saga:
    return ask(tenant_in("Failed unwinding"), c.ReleaseResource(1, *ROLE), NOT_UNDONE)


def test_unwinding_that_the_platform_blocks_is_held_and_never_stuck():
    saga = undone_in_vain()
    assert saga.hold.reason == "The role acme_1 could not be undone: The login was refused."
    assert decide(saga, c.ExhaustUnwinding(1, "out of tries")) == ()


def test_it_is_renewed_for_as_long_as_the_fault_lasts():
    saga = undone_in_vain()
    for _ in range(RENEWALS * 3):
        saga = ask(saga, c.RenewUnwinding(saga.generation))
        saga = ask(saga, replace(NOT_UNDONE, generation=saga.generation))
    assert (saga.phase, saga.unwinding.renewals) == ("Failed unwinding", 0)


def test_another_failure_or_a_release_ends_the_hold():
    saga = undone_in_vain()
    other = replace(NOT_UNDONE, error="TransientError", message="no answer", platform=False)
    assert ask(saga, other).hold.reason == ""
    elsewhere = replace(other, kind="database")
    assert ask(saga, elsewhere).hold.reason == saga.hold.reason
    assert ask(saga, c.ConfirmReleased(1, *ROLE)).hold.reason == ""
    assert ask(saga, other, c.ExhaustUnwinding(1, "out of tries")).phase == "Failed stuck"


def renewed(saga: Saga, times: int) -> Saga:
    for _ in range(times):
        saga = ask(saga, c.RenewUnwinding(saga.generation))
    return saga


def test_unwinding_that_ends_again_and_again_without_a_release_is_stuck():
    saga = renewed(tenant_in("Failed unwinding"), RENEWALS)
    assert saga.phase == "Failed unwinding"
    assert [type(fact) for fact in decide(saga, c.RenewUnwinding(saga.generation))] == [f.UnwindingExhausted]
    assert renewed(saga, 1).phase == "Failed stuck"


@pytest.mark.parametrize("phase", ["Cancelling", "Failed unwinding", "Decommissioning"])
def test_a_release_gives_it_as_many_renewals_again(phase: str):
    saga = renewed(tenant_in(phase), RENEWALS)
    saga = ask(saga, c.ReleaseResource(saga.generation, *ROLE), c.ConfirmReleased(saga.generation, *ROLE))
    assert renewed(saga, RENEWALS).phase == phase


def test_a_new_request_restarts_the_count():
    stuck = renewed(tenant_in("Failed unwinding"), RENEWALS + 1)
    assert renewed(ask(stuck, c.Cancel()), RENEWALS).phase == "Cancelling"
    active = tenant_in("Decommissioning")
    exhausted = renewed(active, RENEWALS + 1)
    assert (exhausted.phase, exhausted.unwinding.exhausted_generation) == (
        "Decommissioning",
        exhausted.generation,
    )
    assert (
        renewed(ask(exhausted, c.Decommission()), RENEWALS).unwinding.exhausted_generation
        < exhausted.generation + RENEWALS + 1
    )
