"""What `recover` does next: cancel, then reset, then retry, each only if it is needed. Pure.

It is the runbook as a function of the tenant and of this recovery's history. `recovery` carries it out. It never loops:
it stops after a retry that fails with the same error as before, and after the third attempt that did not end Active.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Self

from tenantctl.exit_codes import ExitCode
from tenantctl.phases import Phase
from tenantctl.tenant import ENOUGH_ATTEMPTS, Failure, Tenant
from tenantctl.text import as_sentence, format_duration

QUIET_SECONDS: Final = 120.0
"""The runbook (docs/operating/runbook.md, step 4): wait 2 minutes, cancel again, then reset."""
_STALL_SECONDS: Final = 300.0
"""The runbook (docs/operating/runbook.md, step 1): 5 minutes for an activity.

The API's needs_attention knows the activities that may take longer.
"""
_CANCELS: Final = 3


@dataclass(frozen=True)
class TakeAction:
    """Request this action, for this reason."""

    action: str
    why: str


@dataclass(frozen=True)
class Wait:
    """The saga continues by itself: fetch the tenant again."""

    what: str


@dataclass(frozen=True)
class Stop:
    """The recovery ends, with this exit code and message."""

    code: ExitCode
    message: str


Step = TakeAction | Wait | Stop


@dataclass(frozen=True)
class RecoveryHistory:
    """What this recovery found, and what it has done."""

    first_failure: Failure
    """The activity that failed or stalled when the recovery began. Its message is "" if it stalled."""
    first_attempt: int = 0
    """The attempt when the recovery began. A newer one is ours or somebody else's."""
    cancels: int = 0
    stuck_was_cancelled: bool = False
    retried_from: int | None = None
    """The attempt before our retry; None before that."""

    @classmethod
    def start(cls, tenant: Tenant) -> Self:
        """The history of a recovery that starts now."""
        last = tenant.failures[-1] if tenant.failures else None
        hung = Failure(tenant.attempt, tenant.activity, "")
        return cls(
            first_failure=last if last and tenant.phase != Phase.PROVISIONING else hung, first_attempt=tenant.attempt
        )

    def with_action(self, action: str, tenant: Tenant) -> Self:
        """The history after `action` was accepted for `tenant`."""
        match action:
            case "cancel":
                stuck = self.stuck_was_cancelled or tenant.phase == Phase.FAILED_STUCK
                return replace(self, cancels=self.cancels + 1, stuck_was_cancelled=stuck)
            case "retry":
                return replace(self, retried_from=tenant.attempt, cancels=0, stuck_was_cancelled=False)
        return self

    def has_retried(self, tenant: Tenant) -> bool:
        """Whether a new attempt has started since, also by somebody else: this recovery must not cancel it."""
        return tenant.attempt > self.first_attempt or self.retried_from is not None


def next_step(tenant: Tenant, history: RecoveryHistory, quiet_seconds: float = 0.0) -> Step:
    """The next step. `quiet_seconds`: how long nothing has changed since our last action."""
    if tenant.phase in {Phase.CANCELLING, Phase.FAILED_UNWINDING}:
        return _of_unwinding(tenant, history, quiet_seconds)
    return _RULES.get(tenant.phase, _of_others)(tenant, history)


def remaining_steps(tenant: Tenant) -> tuple[str, ...]:
    """The steps that remain if all goes well; empty when there is nothing to recover."""
    first = next_step(tenant, RecoveryHistory.start(tenant))
    if isinstance(first, Stop):
        return ()
    if isinstance(first, Wait) and tenant.phase == Phase.PROVISIONING:
        return ("wait",)
    match tenant.phase:
        case Phase.PROVISIONING | Phase.FAILED_STUCK:
            return ("cancel", "reset", "retry")
        case Phase.FAILED_READY:
            return ("retry",)
    return ("reset", "retry")


def _of_active(tenant: Tenant, history: RecoveryHistory) -> Step:
    done = f"attempt {tenant.attempt} succeeded" if history.has_retried(tenant) else "there is nothing to recover"
    return Stop(ExitCode.DONE, f"{tenant.slug} is Active: {done}.")


def _of_others(tenant: Tenant, history: RecoveryHistory) -> Step:  # noqa: ARG001 - one of _RULES
    return Stop(ExitCode.REFUSED, f"{tenant.slug} is {tenant.phase}: there is nothing to recover. {tenant.next_action}")


def _of_provisioning(tenant: Tenant, history: RecoveryHistory) -> Step:
    if not history.has_retried(tenant):
        return _of_first_attempt(tenant)
    hangs = tenant.needs_attention and tenant.seconds >= _STALL_SECONDS
    if hangs and tenant.activity == history.first_failure.activity:
        return Stop(
            ExitCode.FAILED, f"{tenant.slug} is stalled at {tenant.activity_label} again. {_INVESTIGATE_ADVICE}"
        )
    held = f" ({tenant.held})" if tenant.held else ""
    return Wait(f"attempt {tenant.attempt} runs: {tenant.activity_label}{held}")


def _of_first_attempt(tenant: Tenant) -> Step:
    """Cancel an attempt only if it is stalled and nothing would be lost: otherwise it may become Active by itself."""
    if tenant.held:
        return Wait(f"it is held: {tenant.held} It continues by itself, so nothing is cancelled")
    if not tenant.stalled:
        what = f"attempt {tenant.attempt} runs: {tenant.activity_label}"
        return Wait(f"{what}; it is not stalled, so nothing is cancelled")
    if tenant.cancel_wants_slug:
        return Stop(ExitCode.REFUSED, f"{tenant.slug} is not cancelled: {_DESTROYS} {tenant.next_action}")
    return TakeAction("cancel", f"it is stalled at {tenant.activity_label} for {format_duration(tenant.seconds)}")


def _of_unwinding(tenant: Tenant, history: RecoveryHistory, quiet_seconds: float) -> Step:
    if quiet_seconds < QUIET_SECONDS:
        return Wait("its resources are being released")
    if history.cancels < _CANCELS:
        return TakeAction("cancel", f"nothing has changed for {format_duration(quiet_seconds)}")
    return Stop(ExitCode.FAILED, f"{tenant.slug} is still not unwound after {_CANCELS} cancels. {_ESCALATE_ADVICE}")


def _of_stuck(tenant: Tenant, history: RecoveryHistory) -> Step:
    if not history.stuck_was_cancelled:
        return TakeAction("cancel", "a resource could not be released; a cancel tries again")
    left = ", ".join(tenant.progress.left) or "see `tenantctl errors`"
    return Stop(
        ExitCode.FAILED, f"{tenant.slug} is stuck again; left: {left}. Fix the cause, then recover. {_ESCALATE_ADVICE}"
    )


def _of_ready(tenant: Tenant, history: RecoveryHistory) -> Step:
    if history.retried_from == tenant.attempt:
        return Wait(f"the new run has not begun yet{f' ({tenant.held})' if tenant.held else ''}")
    return _stop_after_failure(tenant, history) or TakeAction("retry", "it is clean and ready")


def _of_ended(tenant: Tenant, history: RecoveryHistory) -> Step:
    return _stop_after_failure(tenant, history) or TakeAction("reset", _why_reset(tenant))


def _why_reset(tenant: Tenant) -> str:
    kept = tenant.phase == Phase.FAILED_RETAINED
    return "it failed; its resources are kept" if kept else "nothing is left behind"


def _stop_after_failure(tenant: Tenant, history: RecoveryHistory) -> Stop | None:
    """Stop if an attempt of this recovery failed in a way that makes another one pointless."""
    if tenant.attempt == history.first_attempt:
        return None
    failure = tenant.failure
    if failure is None:
        return Stop(
            ExitCode.FAILED, f"Attempt {tenant.attempt} of {tenant.slug} was cancelled by somebody else meanwhile."
        )
    where = f"{tenant.slug} failed at {failure.activity}"
    how = as_sentence(failure.message)
    if is_same_failure(failure, _previous_failure(tenant, history)):
        return Stop(ExitCode.FAILED, f"{where} with the same error as before: {how} {_INVESTIGATE_ADVICE}")
    if tenant.attempt >= ENOUGH_ATTEMPTS:
        return Stop(
            ExitCode.FAILED,
            f"{where}: {how} After {tenant.attempt} attempts that did not end Active, {_RECREATE_ADVICE}",
        )
    return None


def _previous_failure(tenant: Tenant, history: RecoveryHistory) -> Failure:
    earlier = [failure for failure in tenant.failures if failure.attempt < tenant.attempt]
    hung = history.first_failure.attempt == tenant.attempt - 1 and not history.first_failure.message
    return earlier[-1] if earlier and not hung else history.first_failure


def is_same_failure(failure: Failure, before: Failure) -> bool:
    """Whether activity and error are the same, apart from numbers. A stall equals any error."""
    alike = not before.message or _without_numbers(failure.message) == _without_numbers(before.message)
    return failure.activity == before.activity and alike


def _without_numbers(message: str) -> str:
    """As in the product's loop detection (tenancy/saga/retry_loops.py; a test compares the two)."""
    return re.sub(r"[0-9a-f]{8,}|\d+", "#", message)


_DESTROYS: Final = "it has passed its point of no return, so a cancel destroys a customer's data."
_RECREATE_ADVICE: Final = "decommission + recreate is cleaner than another retry."
_ESCALATE_ADVICE: Final = "If that does not help: `tenantctl escalate`."
_INVESTIGATE_ADVICE: Final = (
    "The cause is not transient, so there is no other retry: check the platform (`tenantctl health`), the plan, the "
    "region and quotas, then retry, or `tenantctl escalate`."
)

_RULES: Final[Mapping[str, Callable[[Tenant, RecoveryHistory], Step]]] = {
    Phase.ACTIVE: _of_active,
    Phase.PROVISIONING: _of_provisioning,
    Phase.FAILED_SETTLED: _of_ended,
    Phase.FAILED_RETAINED: _of_ended,
    Phase.FAILED_STUCK: _of_stuck,
    Phase.FAILED_READY: _of_ready,
}
