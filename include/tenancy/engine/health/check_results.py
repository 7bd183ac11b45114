"""The platform's health: the results of all health checks, one for each system and region. Pure values.

verdicts.py turns observations into results, health_check_runner.py collects them, and console/health_watch.py keeps the
newest for all requests.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from tenancy.saga.causes import Cause
from tenancy.saga.system_status import Condition

__all__ = ["DEFAULT_POOL", "POOL", "CheckResult", "Condition", "Health", "System", "with_since"]


class System(StrEnum):
    """The platform's systems. The values are the same as in causes (`Cause.system`)."""

    LEDGER = "ledger"
    ENGINE = "engine"
    """The workflow engine, with our reconcilers, which are runs of it."""
    STORAGE = "storage"
    CLUSTER = "cluster"
    INGRESS = "ingress"
    CAPACITY = "capacity"
    """How many tenants a region takes."""
    QUOTA = "quota"
    """How many tenants may be on a plan."""
    PRODUCT = "product"
    """Whether a product can be provisioned."""


@dataclass(frozen=True)
class CheckResult:
    """The result of a health check of one system. `part` names a part of it: a scheduler, a pool, a plan."""

    system: System
    state: Condition
    sentence: str
    region: str | None = None
    part: str = ""
    since: datetime | None = None
    """Since when it is not ok: as the system reports it, else when this was first observed."""
    measured: Mapping[str, int | float | str] = field(default_factory=dict)
    checked_at: datetime | None = None
    took_seconds: float = 0.0
    cause: Cause = Cause.UNKNOWN
    """Why it is down, if more is known than that it does not respond."""

    @property
    def key(self) -> tuple[System, str, str]:
        """What it is about."""
        return self.system, self.region or "", self.part

    @property
    def name(self) -> str:
        """Such as "storage of eu-central" or "workflow engine: scheduler"."""
        place = f" of {self.region}" if self.region else ""
        system = "workflow engine" if self.system is System.ENGINE else self.system
        return f"{system}{place}{f': {self.part}' if self.part else ''}"


_NEEDED_ALWAYS: Final = frozenset({System.LEDGER, System.ENGINE})
_NEEDED_THERE: Final = frozenset({System.STORAGE, System.CLUSTER, System.INGRESS})
POOL: Final = "pool "
"""The prefix of a pool's name in `part`."""
DEFAULT_POOL: Final = "default_pool"
"""Where the saga's own tasks run."""
_TROUBLE: Final = frozenset({Condition.DOWN, Condition.DEGRADED})


@dataclass(frozen=True)
class Health:
    """All results of one run, in the order of the health page; empty before the first run has ended."""

    checks: tuple[CheckResult, ...] = ()
    checked_at: datetime | None = None
    took_seconds: float = 0.0

    @property
    def state(self) -> Condition:
        """The worst of all."""
        found = {check.state for check in self.checks}
        return next((state for state in Condition if state in found), Condition.UNKNOWN)

    @property
    def trouble(self) -> tuple[CheckResult, ...]:
        """What is down or degraded, the worst first."""
        return _worst_first(self.checks)

    def trouble_of(self, region: str, *, pool: str = "", system: str = "") -> tuple[CheckResult, ...]:
        """What is wrong with the systems that a tenant in this region needs, the worst first.

        `pool` is its plan's pool; other plans' pools do not matter to it. Capacity and quotas are left out: they matter
        only before a tenant is created. With `system`, such as a `Cause.system`, only that system.
        """
        needed = (check for check in self.checks if _is_needed(check, region, pool))
        return _worst_first(check for check in needed if system in {"", check.system})

    def of(self, system: System, region: str | None = None, part: str = "") -> CheckResult | None:
        """The result for this system, if it was checked."""
        key = (system, region or "", part)
        return next((check for check in self.checks if check.key == key), None)


def _is_needed(check: CheckResult, region: str, pool: str) -> bool:
    if check.system in _NEEDED_THERE:
        return check.region == region
    of_others = check.part.startswith(POOL) and check.part not in {POOL + pool, POOL + DEFAULT_POOL}
    return check.system in _NEEDED_ALWAYS and not of_others


def _worst_first(checks: Iterable[CheckResult]) -> tuple[CheckResult, ...]:
    order = list(Condition)
    return tuple(sorted((each for each in checks if each.state in _TROUBLE), key=lambda each: order.index(each.state)))


def with_since(before: Health, now: Health) -> Health:
    """`now`, with the time since when each system is not ok: as it reports itself, or as the run before had it."""
    known = {check.key: check for check in before.checks if check.state is not Condition.OK}
    return replace(now, checks=tuple(_since(check, known.get(check.key), now.checked_at) for check in now.checks))


def _since(check: CheckResult, before: CheckResult | None, looked_at: datetime | None) -> CheckResult:
    if check.state is Condition.OK or check.since is not None:
        return check
    return replace(check, since=before.since if before and before.since else looked_at)
