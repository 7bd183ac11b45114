"""What Recover does next: cancel, then reset, then retry, each only if it is needed (the runbook). Pure.

The open dialog polls, and each time one step is done. When the dialog is closed, the tenant stays where it is.
"""

from dataclasses import dataclass
from typing import Final

from tenancy.saga.states import Phase, State
from tenancy.saga.tenant import Saga

STEPS: Final = ("cancel", "reset", "retry")
QUIET_SECONDS: Final = 120.0
"""The runbook (docs/operating/runbook.md, step 4): wait 2 minutes, cancel again, then reset."""
_CANCELS: Final = 3


@dataclass(frozen=True)
class RecoveryStart:
    """Where the tenant was when somebody asked to recover it."""

    attempt: int
    generation: int


@dataclass(frozen=True)
class RecoveryStep:
    """`action` to be done now, or none: then `message` says what it waits for or, when `ended`, how it ended."""

    action: str = ""
    message: str = ""
    ended: bool = False


def next_step(saga: Saga, start: RecoveryStart, seconds_since_last_fact: float) -> RecoveryStep:
    """The next step for a tenant whose last fact is `silent_seconds` old."""
    if saga.attempt > start.attempt:
        return RecoveryStep(message=f"Attempt {saga.attempt} is under way: watch its timeline.", ended=True)
    if saga.phase in {Phase.CANCELLING, Phase.FAILED_UNWINDING}:
        return _of_unwinding(saga, start, seconds_since_last_fact)
    if saga.phase is Phase.FAILED_STUCK and saga.generation > start.generation:
        return RecoveryStep(message="What is left cannot be undone: the error log says why. Escalate.", ended=True)
    return _NEXT.get(saga.phase, RecoveryStep(message=f"It is {saga.phase}: there is nothing to recover.", ended=True))


def is_recoverable(saga: Saga) -> bool:
    """Does cancel, reset and retry lead anywhere from here?"""
    return saga.state in {State.PROVISIONING, State.CANCELLING, State.FAILED}


def cancels(saga: Saga) -> bool:
    """Does Recover begin by undoing what was made? Otherwise it keeps all resources."""
    return saga.phase in _UNDOES


def done_steps(saga: Saga, start: RecoveryStart) -> int:
    """How many of STEPS are done."""
    if saga.attempt > start.attempt:
        return len(STEPS)
    return {Phase.FAILED_READY: 2, Phase.FAILED_SETTLED: 1, Phase.FAILED_RETAINED: 1}.get(saga.phase, 0)


def _of_unwinding(saga: Saga, start: RecoveryStart, seconds_since_last_fact: float) -> RecoveryStep:
    if seconds_since_last_fact < QUIET_SECONDS:
        return RecoveryStep(message="What was made is being undone.")
    if saga.generation - start.generation >= _CANCELS:
        return RecoveryStep(message=f"{_CANCELS} cancels have not brought it to an end. Escalate.", ended=True)
    return RecoveryStep("cancel")


_UNDOES: Final = frozenset({Phase.PROVISIONING, Phase.CANCELLING, Phase.FAILED_UNWINDING, Phase.FAILED_STUCK})
_NEXT: Final = {
    Phase.PROVISIONING: RecoveryStep("cancel"),
    Phase.FAILED_STUCK: RecoveryStep("cancel"),
    Phase.FAILED_SETTLED: RecoveryStep("reset"),
    Phase.FAILED_RETAINED: RecoveryStep("reset"),
    Phase.FAILED_READY: RecoveryStep("retry"),
}
