"""`decide(saga, command) -> facts`: every change of a tenant passes through here.

Console, REST API, command line, DAG tasks, failure callbacks, Airflow's listener and the reconciler all send commands;
none of them checks rules of its own. Pure: the same saga and command always give the same facts, or the same Refused,
whose sentence tells the operator what to do. Operators' actions are decided in this module. attempt.py (with
leases.py) decides the commands of running activities, unwinding_rules.py those of compensation; holds, stalls and
invitations have modules of their own.
"""

from functools import singledispatch

from tenancy.saga import attempt, confirmation, holds, invitation, replacements, stall_recording, unwinding_rules
from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.errors import Refused
from tenancy.saga.states import Phase, State, Substate
from tenancy.saga.tenant import Saga

RESET_RETRY_AFTER_SECONDS = 120
"""The runbook (docs/operating/runbook.md, step 4): wait 2 minutes, cancel again, then reset."""

_CANCELLABLE = frozenset(
    {Phase.PROVISIONING, Phase.CANCELLING, Phase.FAILED_UNWINDING, Phase.FAILED_STUCK, Phase.FAILED_RETAINED}
)
_RESETTABLE = frozenset({Phase.FAILED_SETTLED, Phase.FAILED_RETAINED})
_RUNNING = frozenset({Phase.PROVISIONING, Phase.CANCELLING, Phase.FAILED_UNWINDING})


def decide(saga: Saga | None, command: c.Command) -> tuple[f.Fact, ...]:
    """The facts that this command causes; none if its outcome is already recorded.

    Raises Refused, with a sentence for the operator, if the command is not allowed now; StaleLease, a Refused, if a
    newer process has taken over.
    """
    if isinstance(command, c.StartAttempt):
        return attempt.start(saga, command)
    if saga is None:
        raise Refused("There is no such tenant.")
    return _decide(command, saga)


@singledispatch
def _decide(command: c.Command, saga: Saga) -> tuple[f.Fact, ...]:  # noqa: ARG001 - singledispatch's fallback
    raise TypeError(f"no rule for {type(command).__name__}")


_decide.register(c.BeginActivity, attempt.begin)
_decide.register(c.CompleteActivity, attempt.complete)
_decide.register(c.FailActivity, attempt.fail)
_decide.register(c.ReportProgress, attempt.progress)
_decide.register(c.GiveUp, attempt.give_up)
_decide.register(c.ResumeAttempt, attempt.resume)
_decide.register(c.CheckUnwinding, unwinding_rules.check)
_decide.register(c.RenewUnwinding, unwinding_rules.renew)
_decide.register(c.ReleaseResource, unwinding_rules.release)
_decide.register(c.ConfirmReleased, unwinding_rules.confirm_released)
_decide.register(c.ReportFoundAgain, unwinding_rules.found_again)
_decide.register(c.ReportCompensationFailure, unwinding_rules.compensation_failed)
_decide.register(c.Settle, unwinding_rules.settle)
_decide.register(c.ExhaustUnwinding, unwinding_rules.exhaust)
_decide.register(c.RecordStall, stall_recording.record)
_decide.register(c.ExplainStall, stall_recording.explain)
_decide.register(c.ClearStall, stall_recording.clear)
_decide.register(c.ReportSystemReplaced, replacements.report)
_decide.register(c.ShowInvitation, invitation.show)
_decide.register(c.RenewInvitation, invitation.renew)


@_decide.register
def _confirmed(command: c.Confirmed, saga: Saga) -> tuple[f.Fact, ...]:
    facts = decide(saga, command.command)  # first: an action that is refused anyway must not ask for a confirmation
    confirmation.require_confirmed(saga, command)
    return facts


@_decide.register
def _cancel(_command: c.Cancel, saga: Saga) -> tuple[f.Fact, ...]:
    if saga.phase in _CANCELLABLE:
        return (f.CancelRequested(saga.unwinding.next_generation),)
    raise Refused(f"There is nothing to cancel: the tenant is {saga.phase}. {next_step(saga)}")


@_decide.register
def _reset(command: c.Reset, saga: Saga) -> tuple[f.Fact, ...]:
    if saga.phase in _RESETTABLE:
        return (f.RunReset(),)
    if command.force:
        return _forced_reset(command, saga)
    wait = RESET_RETRY_AFTER_SECONDS if saga.phase in _RUNNING else None  # in other phases waiting changes nothing
    raise Refused(f"Reset is refused while the tenant is {saga.phase}. {next_step(saga)}", retry_after=wait)


def _forced_reset(command: c.Reset, saga: Saga) -> tuple[f.Fact, ...]:
    if not command.platform_role:
        raise Refused("A forced reset needs the platform engineer's role: it can orphan in-flight activities.")
    if not command.reason.strip():
        raise Refused("A forced reset needs a reason: it can orphan in-flight activities.", field="reason")
    if saga.phase not in _RUNNING | {Phase.FAILED_STUCK}:
        raise Refused(f"There is nothing to reset: the tenant is {saga.phase}. {next_step(saga)}")
    return (f.RunReset(forced=True),)


@_decide.register
def _decommission(_command: c.Decommission, saga: Saga) -> tuple[f.Fact, ...]:
    running = saga.state in {State.PROVISIONING, State.CANCELLING} or saga.substate is Substate.UNWINDING
    if running or saga.state is State.DECOMMISSIONED:
        raise Refused(f"Decommission is refused while the tenant is {saga.phase}. {next_step(saga)}")
    requested = f.DecommissionRequested(saga.unwinding.next_generation)
    at_rest = saga.phase in {Phase.FAILED_SETTLED, Phase.FAILED_READY}
    return (requested, f.TenantDecommissioned()) if at_rest and saga.has_nothing_left else (requested,)


@_decide.register
def _record_hold(command: c.RecordHold, saga: Saga) -> tuple[f.Fact, ...]:
    if saga.state is not State.PROVISIONING and not unwinding_rules.is_to_be_unwound(saga):
        raise Refused(f"No run of this tenant is waited for: it is {saga.phase}.")
    return holds.record_hold(command, saga)


@_decide.register
def _record_history_cleared(_command: c.RecordHistoryCleared, saga: Saga) -> tuple[f.Fact, ...]:
    return () if saga.current_attempt.history_cleared else (f.RunHistoryCleared(),)


@_decide.register
def _escalate(_command: c.Escalate, saga: Saga) -> tuple[f.Fact, ...]:
    if saga.state is State.DECOMMISSIONED:
        raise Refused("A decommissioned tenant has nothing to escalate.")
    return (f.Escalated(),)


@_decide.register
def _record_escalation_sent(command: c.RecordEscalationSent, saga: Saga) -> tuple[f.Fact, ...]:
    """No facts if a new attempt has begun since the escalation, or if this channel is already recorded."""
    news = saga.escalation is not None and command.channel not in saga.escalation.sent_to
    return (f.EscalationSent(command.channel),) if news else ()


def next_step(saga: Saga) -> str:
    """The next step from here, in one sentence (runbook: cancel, then reset, then retry)."""
    return (saga.past_no_return and _NEXT_STEPS_PAST_NO_RETURN.get(saga.phase)) or NEXT_STEPS[saga.phase]


KEEP_RESOURCES = (
    "Mark its running task failed in Airflow: it has passed its point of no return, so that ends the attempt and keeps "
    "everything; then reset and retry. A cancel destroys a customer's data."
)
_IF_RESTORED = (
    "the tenant may be Active, and a cancel destroys a customer's data. Otherwise remove the cause, then cancel again."
)
ESCALATE_IF_RESTORED = f"If the ledger was restored lately, do not cancel but escalate: {_IF_RESTORED}"
KEEP_IF_RESTORED = f"if the ledger was restored lately, do not cancel: {_IF_RESTORED}"
"""The same for a tenant that is escalated."""
_NEXT_STEPS_PAST_NO_RETURN = {Phase.PROVISIONING: KEEP_RESOURCES, Phase.FAILED_STUCK: ESCALATE_IF_RESTORED}
NEXT_STEPS = {
    Phase.PROVISIONING: "Cancel first: it releases the resources cleanly.",
    Phase.CANCELLING: "Wait 2 minutes for the cancel to complete, cancel again if it has not, then reset.",
    Phase.FAILED_UNWINDING: "Wait until the compensations are done, cancel again if they hang.",
    Phase.FAILED_STUCK: "Compensations ran out of retries: remove the cause, then cancel again.",
    Phase.FAILED_SETTLED: "Reset, then retry.",
    Phase.FAILED_RETAINED: "Reset, then retry: its resources are kept.",
    Phase.FAILED_READY: "Retry, or decommission.",
    Phase.ACTIVE: "It is done; decommission it if it is no longer wanted.",
    Phase.DECOMMISSIONING: "Wait until everything is released, or decommission again if it hangs.",
    Phase.DECOMMISSIONED: "Create the tenant anew if it is wanted again.",
}
