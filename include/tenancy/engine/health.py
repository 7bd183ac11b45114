"""The platform's health: one check a system and place, each with a sentence. Values and pure questions to them.

`verdicts.py` judges what was seen, `health_check_runner.py` has it seen; console/health_watch.py keeps the newest for
everybody.
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
    """What a platform is made of; where a cause names a system at fault (saga/causes.py), by the same name."""

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


@dataclass(frozen=True)
class CheckResult:
    """What was found of one system. `part` names a piece of it: a scheduler, a pool, a plan."""

    system: System
    state: Condition
    sentence: str
    region: str | None = None
    part: str = ""
    since: datetime | None = None
    """Since when it is not ok: by its own word, else when that was first seen."""
    measured: Mapping[str, int | float | str] = field(default_factory=dict)
    checked_at: datetime | None = None
    took_seconds: float = 0.0
    cause: Cause = Cause.UNKNOWN
    """Why it is down, where that is known better than by its silence."""

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
"""How a pool is named as a part of the engine, its name behind it."""
DEFAULT_POOL: Final = "default_pool"
"""Where the saga's own tasks run."""
_TROUBLE: Final = frozenset({Condition.DOWN, Condition.DEGRADED})


@dataclass(frozen=True)
class Health:
    """All checks of one look, in the order of a page; none before the first look has ended."""

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
        """What is wrong with the systems that a tenant under way in this region needs, the worst first.

        `pool` is that of its plan: of pools only that and the default one are its trouble. Capacity and quotas only
        matter to who asks for a tenant, so they are left out. With `system`, such as a `Cause.system`, only what is
        wrong there.
        """
        needed = (check for check in self.checks if _is_needed(check, region, pool))
        return _worst_first(check for check in needed if system in {"", check.system})

    def of(self, system: System, region: str | None = None, part: str = "") -> CheckResult | None:
        """The check of this system, if it was looked at."""
        wanted = (system, region or "", part)
        return next((check for check in self.checks if check.key == wanted), None)


def _is_needed(check: CheckResult, region: str, pool: str) -> bool:
    if check.system in _NEEDED_THERE:
        return check.region == region
    of_others = check.part.startswith(POOL) and check.part not in {POOL + pool, POOL + DEFAULT_POOL}
    return check.system in _NEEDED_ALWAYS and not of_others


def _worst_first(checks: Iterable[CheckResult]) -> tuple[CheckResult, ...]:
    order = list(Condition)
    return tuple(sorted((each for each in checks if each.state in _TROUBLE), key=lambda each: order.index(each.state)))


def with_since(before: Health, now: Health) -> Health:
    """`now`, with the time since when each thing is wrong: as it says itself, or as the look before had it."""
    known = {check.key: check for check in before.checks if check.state is not Condition.OK}
    return replace(now, checks=tuple(_since(check, known.get(check.key), now.checked_at) for check in now.checks))


def _since(check: CheckResult, before: CheckResult | None, looked_at: datetime | None) -> CheckResult:
    if check.state is Condition.OK or check.since is not None:
        return check
    return replace(check, since=before.since if before and before.since else looked_at)
