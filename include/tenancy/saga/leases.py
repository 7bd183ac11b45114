"""Leases and fences: may this task instance act for this activity now? Every function raises if it may not.

Why: a tenant may be cancelled, or tasks cleared or retried in Airflow, while a process still runs. An old process must
not act any more. Called by attempt.py. The fence of a running task asks whether it could complete its activity now
(engine/provisioning/runner.py); that of an unwinding, whether its generation is still the newest.
"""

from tenancy.saga.errors import OutOfTurn, Refused, StaleLease
from tenancy.saga.names import ActivityName, RunId, TaskInstanceId
from tenancy.saga.states import Phase, State, StepStatus
from tenancy.saga.tenant import Lease, Saga


def require_current_run(saga: Saga, run_id: RunId) -> None:
    """Raise Refused if the tenant is not Provisioning, StaleLease if another run is its current attempt."""
    if saga.state is not State.PROVISIONING:
        raise Refused(_WHY_NOT_ACT[saga.phase])
    if run_id != saga.run_id:
        raise StaleLease(f"This run is not the tenant's current attempt: that is run {saga.run_id}.")


_WHY_NOT_ACT = {
    Phase.CANCELLING: "The tenant is being cancelled: its tasks may not run again until that is done.",
    Phase.FAILED_UNWINDING: "The tenant is being undone: its tasks may not run again until that is done.",
    Phase.FAILED_STUCK: "The tenant could not be undone: cancel it again before anything of it runs.",
    Phase.FAILED_SETTLED: "Single tasks cannot be run again: clear the whole run, or use Reset and Retry.",
    Phase.FAILED_RETAINED: "Single tasks cannot be run again: clear the whole run, or use Reset and Retry.",
    Phase.FAILED_READY: "Single tasks cannot be run again: clear the whole run, or use Retry.",
    Phase.ACTIVE: "The tenant is active; nothing of its run is left to do.",
    Phase.DECOMMISSIONING: "The tenant is being decommissioned: its tasks may not run again.",
    Phase.DECOMMISSIONED: "The tenant is decommissioned: trigger a new run to create it anew.",
}


def require_same_dag(saga: Saga, run_id: RunId, dag_id: str) -> None:
    """Raise Refused when a run of another DAG has the same id: Airflow's run ids are unique within a DAG only."""
    if run_id == saga.run_id and dag_id != saga.dag_id:
        raise Refused(
            f"The run {run_id} of {saga.dag_id} provisions {saga.parameters.slug}, and this is a run of "
            f"{dag_id} with the same id. Trigger a new run with another id."
        )


def require_not_fenced(saga: Saga, run_id: RunId, holder: TaskInstanceId) -> None:
    """Raise StaleLease if the task instance acted in an attempt that is over."""
    if saga.runs.is_fenced(run_id, holder):
        raise StaleLease(f"Task instance {holder} belongs to an attempt that is over; it must stop.")


def require_not_superseded(saga: Saga, run_id: RunId, activity: ActivityName, holder: TaskInstanceId) -> None:
    """Raise StaleLease if a newer task instance has taken over the activity."""
    require_not_fenced(saga, run_id, holder)
    newest = saga.step(activity).holder
    if holder < newest:
        raise StaleLease(f"A newer task instance ({newest}) has taken over {activity}; this one ({holder}) must stop.")


def require_planned(saga: Saga, activity: ActivityName) -> None:
    """Raise Refused if the attempt's plan does not have the activity."""
    if not saga.current_attempt.has(activity):
        raise Refused(f"{activity} is not in the plan this attempt started with. Cancel, reset and retry.")


def require_predecessors(saga: Saga, activity: ActivityName) -> None:
    """Raise Refused unless all activities before this one are done; OutOfTurn if the one before it is running."""
    require_planned(saga, activity)
    for entry in saga.current_attempt.plan:
        if entry.activity == activity:
            return
        status = saga.step(entry.activity).status
        if status is not StepStatus.DONE:
            raise _not_its_turn(activity, entry.activity, status)


def _not_its_turn(activity: ActivityName, undone: ActivityName, status: StepStatus) -> Refused:
    sentence = f"{activity} must wait: {undone} is not done, whatever state Airflow shows."
    if status is StepStatus.RUNNING:
        return OutOfTurn(f"{sentence} It is running now. If that lasts, clear the whole run, or cancel.")
    return Refused(f"{sentence} Clear the whole run, or cancel.")


def require_lease(saga: Saga, lease: Lease) -> None:
    """Raise StaleLease unless this task instance holds the activity's lease and the activity is running."""
    require_current_run(saga, lease.run_id)
    step = saga.step(lease.activity)
    if step.holder != lease.holder or step.status is not StepStatus.RUNNING:
        raise StaleLease(f"{lease.activity} is no longer held by task instance {lease.holder}.")
