"""Airflow's own buttons (docs/reference/airflow-buttons.md): the meaning of each, and what the state machine does.

The table below is written again, because it must not be derived from the code it tests.
"""

from collections.abc import Callable

import pytest

from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.airflow_actions import AirflowAction, Meaning, Situation, command_for, meaning, situation_of
from tenancy.saga.decide import decide
from tenancy.saga.errors import Refused, StaleLease
from tenancy.saga.evolve import evolve
from tenancy.saga.states import StepStatus
from tenancy.saga.tenant import Saga
from tests.unit.sagas import (
    DEPLOY,
    HANDLE,
    MARK_ACTIVE,
    OLD_RUN,
    ORDER,
    OTHER_RUN,
    PHASES,
    RUN,
    SCHEMA,
    STORAGE,
    VALIDATE,
    WAIT,
    ask,
    begin,
    complete,
    done,
    fail,
    give_up,
    holder,
    lease,
    start,
    tenant_in,
    unwound,
)

PHASES_OF = {
    Situation.PROVISIONING: ("Provisioning",),
    Situation.UNWINDING: ("Cancelling", "Failed unwinding", "Failed stuck", "Decommissioning"),
    Situation.SETTLED: ("Failed settled", "Failed retained"),
    Situation.READY: ("Failed ready",),
    Situation.ACTIVE: ("Active",),
}

M = Meaning
COLUMNS = (Situation.PROVISIONING, Situation.UNWINDING, Situation.SETTLED, Situation.READY, Situation.ACTIVE)
EXPECTED = {
    AirflowAction.MARK_RUN_FAILED: (M.CANCEL, M.CANCEL, M.NOTHING, M.NOTHING, M.NOTE),
    AirflowAction.MARK_TASK_FAILED: (M.FAIL_ACTIVITY, M.NOTHING, M.NOTHING, M.NOTHING, M.NOTHING),
    AirflowAction.MARK_SUCCESS: (M.IGNORE, M.NOTHING, M.NOTHING, M.NOTHING, M.NOTHING),
    AirflowAction.CLEAR_RUN: (M.CONTINUE, M.REFUSE, M.RESET_AND_RETRY, M.RETRY, M.VERIFY),
    AirflowAction.CLEAR_TASKS: (M.CONTINUE, M.REFUSE, M.REFUSE, M.REFUSE, M.VERIFY),
    AirflowAction.TRIGGER_AGAIN: (M.REFUSE, M.REFUSE, M.REFUSE, M.RETRY, M.REFUSE),
    AirflowAction.DELETE_RUN: (M.LOST_RUN, M.NOTHING, M.NOTHING, M.NOTHING, M.NOTHING),
    AirflowAction.PAUSE: (M.SHOW, M.SHOW, M.SHOW, M.SHOW, M.SHOW),
}
"""The one exception: a decommission has nothing to cancel, so marking its tenant's run failed is only recorded."""

OLD_RUN_BESIDE_A_LIVE_ATTEMPT = {
    AirflowAction.MARK_RUN_FAILED: M.NOTHING,
    AirflowAction.MARK_TASK_FAILED: M.NOTHING,
    AirflowAction.MARK_SUCCESS: M.NOTHING,
    AirflowAction.CLEAR_RUN: M.REFUSE,
    AirflowAction.CLEAR_TASKS: M.REFUSE,
    AirflowAction.DELETE_RUN: M.NOTHING,
}


def asked_by(action: AirflowAction, saga: Saga) -> c.Command | None:
    """The command that follows from this action on the tenant's run, sent directly or by the tasks that it starts."""
    match action:
        case AirflowAction.CLEAR_RUN:
            return start(RUN, cleared=1)
        case AirflowAction.CLEAR_TASKS:
            return begin(HANDLE, 2)
        case AirflowAction.TRIGGER_AGAIN:
            return start(OTHER_RUN)
        case _:
            return command_for(action, saga, RUN, HANDLE)


def is_refused(saga: Saga, command: c.Command | None) -> None:
    assert command is not None
    with pytest.raises(Refused):
        decide(saga, command)


def makes(*facts: type[f.Fact]) -> Callable[[Saga, c.Command | None], None]:
    def check(saga: Saga, command: c.Command | None) -> None:
        assert command is not None
        assert tuple(type(fact) for fact in decide(saga, command)) == facts

    return check


def goes_on(saga: Saga, command: c.Command | None) -> None:
    assert command is not None
    after = ask(saga, command)
    assert (after.phase, after.attempt, after.run_id) == ("Provisioning", saga.attempt, saga.run_id)


def asks_nothing(saga: Saga, command: c.Command | None) -> None:
    assert command is None


def the_next_activity_refuses(saga: Saga, command: c.Command | None) -> None:
    assert command is None
    with pytest.raises(Refused, match=r"not done, whatever state Airflow shows"):
        decide(saga, begin(SCHEMA))
    assert ask(saga, give_up()).phase == "Failed unwinding", "the reconciler unwinds a run that ended unfinished"


BEHAVIOUR: dict[Meaning, Callable[[Saga, c.Command | None], None]] = {
    M.CANCEL: makes(f.CancelRequested),
    M.LOST_RUN: makes(f.ProvisioningFailed, f.UnwindingStarted),
    M.FAIL_ACTIVITY: makes(f.ProvisioningFailed, f.UnwindingStarted),
    M.IGNORE: the_next_activity_refuses,
    M.CONTINUE: goes_on,
    M.REFUSE: is_refused,
    M.RESET_AND_RETRY: makes(f.RunReset, f.RetryRequested, f.AttemptStarted),
    M.RETRY: makes(f.RetryRequested, f.AttemptStarted),
    M.VERIFY: makes(),
    M.NOTE: asks_nothing,
    M.NOTHING: asks_nothing,
    M.SHOW: asks_nothing,
}

CELLS = [
    pytest.param(action, phase, what, id=f"{action} - {phase}")
    for action, row in EXPECTED.items()
    for column, what in zip(COLUMNS, row, strict=True)
    for phase in PHASES_OF[column]
    if (action, phase) != (AirflowAction.MARK_RUN_FAILED, "Decommissioning")
]


@pytest.mark.parametrize(("action", "phase", "what"), CELLS)
def test_each_cell_means_what_the_design_says(action: AirflowAction, phase: str, what: Meaning) -> None:
    assert meaning(action, tenant_in(phase), RUN) is what


@pytest.mark.parametrize(("action", "phase", "what"), CELLS)
def test_the_state_machine_behaves_as_each_cell_says(action: AirflowAction, phase: str, what: Meaning) -> None:
    saga = tenant_in(phase)
    BEHAVIOUR[what](saga, asked_by(action, saga))


@pytest.mark.parametrize("phase", ["Failed settled", "Failed retained", "Failed ready"])
def test_an_ended_run_that_airflow_starts_again_by_itself_changes_nothing(phase: str) -> None:
    with pytest.raises(Refused, match="nobody has cleared it since"):
        decide(tenant_in(phase), start(RUN))


def test_the_late_callback_of_a_refused_run_does_not_end_the_attempt_that_a_clear_began() -> None:
    """Airflow's DAG processor calls back seconds after a run has ended; it names the task instance that failed."""
    refused = f.RequestRefused("acme", RUN, "nobody has cleared it since", "slug", holder(5))
    ready = evolve(tenant_in("Failed ready"), refused)
    again = ask(ready, start(RUN, cleared=1), *done(VALIDATE, number=6), begin(STORAGE, 7))
    with pytest.raises(StaleLease):
        decide(again, c.GiveUp(RUN, "Airflow ended the run", holder=holder(5)))
    assert ask(again, c.GiveUp(RUN, "Airflow ended the run", holder=holder(7))).phase == "Failed unwinding"


def test_a_refused_request_fences_nothing_of_an_attempt_under_way() -> None:
    """Such as another DAG's run with the same id."""
    saga = evolve(tenant_in("Provisioning"), f.RequestRefused("acme", RUN, "another DAG", "slug", holder(9_999)))
    assert ask(saga, *done(HANDLE, SCHEMA, number=3)).step(SCHEMA).status is StepStatus.DONE


def test_each_clear_of_a_run_starts_one_attempt() -> None:
    again = ask(tenant_in("Failed ready"), start(RUN, cleared=1), *done(VALIDATE, number=2), c.Cancel())
    ready = ask(unwound(again), c.Reset())
    is_refused(ready, start(RUN, cleared=1))
    assert ask(ready, start(RUN, cleared=2)).attempt == 3


def test_a_clear_while_provisioning_is_not_the_clear_that_starts_another_attempt() -> None:
    """The reconciler clears a held attempt's run every half minute."""
    continued = c.BeginActivity(lease(STORAGE, 2), 2, clear_number=1)
    saga = ask(None, start(RUN), *done(VALIDATE), begin(STORAGE), continued, give_up(STORAGE, 2))
    ready = ask(unwound(saga), c.Reset())
    is_refused(ready, start(RUN, cleared=1))
    assert ask(ready, start(RUN, cleared=2)).attempt == 2


def test_a_run_of_a_restored_airflow_that_was_cleared_starts_an_attempt_although_it_counts_less() -> None:
    twice = ask(tenant_in("Failed ready"), start(RUN, cleared=5), *done(VALIDATE, number=2), c.Cancel())
    assert ask(unwound(twice), c.Reset(), start(RUN, cleared=3)).attempt == 3


def test_marking_the_run_of_a_decommissioning_tenant_failed_is_only_recorded() -> None:
    saga = tenant_in("Decommissioning")
    assert meaning(AirflowAction.MARK_RUN_FAILED, saga, RUN) is M.NOTE
    asks_nothing(saga, command_for(AirflowAction.MARK_RUN_FAILED, saga, RUN, None))


def test_the_table_has_every_action_column_meaning_and_phase() -> None:
    assert set(EXPECTED) == set(AirflowAction)
    assert set(BEHAVIOUR) == set(Meaning)
    assert set(COLUMNS) == set(PHASES_OF) == set(Situation)
    assert {phase for phases in PHASES_OF.values() for phase in phases} == set(PHASES) - {"Decommissioned"}


@pytest.mark.parametrize("phase", PHASES)
def test_each_phase_is_in_its_column(phase: str) -> None:
    expected = next((column for column, phases in PHASES_OF.items() if phase in phases), None)
    assert situation_of(tenant_in(phase)) is expected


@pytest.mark.parametrize("action", AirflowAction)
def test_nothing_means_anything_for_a_decommissioned_tenant(action: AirflowAction) -> None:
    gone = tenant_in("Decommissioned")
    assert meaning(action, gone, RUN) is M.NOTHING
    assert command_for(action, gone, RUN, HANDLE) is None
    is_refused(gone, start(RUN))
    is_refused(gone, begin(HANDLE, 2))


def live_beside_an_old_run() -> Saga:
    """Attempt 1 by the old run settled; attempt 2 by run-1 is under way."""
    first = ask(None, start(OLD_RUN), *done(VALIDATE, run_id=OLD_RUN), begin(STORAGE, 1, OLD_RUN))
    settled = unwound(ask(first, c.Cancel()))
    return ask(settled, c.Reset(), start(RUN), *done(VALIDATE, STORAGE), begin(HANDLE))


@pytest.mark.parametrize(("action", "what"), OLD_RUN_BESIDE_A_LIVE_ATTEMPT.items())
def test_an_old_run_beside_a_live_attempt_means_what_the_design_says(action: AirflowAction, what: Meaning) -> None:
    saga = live_beside_an_old_run()
    assert meaning(action, saga, OLD_RUN) is what
    assert command_for(action, saga, OLD_RUN, HANDLE) is None


@pytest.mark.parametrize("action", [AirflowAction.TRIGGER_AGAIN, AirflowAction.PAUSE])
def test_triggering_and_pausing_concern_no_run_in_particular(action: AirflowAction) -> None:
    saga = live_beside_an_old_run()
    assert meaning(action, saga, OLD_RUN) is meaning(action, saga, RUN)


@pytest.mark.parametrize(
    "command",
    [
        start(OLD_RUN),
        begin(STORAGE, 1, OLD_RUN),
        begin(STORAGE, 9, OLD_RUN),
        complete(STORAGE, 1, OLD_RUN),
        fail(STORAGE, 1, OLD_RUN),
        give_up(STORAGE, 1, OLD_RUN),
        give_up(run_id=OLD_RUN),
    ],
)
def test_whatever_an_old_run_asks_beside_a_live_attempt_is_refused(command: c.Command) -> None:
    is_refused(live_beside_an_old_run(), command)


@pytest.mark.parametrize(
    "action", [AirflowAction.MARK_RUN_FAILED, AirflowAction.MARK_TASK_FAILED, AirflowAction.DELETE_RUN]
)
def test_an_old_run_cannot_cancel_a_newer_attempt_that_is_being_cancelled(action: AirflowAction) -> None:
    saga = ask(live_beside_an_old_run(), c.Cancel())
    assert meaning(action, saga, OLD_RUN) is M.NOTHING
    assert command_for(action, saga, OLD_RUN, HANDLE) is None


@pytest.mark.parametrize(
    "action", [AirflowAction.MARK_RUN_FAILED, AirflowAction.MARK_TASK_FAILED, AirflowAction.MARK_SUCCESS]
)
def test_a_mark_on_an_old_run_means_nothing_also_once_the_newer_attempt_is_over(action: AirflowAction) -> None:
    """Else it would depend on whether the reconciler or the flip came first."""
    live = live_beside_an_old_run()
    active, settled = ask(live, *done(HANDLE, SCHEMA, DEPLOY, WAIT, MARK_ACTIVE)), unwound(ask(live, c.Cancel()))
    for saga in (active, settled, ask(active, c.Decommission())):
        assert meaning(action, saga, OLD_RUN) is M.NOTHING


@pytest.mark.parametrize("column", COLUMNS)
def test_clearing_a_refused_run_is_triggering_again(column: Situation) -> None:
    """A run that never became an attempt: its request was refused."""
    for phase in PHASES_OF[column]:
        saga = tenant_in(phase)
        what = meaning(AirflowAction.CLEAR_RUN, saga, OTHER_RUN)
        assert what is meaning(AirflowAction.TRIGGER_AGAIN, saga, OTHER_RUN)
        BEHAVIOUR[what](saga, start(OTHER_RUN))


def test_clearing_the_whole_run_while_provisioning_lets_done_activities_pass_again() -> None:
    saga = tenant_in("Provisioning")
    again = ask(saga, start(RUN), *done(VALIDATE, STORAGE, HANDLE, number=2))
    assert (again.phase, again.attempt) == ("Provisioning", 1)
    assert again.step(HANDLE).status is StepStatus.DONE
    assert [r for r in again.resources if r.activity == STORAGE] == [
        r for r in saga.resources if r.activity == STORAGE
    ], "what was there is found, not made again"


def test_clearing_a_done_task_verifies_it_and_the_attempt_continues() -> None:
    again = ask(tenant_in("Provisioning"), *done(STORAGE, number=2), *done(HANDLE, SCHEMA, DEPLOY, number=3))
    assert ask(again, *done(*ORDER[-2:])).phase == "Active"


def test_the_flip_waits_for_an_activity_that_was_cleared_beside_it() -> None:
    before_flip = ask(None, start(), *done(*ORDER[:-1]), begin(MARK_ACTIVE))
    verifying = ask(before_flip, begin(STORAGE, 2))
    with pytest.raises(Refused, match="allocate_storage is not done"):
        decide(verifying, complete(MARK_ACTIVE))
    assert ask(verifying, complete(STORAGE, 2), complete(MARK_ACTIVE)).phase == "Active"


def test_marking_the_flip_failed_keeps_everything() -> None:
    before_flip = ask(None, start(), *done(*ORDER[:-1]), begin(MARK_ACTIVE))
    command = command_for(AirflowAction.MARK_TASK_FAILED, before_flip, RUN, MARK_ACTIVE)
    assert command is not None
    assert ask(before_flip, command).phase == "Failed retained"


def test_marking_the_flip_failed_before_its_turn_unwinds() -> None:
    saga = tenant_in("Provisioning")
    command = command_for(AirflowAction.MARK_TASK_FAILED, saga, RUN, MARK_ACTIVE)
    assert command is not None
    assert ask(saga, command).phase == "Failed unwinding"


def test_clearing_the_whole_run_of_a_retained_tenant_must_ask_for_what_it_has() -> None:
    retained = tenant_in("Failed retained")
    after = ask(retained, start(RUN, cleared=1))
    assert (after.phase, after.attempt, after.resources) == ("Provisioning", 2, retained.resources)


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize(
    "command",
    [
        start(RUN),
        start(OTHER_RUN),
        begin(HANDLE, 0),
        begin(HANDLE, 2),
        begin(SCHEMA, 2),
        begin(MARK_ACTIVE, 2, OTHER_RUN),
    ],
)
def test_a_refusal_never_unwinds_anything(phase: str, command: c.Command) -> None:
    """Neither by itself, nor by what may have been made: an accepted start or begin unwinds nothing either."""
    saga = tenant_in(phase)
    try:
        facts = decide(saga, command)
    except Refused:
        return  # a raised refusal carries no facts at all
    unwinding = (f.ProvisioningFailed, f.CancelRequested, f.UnwindingStarted, f.DecommissionRequested)
    assert not [fact for fact in facts if isinstance(fact, unwinding)]
