"""What an action in Airflow's own UI or API means for a tenant (docs/reference/airflow-buttons.md).

`command_for` returns the command for a mark or a deleted run. Triggering and clearing need no command: the run's tasks
ask `decide`, which follows the same table (tests/unit/test_airflow_actions.py checks every cell).
"""

from enum import StrEnum
from typing import Final

from tenancy.saga import commands as c
from tenancy.saga.names import ActivityName, RunId
from tenancy.saga.states import Phase, State
from tenancy.saga.tenant import Saga


class AirflowAction(StrEnum):
    """An action in Airflow's own UI or API. The values appear in the audit log."""

    MARK_RUN_FAILED = "mark run failed"
    MARK_TASK_FAILED = "mark task failed"
    MARK_SUCCESS = "mark run or task success"
    CLEAR_RUN = "clear the whole run"
    CLEAR_TASKS = "clear some tasks"
    TRIGGER_AGAIN = "trigger again, same slug"
    DELETE_RUN = "delete the run"
    PAUSE = "pause the DAG"


class Meaning(StrEnum):
    """The effect on the tenant."""

    CANCEL = "= Cancel"
    FAIL_ACTIVITY = "that activity failed"
    CONTINUE = "the same attempt continues; done activities verify and pass"
    RESET_AND_RETRY = "= Reset + Retry"
    RETRY = "= Retry"
    REFUSE = "refused with a sentence"
    IGNORE = "not believed: the next activity refuses, or the reconciler unwinds"
    LOST_RUN = "lost run: the reconciler gives its attempt up"
    VERIFY = "verifies, changes nothing"
    NOTE = "recorded, changes nothing"
    NOTHING = "nothing"
    SHOW = "shown as such; no stall of the tenant"


class Situation(StrEnum):
    """The columns of the table; `situation_of` returns a saga's."""

    PROVISIONING = "Provisioning"
    UNWINDING = "Cancelling / unwinding"
    SETTLED = "settled"
    READY = "ready"
    ACTIVE = "Active"


_COLUMN: Final = {
    Phase.PROVISIONING: Situation.PROVISIONING,
    Phase.CANCELLING: Situation.UNWINDING,
    Phase.FAILED_UNWINDING: Situation.UNWINDING,
    Phase.FAILED_STUCK: Situation.UNWINDING,
    Phase.DECOMMISSIONING: Situation.UNWINDING,
    Phase.FAILED_SETTLED: Situation.SETTLED,
    Phase.FAILED_RETAINED: Situation.SETTLED,
    Phase.FAILED_READY: Situation.READY,
    Phase.ACTIVE: Situation.ACTIVE,
}

_M = Meaning
_TABLE: Final[dict[AirflowAction, tuple[Meaning, Meaning, Meaning, Meaning, Meaning]]] = {
    AirflowAction.MARK_RUN_FAILED: (_M.CANCEL, _M.CANCEL, _M.NOTHING, _M.NOTHING, _M.NOTE),
    AirflowAction.MARK_TASK_FAILED: (_M.FAIL_ACTIVITY, _M.NOTHING, _M.NOTHING, _M.NOTHING, _M.NOTHING),
    AirflowAction.MARK_SUCCESS: (_M.IGNORE, _M.NOTHING, _M.NOTHING, _M.NOTHING, _M.NOTHING),
    AirflowAction.CLEAR_RUN: (_M.CONTINUE, _M.REFUSE, _M.RESET_AND_RETRY, _M.RETRY, _M.VERIFY),
    AirflowAction.CLEAR_TASKS: (_M.CONTINUE, _M.REFUSE, _M.REFUSE, _M.REFUSE, _M.VERIFY),
    AirflowAction.TRIGGER_AGAIN: (_M.REFUSE, _M.REFUSE, _M.REFUSE, _M.RETRY, _M.REFUSE),
    AirflowAction.DELETE_RUN: (_M.LOST_RUN, _M.NOTHING, _M.NOTHING, _M.NOTHING, _M.NOTHING),
    AirflowAction.PAUSE: (_M.SHOW, _M.SHOW, _M.SHOW, _M.SHOW, _M.SHOW),
}


def situation_of(saga: Saga) -> Situation | None:
    """The saga's column; None once it is decommissioned, when no action has an effect."""
    return _COLUMN.get(saga.phase)


def meaning(action: AirflowAction, saga: Saga, run_id: RunId) -> Meaning:
    """The effect of this action on this run. Marks count only on the current attempt's run, also after it has ended."""
    column = situation_of(saga)
    if column is None:
        return Meaning.NOTHING
    if action is AirflowAction.CLEAR_RUN and run_id not in saga.runs:
        action = AirflowAction.TRIGGER_AGAIN  # a refused request, run once more
    if not _concerns(action, saga, run_id):
        return _of_old_run(action)
    if action is AirflowAction.MARK_RUN_FAILED and saga.state is State.DECOMMISSIONING:
        return Meaning.NOTE  # there is nothing to cancel
    return _TABLE[action][list(Situation).index(column)]


_MARKS: Final = frozenset({AirflowAction.MARK_RUN_FAILED, AirflowAction.MARK_TASK_FAILED, AirflowAction.MARK_SUCCESS})


def _concerns(action: AirflowAction, saga: Saga, run_id: RunId) -> bool:
    if action in _MARKS:
        return run_id == saga.run_id
    live = situation_of(saga) in {Situation.PROVISIONING, Situation.UNWINDING}
    return action in {AirflowAction.TRIGGER_AGAIN, AirflowAction.PAUSE} or not live or run_id == saga.run_id


def _of_old_run(action: AirflowAction) -> Meaning:
    """An old run of a tenant with a live attempt: clearing it is refused, its marks mean nothing."""
    return Meaning.REFUSE if action in {AirflowAction.CLEAR_RUN, AirflowAction.CLEAR_TASKS} else Meaning.NOTHING


def command_for(action: AirflowAction, saga: Saga, run_id: RunId, activity: ActivityName | None) -> c.Command | None:
    """The command for an action that was observed in Airflow; None if there is nothing to decide."""
    what = meaning(action, saga, run_id)
    if what is Meaning.CANCEL:
        return c.Cancel()
    if what is Meaning.LOST_RUN:
        return c.GiveUp(run_id, f"Airflow has no run {run_id} any more")
    if what is Meaning.FAIL_ACTIVITY:
        return c.GiveUp(run_id, f"{activity} was marked failed in Airflow", activity=activity)
    return None
