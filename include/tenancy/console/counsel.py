"""What the console says of a tenant that hangs, and what to do next: the same on pages and in the API.

The stall is judged anew at every look, from the row's clocks: also while nothing schedules, and so nobody records it.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from tenancy.activities.advice import advise, cause_now
from tenancy.activities.plan import limits
from tenancy.engine.health import Check, Condition, Health, System
from tenancy.engine.vitals import Vitals
from tenancy.ledger.reading import Line
from tenancy.saga.advice import Advice
from tenancy.saga.causes import Cause
from tenancy.saga.platform import Platform
from tenancy.saga.stalls import Limits, Stall, Standing, stall_of
from tenancy.saga.states import State

_FRESH: Final = timedelta(minutes=1)
"""What was seen of the platform longer ago says nothing about now."""


@dataclass(frozen=True)
class Counsel:
    """Of one platform at one moment; `engine` is the last that is known of it."""

    platform: Platform
    engine: Vitals
    now: datetime
    health: Health = field(default_factory=Health)
    """The last look at the whole platform."""

    @cached_property
    def _limits(self) -> Limits:
        return limits(self.platform)

    def advice(self, line: Line) -> Advice:
        """The next action."""
        return advise(self._standing(line), line.stall, self.now, self._limits)

    def stall(self, line: Line) -> Stall | None:
        """What is over its time just now."""
        return stall_of(self._standing(line), self.now, self._limits)

    def cause(self, line: Line) -> Cause:
        """Why it does not go on, as far as that is known."""
        return cause_now(self._standing(line), line.stall)

    def evidence(self, line: Line) -> str:
        """What was found to keep it; empty while nobody has looked."""
        stall, recorded = self.stall(line), line.stall
        same = stall and recorded and (stall.kind, stall.activity) == (recorded.kind, recorded.activity)
        return recorded.message if recorded and same else line.held

    def checks(self, line: Line) -> tuple[Check, ...]:
        """What is wrong with the platform where the runbook says to check it: what this tenant's cause is about, and
        all that it needs when the same error came twice."""
        if not self._is_fresh:
            return ()
        if self.advice(line).not_its_fault:
            return self._trouble_of(line, self.cause(line).system)
        return self._trouble_of(line) if line.standing.repeats and line.state is State.FAILED else ()

    @property
    def _is_fresh(self) -> bool:
        looked_at = self.health.looked_at
        return looked_at is not None and self.now - looked_at <= _FRESH

    def _trouble_of(self, line: Line, system: str = "") -> tuple[Check, ...]:
        plan = self.platform.plans.get(line.parameters.plan)
        return self.health.trouble_of(line.parameters.region, pool=plan.workflow_pool if plan else "", system=system)

    def _standing(self, line: Line) -> Standing:
        """What is known of the platform just now goes before what was recorded."""
        held = self._silent_ingress(line) if line.state is State.ACTIVE else self._silent_engine(line)
        return replace(line.standing, held=held) if held else line.standing

    def _silent_engine(self, line: Line) -> Cause | None:
        waits = line.state not in {State.DECOMMISSIONED, State.FAILED} or line.substate == "unwinding"
        return self.engine.cause if waits else None

    def _silent_ingress(self, line: Line) -> Cause | None:
        """No activity goes through it: it is missed by those who want to reach a tenant that is ready."""
        ingress = self.health.of(System.INGRESS, line.parameters.region) if self._is_fresh else None
        return Cause.INGRESS_SILENT if ingress and ingress.state is Condition.DOWN else None
