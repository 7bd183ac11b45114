"""The status of the workflow engine: which of its parts are down, and which tenants that holds.

Why besides the reconciler's hold detection: while the scheduler is down, the reconciler does not run either. So pages
and actions ask for the status themselves.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from tenancy.engine.workflow import Runs
from tenancy.saga.errors import TenancyError
from tenancy.saga.states import State
from tenancy.saga.tenant import Saga
from tenancy.saga.unwinding_rules import is_to_be_unwound

SCHEDULER: Final = "scheduler"
TRIGGERER: Final = "triggerer"
PATIENCE_SECONDS: Final = 30.0
"""An engine that has not responded for less time may only be busy or restarting, so that does not count. (Airflow's own
limit for its parts is 30 s, too: `[scheduler] scheduler_health_check_threshold`.)"""


@dataclass(frozen=True)
class EngineStatus:
    """`silent`: the parts that are down, by the engine's own health report. `trouble`: why it could not be read.
    `trouble_seconds`: for how long. `age_seconds`: the report's age; None before the first response."""

    silent: tuple[str, ...] = ()
    trouble: str = ""
    trouble_seconds: float = field(default=PATIENCE_SECONDS, compare=False)
    age_seconds: float | None = field(default=0.0, compare=False)

    @property
    def sentence(self) -> str:
        """What is wrong, in a sentence; empty if nothing is."""
        return self.trouble or silence_sentence(self.silent)

    @property
    def is_away(self) -> bool:
        """Has it not answered for PATIENCE_SECONDS or longer?"""
        return bool(self.trouble) and self.trouble_seconds >= PATIENCE_SECONDS

    def holds(self, saga: Saga) -> str:
        """Why this tenant waits for the engine; empty if it does not."""
        if not (saga.state is State.PROVISIONING or is_to_be_unwound(saga)):
            return ""
        away = self.trouble if self.is_away else ""
        return away or silence_sentence(part for part in self.silent if part == SCHEDULER)


def load_engine_status(runs: Callable[[], Runs]) -> EngineStatus:
    """As of now."""
    try:
        return EngineStatus(tuple(runs().unhealthy_components()))
    except TenancyError as error:
        return EngineStatus(trouble=str(error))


def silence_sentence(silent: Iterable[str]) -> str:
    """The sentence about them; empty when there are none."""
    parts = tuple(silent)
    if not parts:
        return ""
    named, send = " and ".join(parts), "sends" if len(parts) == 1 else "send"
    return f"The workflow engine's {named} {send} no heartbeat: a platform matter; escalate if it lasts."
