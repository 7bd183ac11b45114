"""Who may record an activity's outcome: the newest task instance of the current attempt's run, and nobody else."""

import pytest

from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.causes import Cause
from tenancy.saga.decide import decide
from tenancy.saga.errors import OutOfTurn, Refused, StaleLease
from tenancy.saga.states import StepStatus
from tenancy.saga.tenant import Saga
from tests.unit.sagas import (
    HANDLE,
    MARK_ACTIVE,
    OTHER_RUN,
    RUN,
    SCHEMA,
    STORAGE,
    VALIDATE,
    ask,
    begin,
    complete,
    done,
    fail,
    give_up,
    holder,
    progress,
    start,
    tenant_in,
    unwound,
)


def is_stale(saga: Saga, command: c.Command) -> None:
    with pytest.raises(StaleLease):
        decide(saga, command)


def test_a_newer_task_instance_takes_the_lease_over() -> None:
    saga = ask(tenant_in("Provisioning"), begin(HANDLE, 2))
    assert saga.step(HANDLE).holder == holder(2)


@pytest.mark.parametrize(
    "late", [begin(HANDLE, 1), complete(HANDLE, 1), fail(HANDLE, 1), give_up(HANDLE, 1), progress(HANDLE, 1)]
)
def test_a_process_that_was_taken_over_is_stale(late: c.Command) -> None:
    is_stale(ask(tenant_in("Provisioning"), begin(HANDLE, 2)), late)


@pytest.mark.parametrize("late", [complete(HANDLE, 1), fail(HANDLE, 1)])
def test_a_lease_ends_with_the_try_that_failed(late: c.Command) -> None:
    is_stale(ask(tenant_in("Provisioning"), fail(HANDLE, 1)), late)


def test_while_airflow_tries_again_the_error_of_the_last_try_is_kept_until_the_activity_is_done() -> None:
    trying = ask(tenant_in("Provisioning"), fail(HANDLE, 1), begin(HANDLE, 2))
    assert (trying.step(HANDLE).status, trying.step(HANDLE).message) == (StepStatus.RUNNING, "no answer")
    done = ask(trying, complete(HANDLE, 2))
    assert (done.step(HANDLE).message, done.step(HANDLE).cause) == ("", Cause.UNKNOWN)


def test_an_activity_waits_while_an_earlier_one_runs_again_and_then_continues() -> None:
    """Its task was cleared while this one's wait came to its end."""
    cleared = ask(tenant_in("Provisioning"), begin(STORAGE, 2))
    with pytest.raises(OutOfTurn, match="allocate_storage is not done"):
        decide(cleared, begin(HANDLE, 2))
    again = ask(cleared, complete(STORAGE, 2), begin(HANDLE, 2))
    assert again.step(HANDLE).holder == holder(2)


def test_before_its_turn_has_ever_come_an_activity_is_refused_for_good() -> None:
    with pytest.raises(Refused) as refused:
        decide(ask(tenant_in("Provisioning"), fail(HANDLE, 1)), begin(SCHEMA))
    assert not isinstance(refused.value, OutOfTurn)


def test_beginning_again_with_the_same_lease_changes_nothing() -> None:
    assert decide(tenant_in("Provisioning"), begin(HANDLE, 1)) == ()


def test_completing_twice_changes_nothing() -> None:
    """The commit may have gone through although its answer was lost."""
    assert decide(tenant_in("Provisioning"), complete(STORAGE, 1)) == ()
    assert decide(tenant_in("Active"), complete(MARK_ACTIVE, 1)) == ()


def test_completing_without_having_begun_is_stale() -> None:
    is_stale(tenant_in("Provisioning"), complete(SCHEMA))


def test_progress_is_a_fact_when_it_changes_and_none_while_it_is_the_same() -> None:
    saga = ask(tenant_in("Provisioning"), progress(HANDLE, 1, "0 of 3 pods ready"))
    assert saga.step(HANDLE).message == "0 of 3 pods ready"
    assert decide(saga, progress(HANDLE, 1, "0 of 3 pods ready")) == ()
    assert decide(saga, progress(HANDLE, 1, "2 of 3 pods ready")) == (
        f.ActivityProgressed(HANDLE, "2 of 3 pods ready"),
    )


def test_what_was_waited_for_is_forgotten_once_it_came() -> None:
    saga = ask(tenant_in("Provisioning"), progress(HANDLE), complete(HANDLE))
    assert saga.step(HANDLE).message == ""


def test_a_task_that_died_while_it_waited_leaves_what_it_saw_last() -> None:
    saga = ask(tenant_in("Provisioning"), progress(HANDLE), give_up(HANDLE, 1))
    assert saga.failures[-1].message == "out of tries (seen last: 0 of 1 pods ready)"


def test_a_lease_does_not_hold_for_another_activity() -> None:
    is_stale(ask(tenant_in("Provisioning"), begin(HANDLE, 7)), complete(SCHEMA, 7))


@pytest.mark.parametrize(
    "late", [begin(HANDLE, 1), complete(HANDLE, 1), fail(HANDLE, 1), give_up(HANDLE, 1), give_up(None, 1)]
)
def test_a_process_of_an_older_attempt_stays_stale_when_its_own_run_is_cleared_as_a_whole(late: c.Command) -> None:
    saga = ask(tenant_in("Failed settled"), start(RUN, cleared=1), *done(VALIDATE, STORAGE, number=2))
    is_stale(saga, late)
    assert ask(saga, *done(HANDLE, number=2)).step(HANDLE).status is StepStatus.DONE


def test_a_process_of_an_older_attempt_stays_stale_after_other_runs_came_between() -> None:
    second = ask(tenant_in("Failed ready"), start(OTHER_RUN), *done(VALIDATE, number=5, run_id=OTHER_RUN), c.Cancel())
    third = ask(unwound(second), start(RUN, cleared=1), *done(VALIDATE, STORAGE, number=9))
    is_stale(third, begin(HANDLE, 1))
    is_stale(third, give_up(HANDLE, 1))


def test_a_new_run_whose_task_instances_were_made_early_is_not_stale() -> None:
    """A run may wait in Airflow's queue while the tries of the one before it continue and get greater ids."""
    first = ask(tenant_in("Provisioning"), begin(HANDLE, 50), c.Cancel())
    second = ask(unwound(first), c.Reset(), start(OTHER_RUN))
    assert ask(second, begin(VALIDATE, 20, OTHER_RUN)).step(VALIDATE).holder == holder(20)


def test_a_callback_of_a_task_that_failed_before_it_could_begin_counts() -> None:
    facts = decide(tenant_in("Provisioning"), give_up(HANDLE, 2))
    assert [type(fact) for fact in facts] == [f.ProvisioningFailed, f.UnwindingStarted]


@pytest.mark.parametrize("command", [begin(VALIDATE, 0), begin(MARK_ACTIVE, 0), begin(HANDLE, 9, OTHER_RUN)])
def test_once_active_every_task_may_verify_and_none_changes_anything(command: c.Command) -> None:
    assert decide(tenant_in("Active"), command) == ()
