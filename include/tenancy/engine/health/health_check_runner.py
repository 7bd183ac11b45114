"""Runs all health checks in parallel, each in its own thread, and waits 2.5 s at most.

A dead system is usually reported as down by its adapter's own time-out (2 s). A check that has not returned after 2.5 s
is reported as unknown, because this machine may be busy, and as down if it did not return the last time either. It
keeps its thread until its own time-out ends it, and is not started again before: so it costs one thread at most.
"""

import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from tenancy.engine.health import verdicts
from tenancy.engine.health.check_results import CheckResult, Condition, Health
from tenancy.engine.health.health_checks import HealthCheck, Probes, UnavailableSystem, health_checks
from tenancy.saga.errors import PermanentError, PlatformError, TenancyError, cause_in

log = logging.getLogger(__name__)

BOUND_SECONDS: Final = 2.5
_AT_ONCE: Final = 32


@dataclass(frozen=True)
class CheckOutcome:
    """The results of one health check. `answered`: did the system answer?"""

    checks: tuple[CheckResult, ...]
    answered: bool


class HealthCheckRunner:
    """Runs all health checks when called. One caller at a time (console/health_watch.py)."""

    def __init__(
        self, probes: Callable[[], Probes], clock: Callable[[], datetime], *, bound_seconds: float = BOUND_SECONDS
    ) -> None:
        self._probes, self._clock, self._bound = probes, clock, bound_seconds
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="tenancy-health")
        self._open: dict[str, Future[CheckOutcome]] = {}
        self._unanswered: frozenset[str] = frozenset()

    def __call__(self) -> Health:
        """The platform as it is now, within the bound."""
        checks_to_run = health_checks(self._probes())  # the first time, this loads the Kubernetes client
        began, now = time.monotonic(), self._clock()
        self._open = {look.name: self._begun(look, now) for look in checks_to_run}
        wait(self._open.values(), timeout=self._bound)
        found = {look.name: self._found(look, now) for look in checks_to_run}
        self._unanswered = frozenset(name for name, each in found.items() if not each.answered)
        checks = tuple(check for each in found.values() for check in each.checks)
        return Health(checks, now, time.monotonic() - began)

    def _begun(self, check: HealthCheck, now: datetime) -> Future[CheckOutcome]:
        before = self._open.get(check.name)
        return before if before and not before.done() else self._threads.submit(_run_check, check, now)

    def _found(self, check: HealthCheck, now: datetime) -> CheckOutcome:
        asked = self._open[check.name]
        if asked.done():
            return asked.result()
        checks = check.when_unavailable(UnavailableSystem(f"It did not respond within {self._bound:g} s."))
        if check.name not in self._unanswered:
            checks = map(_not_known, checks)
        return _stamped(checks, now, self._bound, answered=False)


def _run_check(check: HealthCheck, now: datetime) -> CheckOutcome:
    """Run one health check; the results for an unavailable system if it fails. Never raises."""
    began, answered = time.monotonic(), False
    try:
        checks = list(check.run(now))
        answered = True
    except TenancyError as error:
        why = verdicts.without_addresses(str(error))
        for_good = isinstance(error, PermanentError | PlatformError)
        checks = list(check.when_unavailable(UnavailableSystem(why, for_good, cause_in(error))))
    except Exception as error:
        log.exception("a health check failed", extra={"look": check.name})
        unavailable = UnavailableSystem(f"This check has a defect ({type(error).__name__}); the log says more.")
        checks = list(map(_not_known, check.when_unavailable(unavailable)))
    return _stamped(checks, now, time.monotonic() - began, answered=answered)


def _not_known(check: CheckResult) -> CheckResult:
    return replace(check, state=Condition.UNKNOWN)


def _stamped(checks: Iterable[CheckResult], now: datetime, took: float, *, answered: bool) -> CheckOutcome:
    return CheckOutcome(tuple(replace(check, checked_at=now, took_seconds=took) for check in checks), answered)
