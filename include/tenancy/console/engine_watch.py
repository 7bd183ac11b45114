"""The newest report on the workflow engine, for all pages and API calls of one api-server.

A request waits for a newer report only for a moment. After some seconds without an answer the report says that the
engine does not respond. (The api-server asks itself: the source is Airflow's health report.)
"""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from tenancy.console.refreshed_value import Refreshed, RefreshedValue
from tenancy.engine.engine_report import EngineReport, load_engine_report
from tenancy.engine.tenancy import Tenancy
from tenancy.engine.workflow import Runs

FRESH_SECONDS: Final = 5.0
PATIENCE_SECONDS: Final = 0.4
SLOW_SECONDS: Final = 4.0
"""A report that takes longer means that the engine does not respond. It takes 0.3 s when all is well."""
_SILENT: Final = "The workflow engine has not responded for {seconds:.0f} s."


class EngineWatch:
    """The newest report. `load` asks the engine, which may take long."""

    def __init__(self, load: Callable[[], EngineReport], clock: Callable[[], float] = time.monotonic) -> None:
        self._load, self._clock = load, clock
        self._report = RefreshedValue(self._read, max_age=FRESH_SECONDS, clock=clock)
        self._trouble_since: float | None = None
        """When the first refresh began that the engine has not responded; None while it responds."""

    @property
    def latest(self) -> EngineReport:
        """The newest report with its age, or one that reports that the engine does not respond."""
        return self._shown(self._report.latest)

    def start_refresh(self) -> None:
        """Start a refresh if one is due; returns at once."""
        self._report.start_refresh()

    def __call__(self) -> EngineReport:
        """The report, refreshed if that is due; waits for it for a moment."""
        return self._shown(self._report.get(PATIENCE_SECONDS))

    def wait_briefly(self) -> EngineReport:
        """The report of the refresh that `start_refresh` began; waits for it for a moment."""
        return self._shown(self._report.wait(PATIENCE_SECONDS))

    def _shown(self, known: Refreshed[EngineReport]) -> EngineReport:
        since = self._trouble_since
        silent_for = self._clock() - since if since is not None else known.refresh_seconds
        if known.refresh_seconds > SLOW_SECONDS:
            return EngineReport(trouble=_SILENT.format(seconds=silent_for), trouble_seconds=silent_for)
        if known.value is None:
            return EngineReport(age_seconds=None)
        return replace(known.value, age_seconds=known.age, trouble_seconds=silent_for if known.value.trouble else 0.0)

    def _read(self) -> EngineReport:
        began = self._clock()
        report = self._load()
        self._trouble_since = (self._trouble_since or began) if report.trouble else None
        return report


def engine_watch(tenancy: Callable[[], Tenancy]) -> EngineWatch:
    """A watch over this platform's engine. It logs in once and keeps its client until that is refused."""
    clients: list[Runs] = []

    def load() -> EngineReport:
        try:
            joined = tenancy()
            if not clients:
                clients.append(joined.runs())
            report = load_engine_report(clients[0], joined.products)
        except Exception as error:  # noqa: BLE001 - a page says so, whatever it was
            report = EngineReport(trouble=f"{type(error).__name__}: {error}")
        if report.trouble:
            clients.clear()  # its address or password may be another one now
        return report

    return EngineWatch(load)
