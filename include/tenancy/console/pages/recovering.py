"""What Recover does next: cancel, then reset, then retry, each only if it is not so already (the runbook). Pure.

The open dialog asks again and again, and each time one step is done; closed in between, the tenant rests where it is.
"""

from dataclasses import dataclass
from typing import Final

from tenancy.saga.states import Phase, State
from tenancy.saga.tenant import Saga

STEPS: Final = ("cancel", "reset", "retry")
QUIET_SECONDS: Final = 120.0
"""Runbook: "Wait 2 minutes; try cancel again; then reset"."""
_CANCELS: Final = 3


@dataclass(frozen=True)
class Begun:
    """Where the tenant was when somebody asked to recover it."""

    attempt: int
    generation: int


@dataclass(frozen=True)
class Step:
    """`action` to be done now, or none: then `said` is what is waited for, or, when `over`, how it ended."""

    action: str = ""
    said: str = ""
    over: bool = False


def next_step(saga: Saga, begun: Begun, silent_seconds: float) -> Step:
    """The next step for a tenant whose last fact is `silent_seconds` old."""
    if saga.attempt > begun.attempt:
        return Step(said=f"Attempt {saga.attempt} is under way: watch its timeline.", over=True)
    if saga.phase in {Phase.CANCELLING, Phase.FAILED_UNWINDING}:
        return _of_unwinding(saga, begun, silent_seconds)
    if saga.phase is Phase.FAILED_STUCK and saga.generation > begun.generation:
        return Step(said="What is left cannot be undone: the error log says why. Escalate.", over=True)
    return _NEXT.get(saga.phase, Step(said=f"It is {saga.phase}: there is nothing to recover.", over=True))


def is_recoverable(saga: Saga) -> bool:
    """Does cancel, reset and retry lead anywhere from here?"""
    return saga.state in {State.PROVISIONING, State.CANCELLING, State.FAILED}


def cancels(saga: Saga) -> bool:
    """Does Recover begin by undoing what was made? Else it keeps whatever there is."""
    return saga.phase in _UNDOES


def done_steps(saga: Saga, begun: Begun) -> int:
    """How many of STEPS are behind it."""
    if saga.attempt > begun.attempt:
        return len(STEPS)
    return {Phase.FAILED_READY: 2, Phase.FAILED_SETTLED: 1, Phase.FAILED_RETAINED: 1}.get(saga.phase, 0)


def _of_unwinding(saga: Saga, begun: Begun, silent_seconds: float) -> Step:
    if silent_seconds < QUIET_SECONDS:
        return Step(said="What was made is being undone.")
    if saga.generation - begun.generation >= _CANCELS:
        return Step(said=f"{_CANCELS} cancels have not brought it to an end. Escalate.", over=True)
    return Step("cancel")


_UNDOES: Final = frozenset({Phase.PROVISIONING, Phase.CANCELLING, Phase.FAILED_UNWINDING, Phase.FAILED_STUCK})
_NEXT: Final = {
    Phase.PROVISIONING: Step("cancel"),
    Phase.FAILED_STUCK: Step("cancel"),
    Phase.FAILED_SETTLED: Step("reset"),
    Phase.FAILED_RETAINED: Step("reset"),
    Phase.FAILED_READY: Step("retry"),
}
