"""The status of the systems that a tenant needs, as the newest health checks found them. Pure.

Advice compares it with recorded causes: a cause that a newer health check refutes is dropped, and a system that is down
now comes first. A status that is older than `FRESH` is ignored.
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
    """It does not work: every activity that needs it waits or fails."""
    DEGRADED = "degraded"
    """It works, but something waits, fails in part, or is nearly used up."""
    UNKNOWN = "unknown"
    """It could not be checked, for example because the system between failed."""
    OK = "ok"


@dataclass(frozen=True)
class SystemStatus:
    """The result of one health check. `name` is for people, such as "storage of eu-central"."""

    system: str
    name: str
    condition: Condition
    sentence: str
    observed_at: datetime
    since: datetime | None = None
    """Since when it is not ok."""
    cause: Cause = Cause.UNKNOWN
    """The cause of a tenant's stall, if the tenant needs this system while it is down."""


@dataclass(frozen=True)
class SystemStatuses:
    """The statuses of one region's systems and of the platform's."""

    statuses: tuple[SystemStatus, ...] = ()

    def down(self, need: str, now: datetime) -> SystemStatus | None:
        """The fresh status that finds this system (or the part with this cause) down; None otherwise."""
        fresh = (each for each in self.statuses if _is_fresh(each, now) and each.condition is Condition.DOWN)
        return next((each for each in fresh if need in {each.system, each.cause}), None)

    def recovered(self, cause: Cause, recorded_at: datetime | None, now: datetime) -> SystemStatus | None:
        """The status, newer than `recorded_at`, that finds the system of this cause healthy; None if there is none."""
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
"""A system that is degraded still answers, so it refutes these causes. All others are refuted only by `ok`."""


def _is_fresh(status: SystemStatus, now: datetime) -> bool:
    return now - status.observed_at <= FRESH
