"""What is known now of the systems that a tenant needs, and how old that knowledge is. Pure.

Advice weighs it against what was recorded: a cause that a newer look refutes is dropped, trouble that is seen now comes
first. What is older than `FRESH` says nothing about now.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from tenancy.saga.causes import Cause

FRESH: Final = timedelta(minutes=1)
ENGINE, STORAGE, CLUSTER, INGRESS, LEDGER = "engine", "storage", "cluster", "ingress", "ledger"


class Condition(StrEnum):
    """How a system is, the worst first."""

    DOWN = "down"
    """It does not do its work: nothing that needs it goes on."""
    DEGRADED = "degraded"
    """It works, but something waits, fails in part, or is nearly used up."""
    UNKNOWN = "unknown"
    """It could not be looked at; something else stands in the way, or nobody can see it from here."""
    OK = "ok"


@dataclass(frozen=True)
class SystemStatus:
    """One look at one system. `name` is how people call it, such as "storage of eu-central"."""

    system: str
    name: str
    condition: Condition
    sentence: str
    observed_at: datetime
    since: datetime | None = None
    """Since when it is not ok."""
    cause: Cause = Cause.UNKNOWN
    """What it means for a tenant that needs it, while it is down."""


@dataclass(frozen=True)
class SystemStatuses:
    """All that is known now of the systems of one region and of the whole platform."""

    statuses: tuple[SystemStatus, ...] = ()

    def down(self, need: str, now: datetime) -> SystemStatus | None:
        """This system, or the part whose silence is this cause, if a fresh look finds it down."""
        fresh = (each for each in self.statuses if _is_fresh(each, now) and each.condition is Condition.DOWN)
        return next((each for each in fresh if need in {each.system, each.cause}), None)

    def recovered(self, cause: Cause, recorded_at: datetime | None, now: datetime) -> SystemStatus | None:
        """The newer look that finds well what this cause blames; None when nothing newer is known."""
        about = [each for each in self.statuses if each.system == cause.system and each.cause in {cause, Cause.UNKNOWN}]
        newer = [each for each in about if _is_fresh(each, now) and (not recorded_at or each.observed_at > recorded_at)]
        well = _WELL.get(cause, frozenset({Condition.OK}))
        return newer[0] if newer and all(each.condition in well for each in newer) else None


NO_STATUSES: Final = SystemStatuses()
_ANSWERS: Final = frozenset({Condition.OK, Condition.DEGRADED})
_WELL: Final = {
    Cause.STORAGE_UNREACHABLE: _ANSWERS,
    Cause.CLUSTER_UNREACHABLE: _ANSWERS,
    Cause.INGRESS_SILENT: _ANSWERS,
    Cause.LEDGER_SILENT: _ANSWERS,
    Cause.ENGINE_UNREACHABLE: _ANSWERS,
}
"""What refutes "it does not answer"; the others are refuted only by a system that is wholly ok."""


def _is_fresh(status: SystemStatus, now: datetime) -> bool:
    return now - status.observed_at <= FRESH
