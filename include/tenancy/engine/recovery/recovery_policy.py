"""What Recover does next: it waits, takes one action, or ends. Pure, and the only such policy.

It is the runbook (docs/operating/runbook.md) as a function: cancel, then reset, then retry, each only if it is needed.
The API carries it out (engine/actions/recovery_service.py); the console and tenantctl call that again until it ends.

It cancels only what does not continue by itself: an attempt that is stalled, an unwinding without progress, and a
tenant that is stuck. It never cancels a tenant that a faulty platform holds, nor an attempt past its point of no
return.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from tenancy.activities.registry import label_of
from tenancy.engine.recovery.recovery_history import RecoveryHistory
from tenancy.saga.decide import KEEP_RESOURCES
from tenancy.saga.decide import next_step as way_on
from tenancy.saga.errors import Refused
from tenancy.saga.retry_loops import ATTEMPTS_BEFORE_RECREATE, is_same_error
from tenancy.saga.states import Phase
from tenancy.saga.tenant import Failure, Saga

QUIET: Final = timedelta(minutes=2)
"""The runbook, step 4: wait 2 minutes, cancel again, then reset."""
CANCELS: Final = 3
"""After so many cancels of one attempt, another one does not help."""
RETRY_AFTER_SECONDS: Final = 2
"""When to ask again, while a recovery continues."""


class StepKind(StrEnum):
    """What a step is."""

    DONE = "done"
    """The tenant is Active."""
    WAIT = "wait"
    """The saga continues by itself, or cannot continue before the platform is repaired: ask again."""
    ACT = "act"
    """An action is due."""
    STOP = "stop"
    """A person has to decide. Nothing more is done."""


@dataclass(frozen=True)
class RecoveryStep:
    """One step. `why` is a sentence; `action` (cancel, reset or retry) is empty unless it acts."""

    kind: StepKind
    why: str
    action: str = ""
    retry_after_seconds: int | None = None
    """When to ask again; None when it has ended."""


@dataclass(frozen=True)
class TenantCondition:
    """How the tenant is now, by the engine's own measure."""

    stalled: bool = False
    """Whether an activity or the tenant is over its time limit."""
    fault: str = ""
    """Why it cannot continue although nothing is wrong with it: why its run is held, or which system is down."""
    just_began: bool = False
    """Whether the attempt is over its limit, and its present activity has only just begun."""
    escalate_first: str = ""
    """The advice to escalate, while nobody has: a cancel would remove the evidence."""


@dataclass(frozen=True)
class _Case:
    saga: Saga
    history: RecoveryHistory
    condition: TenantCondition
    now: datetime

    @property
    def where(self) -> str:
        activity = self.saga.current_activity
        return label_of(activity) if activity else "its end"

    @property
    def is_retry(self) -> bool:
        """Whether the newest attempt began in this recovery."""
        return self.saga.attempt > self.history.attempt


def next_step(saga: Saga, history: RecoveryHistory, condition: TenantCondition, now: datetime) -> RecoveryStep:
    """The next step of a recovery. Raises Refused if there is nothing to recover."""
    case = _Case(saga, history, condition, now)
    rule = _RULES.get(saga.phase)
    if rule is None:
        raise Refused(f"There is nothing to recover: the tenant is {saga.phase}. {way_on(saga)}")
    if history.intervention and saga.phase is not Phase.ACTIVE:
        return _stop(f"{history.intervention}, after this recovery began. Look again, then decide.")
    return rule(case)


def remaining_actions(saga: Saga, step: RecoveryStep) -> tuple[str, ...]:
    """The actions that remain, the step's own included, if all goes well."""
    acts = step.kind is StepKind.ACT
    if step.kind in {StepKind.DONE, StepKind.STOP} or (saga.phase is Phase.PROVISIONING and not acts):
        return ()
    following = ("retry",) if saga.phase is Phase.FAILED_READY else ("reset", "retry")
    cancels = step.action == "cancel" or saga.phase is Phase.FAILED_STUCK
    return ("cancel", *following) if cancels else following


def is_recoverable(saga: Saga) -> bool:
    """Whether a recovery may lead anywhere from here."""
    return saga.phase in _RULES and saga.phase is not Phase.ACTIVE


def _of_active(case: _Case) -> RecoveryStep:
    slug, calm = case.saga.parameters.slug, case.history.began_in is Phase.ACTIVE
    how = "there is nothing to recover" if calm else f"attempt {case.saga.attempt} succeeded"
    return RecoveryStep(StepKind.DONE, f"{slug} is Active: {how}.")


def _of_provisioning(case: _Case) -> RecoveryStep:
    condition = case.condition
    if condition.fault:
        return _wait(f"{_running(case)}. {condition.fault} {_UNTOUCHED}")
    if not condition.stalled:
        return _wait(f"{_running(case)}; it is not stalled, so nothing is cancelled.")
    if case.saga.past_no_return:
        return _stop(f"{_stalled(case)}. {KEEP_RESOURCES}")
    if condition.just_began:
        return _wait(f"{_running(case)}, which has just begun, so nothing is cancelled yet.")
    return _of_stalled(case)


def _of_stalled(case: _Case) -> RecoveryStep:
    before = case.history.previous_end
    if case.condition.escalate_first:
        return _stop(f"{_stalled(case)}. {case.condition.escalate_first} {_EVIDENCE}")
    if case.is_retry and before and before.activity == case.saga.current_activity:
        return _stop(f"{_stalled(case)} again. {_NOT_TRANSIENT}")
    if case.is_retry and case.saga.attempt >= ATTEMPTS_BEFORE_RECREATE:
        return _stop(f"{_stalled(case)}. {_enough(case)}")
    return _act("cancel", f"{_stalled(case)}.")


def _of_unwinding(case: _Case) -> RecoveryStep:
    if case.condition.fault:
        return _wait(f"Its resources are being released. {case.condition.fault} {_UNTOUCHED}")
    moved_at = case.history.progressed_at
    if moved_at is None or case.now - moved_at < QUIET:
        return _wait("Its resources are being released.")
    if case.history.cancels >= CANCELS:
        return _stop(f"It is still not unwound after {CANCELS} cancels. {_ESCALATE}")
    return _act("cancel", "The release of its resources has not moved for 2 minutes.")


def _of_stuck(case: _Case) -> RecoveryStep:
    left = ", ".join(f"{each.kind} {each.name}" for each in case.saga.live_resources)
    if case.history.stuck_was_cancelled:
        return _stop(f"It is stuck again; left: {left}. The error log says why. Repair that, then recover. {_ESCALATE}")
    if case.condition.fault:
        return _wait(f"It is stuck; left: {left}. {case.condition.fault}")
    return _act("cancel", f"It is stuck; left: {left}. A cancel tries again.")


def _of_ended(case: _Case) -> RecoveryStep:
    kept = "its resources are kept" if case.saga.phase is Phase.FAILED_RETAINED else "nothing is left behind"
    return _after_failure(case) or _act("reset", f"It failed, and {kept}.")


def _of_ready(case: _Case) -> RecoveryStep:
    if stop := _after_failure(case):
        return stop
    if case.condition.fault:
        return _wait(f"It is ready for a retry. {case.condition.fault}")
    return _act("retry", "It is reset and ready.")


def _after_failure(case: _Case) -> RecoveryStep | None:
    """Stop after an attempt that failed during this recovery, if another one is pointless."""
    failed = next((each for each in case.history.failures if each.attempt == case.saga.attempt), None)
    if failed is None:
        return None
    what = f"Attempt {failed.attempt} failed at {failed.activity}"
    before = case.history.previous_end
    if before and is_repeated(failed, before):
        return _stop(f"{what} with the same error as before: {_sentence(failed.message)} {_NOT_TRANSIENT}")
    if failed.attempt >= ATTEMPTS_BEFORE_RECREATE:
        return _stop(f"{what}: {_sentence(failed.message)} {_enough(case)}")
    return None


def is_repeated(failed: Failure, before: Failure) -> bool:
    """Whether both ended at the same activity with the same error. A stall equals any error there."""
    stalled = failed.activity == before.activity and not before.message
    return stalled or is_same_error(failed, before)


def _running(case: _Case) -> str:
    return f"Attempt {case.saga.attempt} runs: {case.where}"


def _stalled(case: _Case) -> str:
    return f"Attempt {case.saga.attempt} is stalled at {case.where}"


def _enough(case: _Case) -> str:
    advice = _KEPT if case.saga.past_no_return else _CLEANER
    return f"{case.saga.attempt} attempts did not end Active. {advice}"


def _sentence(message: str) -> str:
    return message if message.endswith((".", "!", "?")) else f"{message}."


def _wait(why: str) -> RecoveryStep:
    return RecoveryStep(StepKind.WAIT, why, retry_after_seconds=RETRY_AFTER_SECONDS)


def _act(action: str, why: str) -> RecoveryStep:
    return RecoveryStep(StepKind.ACT, why, action, RETRY_AFTER_SECONDS)


def _stop(why: str) -> RecoveryStep:
    return RecoveryStep(StepKind.STOP, why)


_UNTOUCHED: Final = "It continues by itself, so nothing is cancelled."
_EVIDENCE: Final = "After that, Recover cancels it."
_ESCALATE: Final = "If that does not help: escalate."
_CLEANER: Final = "Decommission and recreate is cleaner than another retry."
_KEPT: Final = "Find the cause before another retry: a decommission would destroy a customer's data."
_NOT_TRANSIENT: Final = (
    "The cause is not transient, so there is no other retry: check the platform's health, the plan, the region and "
    "quotas, then retry, or escalate."
)
_RULES: Final[Mapping[Phase, Callable[[_Case], RecoveryStep]]] = {
    Phase.ACTIVE: _of_active,
    Phase.PROVISIONING: _of_provisioning,
    Phase.CANCELLING: _of_unwinding,
    Phase.FAILED_UNWINDING: _of_unwinding,
    Phase.FAILED_STUCK: _of_stuck,
    Phase.FAILED_SETTLED: _of_ended,
    Phase.FAILED_RETAINED: _of_ended,
    Phase.FAILED_READY: _of_ready,
}
