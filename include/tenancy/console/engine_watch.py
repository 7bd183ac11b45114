"""Keeps the workflow engine's report for all pages and API calls of one api-server: asked by one thread, seldom.

Whoever looks waits for it a moment and no longer; an engine that has not answered by then is said not to answer. (The
api-server asks itself: Airflow's health report.)
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from contextlib import suppress
from dataclasses import replace
from typing import Final

from tenancy.engine.engine_report import EngineReport, load_engine_report
from tenancy.engine.tenancy import Tenancy
from tenancy.engine.workflow import Runs

FRESH_SECONDS: Final = 5.0
PATIENCE_SECONDS: Final = 0.4
SLOW_SECONDS: Final = 4.0
"""A question that is open for longer: the engine does not answer. It takes 0.3 s when all is well."""
_SILENT: Final = "The workflow engine has not answered for {seconds:.0f} s."


class EngineWatch:
    """The newest report. `look` asks the engine; it may take long."""

    def __init__(self, look: Callable[[], EngineReport]) -> None:
        self._look = look
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="tenancy-report")
        self._asked: Future[None] | None = None
        self._asked_at = 0.0
        self._known = EngineReport(age_seconds=None)
        self._known_at = -FRESH_SECONDS
        self._trouble_since: float | None = None
        """When the first question was asked that the engine has not answered; None while it answers."""

    @property
    def known(self) -> EngineReport:
        """The last report there was, with its age; an engine that does not answer is said not to."""
        with self._lock:
            now = time.monotonic()
            open_since = self._asked_at if self._asked is not None and not self._asked.done() else now
            known, age = self._known, now - self._known_at
            if now - open_since > SLOW_SECONDS:
                silent_for = now - (self._trouble_since or open_since)
                return EngineReport(trouble=_SILENT.format(seconds=silent_for), trouble_seconds=silent_for)
        if known.age_seconds is None:
            return known
        silent_for = now - (self._trouble_since or now)
        return replace(known, age_seconds=age, trouble_seconds=silent_for if known.trouble else 0.0)

    def begin(self) -> None:
        """Ask the engine again, if that is due; returns at once."""
        with self._lock:
            at_it = self._asked is not None and not self._asked.done()
            if not at_it and time.monotonic() - self._known_at >= FRESH_SECONDS:
                self._asked_at = time.monotonic()
                self._asked = self._thread.submit(self._ask)

    def __call__(self) -> EngineReport:
        """The report, asked for anew if that is due, and waited for a moment."""
        self.begin()
        return self.seen()

    def seen(self) -> EngineReport:
        """The report that `begin` asked for, waited for a moment."""
        asked = self._asked
        if asked is not None:
            with suppress(TooLate):
                asked.result(timeout=PATIENCE_SECONDS)
        return self.known

    def _ask(self) -> None:
        known = self._look()
        with self._lock:
            self._known, self._known_at = known, time.monotonic()
            self._trouble_since = (self._trouble_since or self._asked_at) if known.trouble else None


def engine_watch(tenancy: Callable[[], Tenancy]) -> EngineWatch:
    """A watch over this platform's engine. It logs in once and keeps that, until it is refused."""
    kept: list[Runs] = []

    def look() -> EngineReport:
        try:
            if not kept:
                kept.append(tenancy().runs())
            seen = load_engine_report(kept[0])
        except Exception as error:  # noqa: BLE001 - a page says so, whatever it was
            seen = EngineReport(trouble=f"{type(error).__name__}: {error}")
        if seen.trouble:
            kept.clear()  # its address or password may be another one now
        return seen

    return EngineWatch(look)
