"""`evolve(saga, fact) -> saga`: how each fact changes the saga.

The ledger computes a tenant's current saga so, fact by fact (ledger/ledger.py); `fold` does it at once. Nothing is
refused here: `decide` has accepted each fact before it was stored, and facts of older versions must stay readable.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import singledispatch

from tenancy.saga import facts as f
from tenancy.saga.attempt_values import Attempt
from tenancy.saga.causes import Cause, Evidence, cause_of
from tenancy.saga.names import ActivityName
from tenancy.saga.replacements import key_of
from tenancy.saga.saga_values import NO_HOLD, Escalation, Hold, ResourceKey
from tenancy.saga.states import ResourceState, State, StepStatus, Substate
from tenancy.saga.tenant import Failure, OpenStall, Resource, Saga


def evolve(saga: Saga | None, fact: f.Fact) -> Saga:
    """The saga after this fact. The first fact of a stream is ProvisioningRequested."""
    if isinstance(fact, f.ProvisioningRequested):
        return Saga(fact.tenant_id, fact.parameters, State.PROVISIONING, seq=1, predecessor=fact.predecessor)
    if saga is None:
        raise ValueError(f"a tenant's stream cannot begin with {fact.kind}")
    return replace(_apply(fact, saga), seq=saga.seq + 1)


def fold(facts: Iterable[f.Fact], saga: Saga | None = None) -> Saga | None:
    """The saga after all facts of a stream; None for an empty stream."""
    for fact in facts:
        saga = evolve(saga, fact)
    return saga


@singledispatch
def _apply(fact: f.Fact, saga: Saga) -> Saga:  # noqa: ARG001 - facts that only inform change nothing
    return saga


@_apply.register
def _attempt_started(fact: f.AttemptStarted, saga: Saga) -> Saga:
    attempt = Attempt(
        fact.attempt,
        fact.run_id,
        fact.plan,
        fact.schema_version,
        fact.chart_version,
        product=fact.product.name or saga.product,
        dag_id=fact.dag_id,
        clear_number=fact.clear_number,
    )
    return replace(
        saga,
        parameters=fact.parameters,
        state=State.PROVISIONING,
        substate=None,
        current_attempt=attempt,
        unwinding=saga.unwinding.without_failure(),
        hold=NO_HOLD,
        escalation=None,
        runs=saga.runs.with_attempt(attempt, ended=saga.current_attempt),
    )


@_apply.register
def _request_refused(fact: f.RequestRefused, saga: Saga) -> Saga:
    """Airflow calls back for the refused run later, perhaps when somebody has cleared it and an attempt has begun."""
    is_over = saga.state in {State.FAILED, State.CANCELLING}
    if not (is_over and fact.holder and fact.run_id in saga.runs):
        return saga
    return replace(saga, runs=saga.runs.with_fence(fact.run_id, fact.holder))


@_apply.register
def _activity_started(fact: f.ActivityStarted, saga: Saga) -> Saga:
    # The last try's error stays until this try ends, because an operator needs it meanwhile.
    runs = saga.runs.with_clears(saga.run_id, fact.clear_number)
    running = replace(saga, hold=NO_HOLD, runs=runs)
    return _with_step(running, fact.activity, status=StepStatus.RUNNING, holder=fact.holder)


@_apply.register
def _activity_completed(fact: f.ActivityCompleted, saga: Saga) -> Saga:
    # Older versions recorded no PointOfNoReturnPassed: in their streams the pivot's completion is that point.
    passed = saga.past_no_return or saga.current_attempt.is_pivot(fact.activity)
    passing = replace(saga, past_no_return=passed)
    done = {"status": StepStatus.DONE, "message": "", "cause": Cause.UNKNOWN, "outputs": fact.outputs}
    return _with_step(passing, fact.activity, **done)


@_apply.register
def _activity_progressed(fact: f.ActivityProgressed, saga: Saga) -> Saga:
    return _with_step(saga, fact.activity, message=fact.message, cause=cause_of(fact.cause))


@_apply.register
def _activity_failed(fact: f.ActivityFailed, saga: Saga) -> Saga:
    cause = cause_of(fact.cause)
    failed = _with_step(saga, fact.activity, status=StepStatus.FAILED, message=fact.message, cause=cause)
    return replace(failed, hold=Hold.for_platform(fact.message, cause)) if fact.platform else failed


@_apply.register
def _point_of_no_return_passed(fact: f.PointOfNoReturnPassed, saga: Saga) -> Saga:
    resumed = saga.current_attempt.resumed or fact.resumed
    return replace(_with_attempt(saga, resumed=resumed), past_no_return=True)


@_apply.register
def _provisioning_completed(_fact: f.ProvisioningCompleted, saga: Saga) -> Saga:
    return replace(saga, state=State.ACTIVE, substate=None, past_no_return=True)


@_apply.register
def _provisioning_failed(fact: f.ProvisioningFailed, saga: Saga) -> Saga:
    failure = Failure(saga.attempt, fact.activity, fact.message, cause_of(fact.cause))
    substate = Substate.RETAINED if fact.retained else Substate.UNWINDING
    passed = saga.past_no_return or fact.retained
    failures = (*saga.failures, failure)
    return replace(saga, state=State.FAILED, substate=substate, failures=failures, past_no_return=passed)


@_apply.register
def _invitation_shown(fact: f.InvitationShown, saga: Saga) -> Saga:
    return replace(saga, invitation=replace(saga.invitation, shown_generation=fact.generation))


@_apply.register
def _invitation_renewed(fact: f.InvitationRenewed, saga: Saga) -> Saga:
    return replace(saga, invitation=replace(saga.invitation, generation=fact.generation))


@_apply.register
def _cancel_requested(fact: f.CancelRequested, saga: Saga) -> Saga:
    cancelled = saga.current_attempt.cancelled or saga.state is State.PROVISIONING
    unwinding = saga.unwinding.requested(fact.generation)
    cancelling = replace(saga, state=State.CANCELLING, substate=None, unwinding=unwinding, hold=NO_HOLD)
    return _with_attempt(cancelling, cancelled=cancelled)


@_apply.register
def _unwinding_started(fact: f.UnwindingStarted, saga: Saga) -> Saga:
    next_one = saga.unwinding.renewed if fact.renewal else saga.unwinding.requested
    return replace(saga, unwinding=next_one(fact.generation), hold=saga.hold.without_fault())


@_apply.register
def _resource_intended(fact: f.ResourceIntended, saga: Saga) -> Saga:
    resource = Resource(
        fact.resource,
        fact.name,
        fact.proof,
        fact.activity,
        ResourceState.INTENDED,
        fact.credential,
        fact.system,
        fact.region,
        fact.connection,
    )
    return replace(saga, observed_gone=False).with_resource(resource)


@_apply.register
def _resource_present(fact: f.ResourcePresent, saga: Saga) -> Saga:
    return _with_resource_state(saga, fact.resource, fact.name, ResourceState.PRESENT)


@_apply.register(f.ResourceReleasing)
@_apply.register(f.ResourceFoundAgain)
def _resource_releasing_or_found_again(fact: f.ResourceReleasing | f.ResourceFoundAgain, saga: Saga) -> Saga:
    return _with_resource_state(saga, fact.resource, fact.name, ResourceState.RELEASING)


@_apply.register
def _resource_released(fact: f.ResourceReleased, saga: Saga) -> Saga:
    released = _with_resource_state(saga, fact.resource, fact.name, ResourceState.RELEASED)
    return replace(released, hold=_hold_without(saga, fact), unwinding=saga.unwinding.released_one())


@_apply.register
def _system_replaced(fact: f.SystemReplaced, saga: Saga) -> Saga:
    return replace(saga, replacements=saga.replacements | {key_of(fact)})


@_apply.register
def _compensation_failed(fact: f.CompensationFailed, saga: Saga) -> Saga:
    sentence, cause = f"The {fact.resource} {fact.name} could not be undone: {fact.message}", cause_of(fact.cause)
    held = Hold.for_platform(sentence, cause, _of(fact)) if fact.platform else _hold_without(saga, fact)
    live = {(resource.kind, resource.name) for resource in saga.live_resources}
    return replace(saga, hold=held, unwinding=saga.unwinding.failed(_of(fact), Evidence(cause, sentence), live))


@_apply.register
def _unwinding_exhausted(_fact: f.UnwindingExhausted, saga: Saga) -> Saga:
    saga = replace(saga, hold=NO_HOLD, unwinding=saga.unwinding.exhausted())
    if saga.state is State.DECOMMISSIONING:
        return saga  # Decommission may be repeated; there is no Failed to fall back to
    return replace(saga, state=State.FAILED, substate=Substate.STUCK)


@_apply.register
def _settled(_fact: f.Settled, saga: Saga) -> Saga:
    gone = replace(saga, hold=NO_HOLD, observed_gone=True, past_no_return=False)
    return replace(gone, state=State.FAILED, substate=Substate.SETTLED, unwinding=saga.unwinding.without_failure())


@_apply.register
def _run_reset(fact: f.RunReset, saga: Saga) -> Saga:
    observed = saga.observed_gone and not fact.forced
    ready = replace(saga, hold=NO_HOLD, state=State.FAILED, substate=Substate.READY, observed_gone=observed)
    return _with_attempt(ready, history_cleared=False)


@_apply.register
def _run_history_cleared(_fact: f.RunHistoryCleared, saga: Saga) -> Saga:
    return _with_attempt(saga, history_cleared=True)


@_apply.register
def _run_held(fact: f.RunHeld, saga: Saga) -> Saga:
    cause = cause_of(fact.cause)
    held = Hold.for_platform(fact.message, cause) if fact.platform else saga.hold.with_reason(fact.message, cause)
    return replace(saga, hold=held)


@_apply.register
def _provisioning_stalled(fact: f.ProvisioningStalled, saga: Saga) -> Saga:
    return replace(saga, stall=OpenStall(fact.stall, fact.activity, cause_of(fact.cause), fact.message))


@_apply.register
def _stall_explained(fact: f.StallExplained, saga: Saga) -> Saga:
    if saga.stall is None:
        return saga
    return replace(saga, stall=replace(saga.stall, cause=cause_of(fact.cause), message=fact.message))


@_apply.register
def _stall_cleared(_fact: f.StallCleared, saga: Saga) -> Saga:
    return replace(saga, stall=None)


@_apply.register
def _escalated(_fact: f.Escalated, saga: Saga) -> Saga:
    return replace(saga, escalation=Escalation())


@_apply.register
def _escalation_sent(fact: f.EscalationSent, saga: Saga) -> Saga:
    return replace(saga, escalation=saga.escalation and saga.escalation.with_channel(fact.channel))


@_apply.register
def _decommission_requested(fact: f.DecommissionRequested, saga: Saga) -> Saga:
    unwinding = saga.unwinding.requested(fact.generation)
    return replace(saga, state=State.DECOMMISSIONING, substate=None, unwinding=unwinding)


@_apply.register
def _tenant_decommissioned(_fact: f.TenantDecommissioned, saga: Saga) -> Saga:
    unwinding = saga.unwinding.without_failure()
    return replace(saga, hold=NO_HOLD, state=State.DECOMMISSIONED, substate=None, unwinding=unwinding)


def _with_attempt(saga: Saga, **changes: bool) -> Saga:
    return replace(saga, current_attempt=replace(saga.current_attempt, **changes))  # type: ignore[arg-type]


def _with_step(saga: Saga, activity: ActivityName, **changes: object) -> Saga:
    return replace(saga, current_attempt=saga.current_attempt.with_step(activity, **changes))


def _hold_without(saga: Saga, fact: f.ResourceReleased | f.CompensationFailed) -> Hold:
    """Without the platform fault that kept this resource: it is over, or another failure has replaced it."""
    return NO_HOLD if saga.hold.is_by(_of(fact)) else saga.hold


def _of(fact: f.ResourceReleased | f.CompensationFailed) -> ResourceKey:
    return fact.resource, fact.name


def _with_resource_state(saga: Saga, kind: str, name: str, state: ResourceState) -> Saga:
    for resource in saga.resources:
        if (resource.kind, resource.name) == (kind, name):
            was_present = resource.was_present or state is ResourceState.PRESENT
            return saga.with_resource(replace(resource, state=state, was_present=was_present))
    raise ValueError(f"no fact intended the {kind} {name}")
