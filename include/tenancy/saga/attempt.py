"""The rules of attempts: which run may start one, which task may act, and what its outcome means.

Called by decide.py only.
"""

from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga import holds, leases
from tenancy.saga.causes import Cause
from tenancy.saga.errors import Refused
from tenancy.saga.names import ActivityName
from tenancy.saga.states import ActivityKind, Phase, State, StepStatus
from tenancy.saga.tenant import Intent, Lease, Resource, Saga


def start(saga: Saga | None, command: c.StartAttempt) -> tuple[f.Fact, ...]:
    """Start an attempt for this run. No facts if the run's attempt has already started, or the tenant is Active."""
    if saga is None:
        requested = f.ProvisioningRequested(command.tenant_id, command.parameters, command.predecessor)
        return (requested, _attempt(1, command))
    if command.run_id in saga.runs:
        return _start_again(saga, command)
    if saga.phase is Phase.FAILED_READY:
        _require_same_product(saga, command)
        return _retry(saga, command)
    raise _may_not_retry(saga) if command.is_retry else _may_not_start(saga)


def _require_same_product(saga: Saga, command: c.StartAttempt) -> None:
    asked, kept = command.product.name, saga.product or command.unrecorded_product
    if asked and kept and asked != kept:
        raise Refused(
            f"product: {saga.parameters.slug} is a tenant of {kept}, and it keeps its product. Retry it with "
            f"that one, or decommission it and create it anew with {asked}.",
            field="product",
        )


def _start_again(saga: Saga, command: c.StartAttempt) -> tuple[f.Fact, ...]:
    """Somebody cleared a whole run in Airflow that belongs to one of the tenant's attempts."""
    if saga.state is State.ACTIVE:
        return ()
    if saga.state is State.PROVISIONING and saga.run_id == command.run_id:
        return ()
    if saga.run_id == command.run_id and not saga.current_attempt.steps:
        raise Refused(
            "This run was cancelled before it began, and it stays cancelled. Use Reset and Retry to provision "
            f"{saga.parameters.slug} after all.",
            field="slug",
        )
    if saga.state is not State.FAILED or saga.phase in {Phase.FAILED_UNWINDING, Phase.FAILED_STUCK}:
        raise _may_not_start(saga)
    if not saga.runs.was_cleared(command.run_id, command.clear_number):
        raise Refused(_NOT_CLEARED, field="slug")
    retried = _retry(saga, command)
    return retried if saga.phase is Phase.FAILED_READY else (f.RunReset(), *retried)


def _retry(saga: Saga, command: c.StartAttempt) -> tuple[f.Fact, ...]:
    difference = command.parameters.first_difference(saga.parameters)
    if difference and not saga.has_nothing_left:
        raise Refused(
            "This tenant kept its resources, or may have, so its retry must ask for the same slug, plan, region, "
            "name, admin e-mail and parameters of the product. To change them, decommission it and create it anew.",
            field=difference,
        )
    return (f.RetryRequested(command.run_id), _attempt(saga.attempt + 1, command))


def _attempt(number: int, command: c.StartAttempt) -> f.AttemptStarted:
    versions = (command.schema_version, command.chart_version, command.product, command.dag_id)
    return f.AttemptStarted(
        number, command.run_id, command.parameters, command.plan, *versions, clear_number=command.clear_number
    )


# Airflow 3.3.2: if the scheduler's transaction about a run meets a deadlock with the request that marks the run failed,
# the scheduler repeats it without its lock (`retry_db_transaction`). It then finds the tasks that a Reset has cleared,
# and sets the run to running again.
_NOT_CLEARED = (
    "This run has ended, and nobody has cleared it since: Airflow started it again by itself, or somebody set its "
    "state. It changes nothing. To provision the tenant again, clear the whole run, or use Retry (after Reset)."
)


_WHY_NOT_START = {
    Phase.PROVISIONING: "The slug {slug} is being provisioned by run {run} (attempt {attempt}). "
    "Watch that run, or cancel it first.",
    Phase.CANCELLING: "The tenant {slug} is being cancelled. Wait until nothing is left, then reset and retry.",
    Phase.FAILED_UNWINDING: "The tenant {slug} is being undone. Wait until nothing is left, then reset and retry.",
    Phase.FAILED_STUCK: "The tenant {slug} could not be undone. Cancel it again, then reset and retry.",
    Phase.FAILED_SETTLED: "The tenant {slug} has failed. Reset it first, then retry.",
    Phase.FAILED_RETAINED: "The tenant {slug} has failed, and all it has is kept. Reset it first, then retry.",
    Phase.ACTIVE: "The slug {slug} is taken by an active tenant. Choose another slug.",
    Phase.DECOMMISSIONING: "The tenant {slug} is being decommissioned. Wait until its slug is free.",
    Phase.DECOMMISSIONED: "This run belongs to a decommissioned tenant. Trigger a new run to create it anew.",
}


def _may_not_start(saga: Saga) -> Refused:
    sentence = _WHY_NOT_START[saga.phase]
    return Refused(sentence.format(slug=saga.parameters.slug, run=saga.run_id, attempt=saga.attempt), field="slug")


_WHY_NOT_RETRY = {
    Phase.PROVISIONING: "Attempt {attempt} is still running. Watch its timeline, or cancel provisioning first.",
    Phase.CANCELLING: "The tenant is being cancelled. Wait until that is done, then reset and retry.",
    Phase.FAILED_UNWINDING: "The attempt that failed is being rolled back. "
    "Wait until that is done, then reset and retry.",
    Phase.FAILED_STUCK: "The rollback is incomplete. Fix the cause, cancel again, then reset and retry.",
    Phase.FAILED_SETTLED: "Reset the tenant first, then retry.",
    Phase.FAILED_RETAINED: "Reset the tenant first, then retry: its resources are kept.",
    Phase.ACTIVE: "There is nothing to retry: the tenant is Active.",
    Phase.DECOMMISSIONING: "The tenant is being decommissioned. Wait until that is done, then recreate it.",
    Phase.DECOMMISSIONED: "The tenant is decommissioned. Recreate it if it is wanted again.",
}


def _may_not_retry(saga: Saga) -> Refused:
    return Refused(_WHY_NOT_RETRY[saga.phase].format(attempt=saga.attempt))


def begin(command: c.BeginActivity, saga: Saga) -> tuple[f.Fact, ...]:
    """Give the lease to this task instance. The holder may call again, to add what it is about to create.

    No facts if the tenant is Active: then the task only verifies.
    """
    lease = command.lease
    if saga.state is State.ACTIVE:
        return ()
    leases.require_current_run(saga, lease.run_id)
    leases.require_not_superseded(saga, lease.run_id, lease.activity, lease.holder)
    leases.require_predecessors(saga, lease.activity)
    step = saga.step(lease.activity)
    if step.holder == lease.holder and step.status is StepStatus.RUNNING:
        return _intend(saga, lease.activity, command.intents)
    started = f.ActivityStarted(lease.activity, lease.holder, command.try_number, command.clear_number)
    return (started, *_intend(saga, lease.activity, command.intents))


def _intend(saga: Saga, activity: ActivityName, intents: tuple[Intent, ...]) -> tuple[f.Fact, ...]:
    live = {(resource.kind, resource.name) for resource in saga.live_resources}
    return tuple(
        f.ResourceIntended(
            intent.kind,
            intent.name,
            intent.proof,
            activity,
            intent.credential,
            intent.system,
            intent.region,
            intent.connection,
        )
        for intent in intents
        if (intent.kind, intent.name) not in live
    )


def complete(command: c.CompleteActivity, saga: Saga) -> tuple[f.Fact, ...]:
    """The activity's resources exist. Completing the last activity of the plan makes the tenant Active.

    No facts if this task instance has already recorded the completion.
    """
    if _has_completed(saga, command.lease):
        return ()
    leases.require_lease(saga, command.lease)
    activity = command.lease.activity
    made = tuple(f.ResourcePresent(r.kind, r.name) for r in _own(saga, activity))
    last = activity == saga.current_attempt.plan[-1].activity
    if last:
        # one of them may have been cleared, and may be running again
        leases.require_predecessors(saga, activity)
    passed = _pass_no_return(saga, _PIVOT_DONE) if last or saga.current_attempt.is_pivot(activity) else ()
    completed = (f.ProvisioningCompleted(),) if last else ()
    return (*made, f.ActivityCompleted(activity, command.outputs), *passed, *completed)


_PIVOT_DONE = "Everything the tenant needs is there and ready: a customer may use it from now on."
_KEPT = "Everything the tenant has was made before this attempt failed."


def _pass_no_return(saga: Saga, reason: str) -> tuple[f.Fact, ...]:
    return () if saga.past_no_return else (f.PointOfNoReturnPassed(reason),)


def resume(command: c.ResumeAttempt, saga: Saga) -> tuple[f.Fact, ...]:
    """The attempt continues with the resources that exist. Recorded before its run is cleared; once for each
    attempt."""
    leases.require_current_run(saga, command.run_id)
    if saga.current_attempt.resumed:
        return ()
    return (f.PointOfNoReturnPassed(command.message, resumed=True), f.RunHeld(command.message))


def _has_completed(saga: Saga, lease: Lease) -> bool:
    step = saga.step(lease.activity)
    mine = (saga.run_id, step.holder, step.status) == (lease.run_id, lease.holder, StepStatus.DONE)
    return mine and saga.state in {State.PROVISIONING, State.ACTIVE}


def _own(saga: Saga, activity: ActivityName) -> tuple[Resource, ...]:
    return tuple(r for r in saga.live_resources if r.activity == activity and r.state != "present")


def fail(command: c.FailActivity, saga: Saga) -> tuple[f.Fact, ...]:
    """One try failed; Airflow may try again."""
    leases.require_lease(saga, command.lease)
    activity, cause = command.lease.activity, str(command.cause)
    return (
        f.ActivityFailed(
            activity, command.error, command.message, cause, command.platform, command.permanent, command.stopped
        ),
    )


def progress(command: c.ReportProgress, saga: Saga) -> tuple[f.Fact, ...]:
    """What a waiting task observes. No facts while that is unchanged."""
    leases.require_lease(saga, command.lease)
    activity = command.lease.activity
    step = saga.step(activity)
    if (step.message, step.cause) == (command.message, command.cause):
        return ()
    cause = "" if command.cause is Cause.UNKNOWN else str(command.cause)
    return (f.ActivityProgressed(activity, command.message, cause),)


def give_up(command: c.GiveUp, saga: Saga) -> tuple[f.Fact, ...]:
    """The run failed finally. No facts if that is already recorded.

    If the platform is at fault, the attempt is held instead: nothing is compensated, and the attempt continues later.
    """
    leases.require_same_dag(saga, command.run_id, command.dag_id or saga.dag_id)
    if saga.phase in {Phase.FAILED_UNWINDING, Phase.FAILED_RETAINED} and saga.run_id == command.run_id:
        return ()
    leases.require_current_run(saga, command.run_id)
    activity = command.activity or saga.current_activity
    if activity is None:
        raise Refused("Every activity of this attempt is done.")
    leases.require_planned(saga, activity)
    if command.holder is not None and command.activity is not None:
        leases.require_not_superseded(saga, command.run_id, activity, command.holder)
    elif command.holder is not None:  # the DAG's callback knows a task instance of the run, but not the activity's
        leases.require_not_fenced(saga, command.run_id, command.holder)
    if command.platform_fault or saga.hold.platform_fault:
        return _held(saga, command)
    return _failed(saga, activity, _why(saga, activity, command.message))


def _held(saga: Saga, command: c.GiveUp) -> tuple[f.Fact, ...]:
    """The platform is at fault: hold the attempt. The reconciler clears its run once the platform works again."""
    if saga.hold.platform_fault:
        return ()
    return holds.hold_for_platform(saga, command.message, command.platform_fault or Cause.PLATFORM_FAULT)


def _why(saga: Saga, activity: ActivityName, sentence: str) -> str:
    """The best reason: the failed try's own error; for a task that died while waiting, what it observed last."""
    step = saga.step(activity)
    if step.status is StepStatus.RUNNING and step.message:
        return f"{sentence} (seen last: {step.message})"
    return step.message or sentence


def _failed(saga: Saga, activity: ActivityName, message: str) -> tuple[f.Fact, ...]:
    cause = str(saga.step(activity).cause)
    if saga.past_no_return or _keeps_all(saga, activity):
        return (*_pass_no_return(saga, _KEPT), f.ProvisioningFailed(activity, message, retained=True, cause=cause))
    failed = f.ProvisioningFailed(activity, message, retained=False, cause=cause)
    return (failed, f.UnwindingStarted(saga.unwinding.next_generation))


def _keeps_all(saga: Saga, activity: ActivityName) -> bool:
    """Did only the last step fail, so that all resources exist? Not if it was marked failed before its turn had
    come."""
    its_turn_came = saga.step(activity).status is not StepStatus.IDLE or activity == saga.current_activity
    return saga.current_attempt.kind_of(activity) is ActivityKind.RETRIABLE and its_turn_came
