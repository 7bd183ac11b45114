"""The rules of recording stalls: each is recorded once and cleared once. A stall changes no state.

Called by decide.py only. stalls.py finds stalls, from the tenant's row; here a finding is refused if the tenant has
moved on since.
"""

from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.errors import Refused
from tenancy.saga.stalls import NOT_EXAMINED, StallKind
from tenancy.saga.states import State, Substate
from tenancy.saga.tenant import Saga


def record(command: c.RecordStall, saga: Saga) -> tuple[f.Fact, ...]:
    """Record a stall. No facts if it is already recorded; another open stall is cleared first."""
    stall, evidence = command.stall, command.evidence
    if not _is_still_so(command, saga):
        raise Refused(f"It has continued: the tenant is {saga.phase}.")
    if saga.stall and (saga.stall.kind, saga.stall.activity) == (stall.kind, stall.activity):
        return ()
    seconds = round(stall.limit.total_seconds())
    stalled = f.ProvisioningStalled(
        stall.kind, stall.activity, seconds, evidence.cause, evidence.message, dict(evidence.raw)
    )
    return (*clear(c.ClearStall(), saga), stalled)


def _is_still_so(command: c.RecordStall, saga: Saga) -> bool:
    unwinding = saga.state in {State.CANCELLING, State.DECOMMISSIONING} or saga.substate is Substate.UNWINDING
    match command.stall.kind:
        case StallKind.ACTIVITY | StallKind.PROVISIONING:
            return saga.state is State.PROVISIONING and saga.current_activity == command.stall.activity
        case StallKind.UNWINDING:
            return unwinding
        case StallKind.STUCK:
            return saga.substate is Substate.STUCK
        case StallKind.UNATTENDED:
            return saga.state is State.FAILED and not unwinding


def explain(command: c.ExplainStall, saga: Saga) -> tuple[f.Fact, ...]:
    """Record a new cause. No facts while the cause is unchanged: its message changes all the time."""
    if saga.stall is None:
        raise Refused("There is no stall to explain.")
    evidence = command.evidence
    if evidence.cause == saga.stall.cause and saga.stall.message != NOT_EXAMINED:
        return ()
    return (f.StallExplained(evidence.cause, evidence.message, dict(evidence.raw)),)


def clear(_command: c.ClearStall, saga: Saga) -> tuple[f.Fact, ...]:
    """End the open stall. No facts if there is none."""
    return (f.StallCleared(saga.stall.kind, saga.stall.activity),) if saga.stall else ()
