"""Which parts of the workflow engine give no sign of life, and whom that holds.

The reconciler records what holds a tenant (held.py). While nothing schedules there is no reconciler either: whoever
looks or acts is told from here.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from tenancy.engine.workflow import Runs
from tenancy.saga.causes import Cause
from tenancy.saga.errors import TenancyError
from tenancy.saga.states import State
from tenancy.saga.tenant import Saga
from tenancy.saga.unwinding import is_to_be_unwound

SCHEDULER: Final = "scheduler"
TRIGGERER: Final = "triggerer"


@dataclass(frozen=True)
class Vitals:
    """By the engine's own health report; `trouble` is why it could not be asked."""

    silent: tuple[str, ...] = ()
    trouble: str = ""

    @property
    def said(self) -> str:
        """All that is wrong, in a sentence; empty when all is well."""
        return self.trouble or no_sign_of(self.silent)

    @property
    def cause(self) -> Cause | None:
        """Of every tenant's waiting, when the engine is at fault; None while it schedules."""
        if self.trouble:
            return Cause.ENGINE_UNREACHABLE
        return Cause.ENGINE_SCHEDULER_SILENT if SCHEDULER in self.silent else None

    def holds(self, saga: Saga) -> str:
        """Why this tenant waits for the engine; empty when it does not."""
        if not (saga.state is State.PROVISIONING or is_to_be_unwound(saga)):
            return ""
        return self.trouble or no_sign_of(part for part in self.silent if part == SCHEDULER)


def vitals(runs: Callable[[], Runs]) -> Vitals:
    """As of now."""
    try:
        return Vitals(tuple(runs().silent_parts()))
    except TenancyError as error:
        return Vitals(trouble=str(error))


def no_sign_of(silent: Iterable[str]) -> str:
    """The sentence about them; empty when there are none."""
    parts = tuple(silent)
    if not parts:
        return ""
    named, give = " and ".join(parts), "gives" if len(parts) == 1 else "give"
    return f"The workflow engine's {named} {give} no sign of life: a platform matter; escalate if it lasts."
