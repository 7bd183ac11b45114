"""Keeps the newest report on the workflow engine for all pages and API calls of one api-server. One thread fetches it.

A request waits for a newer report only for a moment. After some seconds without an answer the report says that the
engine does not respond. (The api-server asks itself: the source is Airflow's health report.)
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from dataclasses import replace
from typing import Final

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

    def __init__(self, load: Callable[[], EngineReport]) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="tenancy-report")
        self._refresh: Future[None] | None = None
        self._refresh_started_at = 0.0
        self._latest = EngineReport(age_seconds=None)
        self._latest_at = -FRESH_SECONDS
        self._trouble_since: float | None = None
        """When the first refresh began that the engine has not responded; None while it responds."""

    @property
    def latest(self) -> EngineReport:
        """The newest report with its age, or one that reports that the engine does not respond."""
        with self._lock:
            now = time.monotonic()
            open_since = self._refresh_started_at if self._refresh is not None and not self._refresh.done() else now
            latest, age = self._latest, now - self._latest_at
            if now - open_since > SLOW_SECONDS:
                silent_for = now - (self._trouble_since or open_since)
                return EngineReport(trouble=_SILENT.format(seconds=silent_for), trouble_seconds=silent_for)
        if latest.age_seconds is None:
            return latest
        silent_for = now - (self._trouble_since or now)
        return replace(latest, age_seconds=age, trouble_seconds=silent_for if latest.trouble else 0.0)

    def start_refresh(self) -> None:
        """Start a refresh if one is due; returns at once."""
        with self._lock:
            is_running = self._refresh is not None and not self._refresh.done()
            if not is_running and time.monotonic() - self._latest_at >= FRESH_SECONDS:
                self._refresh_started_at = time.monotonic()
                self._refresh = self._thread.submit(self._run_refresh)

    def __call__(self) -> EngineReport:
        """The report, refreshed if that is due; waits for it for a moment."""
        self.start_refresh()
        return self.wait_briefly()

    def wait_briefly(self) -> EngineReport:
        """The report of the refresh that `start_refresh` began; waits for it for a moment."""
        refresh = self._refresh
        if refresh is not None:
            with suppress(FutureTimeoutError):
                refresh.result(timeout=PATIENCE_SECONDS)
        return self.latest

    def _run_refresh(self) -> None:
        report = self._load()
        with self._lock:
            self._latest, self._latest_at = report, time.monotonic()
            self._trouble_since = (self._trouble_since or self._refresh_started_at) if report.trouble else None


def engine_watch(tenancy: Callable[[], Tenancy]) -> EngineWatch:
    """A watch over this platform's engine. It logs in once and keeps its client until that is refused."""
    clients: list[Runs] = []

    def load() -> EngineReport:
        try:
            if not clients:
                clients.append(tenancy().runs())
            report = load_engine_report(clients[0])
        except Exception as error:  # noqa: BLE001 - a page says so, whatever it was
            report = EngineReport(trouble=f"{type(error).__name__}: {error}")
        if report.trouble:
            clients.clear()  # its address or password may be another one now
        return report

    return EngineWatch(load)
