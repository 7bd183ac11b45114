"""The platform's health as its page shows it: ledger and workflow engine, then region by region. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tenancy.console.health_watch import STALE_SECONDS
from tenancy.console.pages import words
from tenancy.console.pages.platform_view import PlatformLine
from tenancy.engine.health.check_results import CheckResult, Condition, Health, System

TONES: Final = {
    Condition.OK: "done",
    Condition.DEGRADED: "warn",
    Condition.DOWN: "bad",
    Condition.UNKNOWN: "idle",
}
_CENTRAL: Final = "Ledger and workflow engine"
_PLANS: Final = "Plans"
_PRODUCTS: Final = "Products"
_TITLES: Final = {System.QUOTA: _PLANS, System.PRODUCT: _PRODUCTS}
_SHOWN_ELSEWHERE: Final = frozenset({System.ENGINE, System.CAPACITY, System.QUOTA})
"""The engine has lines of its own (platform_view.py); no tenant waits for capacity or quota."""
_SOON: Final = timedelta(minutes=1)


@dataclass(frozen=True)
class CheckView:
    """One row."""

    name: str
    state: str
    tone: str
    sentence: str
    since: str
    measured: str


@dataclass(frozen=True)
class CheckGroup:
    """Checks that belong together."""

    title: str
    checks: tuple[CheckView, ...]


@dataclass(frozen=True)
class HealthView:
    """The whole page. `verdict` is the heading; `stale` warns that the results are old."""

    tone: str
    verdict: str
    counted: str
    groups: tuple[CheckGroup, ...]
    checked_at: datetime | None
    stale: str


def health_view(health: Health, now: datetime) -> HealthView:
    """The page for these results."""
    return HealthView(
        tone=TONES[health.state],
        verdict=_verdict(health),
        counted=_counted(health.checks),
        groups=_check_groups(health.checks),
        checked_at=health.checked_at,
        stale=_stale(health.checked_at, now),
    )


def _verdict(health: Health) -> str:
    if not health.checks:
        return "No check has run yet."
    if not health.trouble:
        return "Nothing is wrong that can be seen."
    named = " and ".join(check.name for check in health.trouble[:3])
    more = f", and {len(health.trouble) - 3} more" if len(health.trouble) > 3 else ""
    return f"{health.state.capitalize()}: {named}{more}."


def _counted(checks: Iterable[CheckResult]) -> str:
    states = [check.state for check in checks]
    return ", ".join(f"{number} {state}" for state in Condition if (number := states.count(state)))


def _stale(checked_at: datetime | None, now: datetime) -> str:
    if checked_at is None or (now - checked_at).total_seconds() <= STALE_SECONDS:
        return ""
    return f"This is {words.duration((now - checked_at).total_seconds())} old: a newer check is running."


def _check_groups(checks: Iterable[CheckResult]) -> tuple[CheckGroup, ...]:
    checks_of: dict[str, list[CheckResult]] = {}
    for check in checks:
        title = f"Region {check.region}" if check.region else _TITLES.get(check.system, _CENTRAL)
        checks_of.setdefault(title, []).append(check)
    order = list(System)
    return tuple(
        CheckGroup(title, tuple(map(_row, sorted(checks_of[title], key=lambda check: order.index(check.system)))))
        for title in sorted(checks_of, key=lambda title: {_CENTRAL: 0, _PLANS: 2}.get(title, 1))
    )


def _row(check: CheckResult) -> CheckView:
    since = "" if check.since is None or check.state is Condition.OK else words.moment(check.since)
    name, tone = check.part or check.system, TONES[check.state]
    return CheckView(name, check.state, tone, check.sentence, since, _measured(check.measured))


def _measured(measured: Mapping[str, int | float | str]) -> str:
    return " · ".join(f"{name.replace('_', ' ')} {value}" for name, value in measured.items())


def health_lines(health: Health, now: datetime) -> tuple[PlatformLine, ...]:
    """Lines above the list of tenants: systems that were down less than a minute ago."""
    if health.checked_at is None or now - health.checked_at > _SOON:
        return ()
    down = (check for check in health.trouble if check.state is Condition.DOWN and check.system not in _SHOWN_ELSEWHERE)
    return tuple(
        PlatformLine("bad", f"Down: {check.name}.", f"{check.sentence} This is not the tenants' fault.")
        for check in down
    )
