"""Keeps the newest health of the platform for all pages and API calls of one api-server: one refresh at a time.

A request gets the newest health while that is fresh. When it is older, a refresh starts and the request waits for it:
for a moment if the old health may still serve, and as long as a refresh may take if there is none or it is stale.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from typing import Final

from tenancy.engine.health.check_results import Health, with_since
from tenancy.engine.health.health_check_runner import BOUND_SECONDS

FRESH_SECONDS: Final = 10.0
STALE_SECONDS: Final = 30.0
SHORT_SECONDS: Final = 0.4
LONG_SECONDS: Final = BOUND_SECONDS + 0.5
FIRST_SECONDS: Final = 10.0
"""The first refresh of a process loads the clients."""


class HealthWatch:
    """The newest health. `load` asks every system, with time-outs of its own (engine/health/health_check_runner.py)."""

    def __init__(self, load: Callable[[], Health], *, fresh_seconds: float = FRESH_SECONDS) -> None:
        self._load, self._fresh_seconds = load, fresh_seconds
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="tenancy-health-watch")
        self._refresh: Future[None] | None = None
        self._latest = Health()
        self._latest_at = float("-inf")

    @property
    def latest(self) -> Health:
        """The newest health; without checks before the first refresh has ended."""
        return self._latest

    def start_refresh(self) -> None:
        """Start a refresh if one is due; returns at once."""
        with self._lock:
            is_running = self._refresh is not None and not self._refresh.done()
            if not is_running and self._age >= self._fresh_seconds:
                self._refresh = self._thread.submit(self._run_refresh)

    def __call__(self) -> Health:
        """The health, refreshed if that is due."""
        self.start_refresh()
        refresh = self._refresh
        if refresh is not None:
            with suppress(FutureTimeoutError):  # the health has its own age
                refresh.result(timeout=self._timeout)
        return self._latest

    def wait_briefly(self) -> Health:
        """The health, refreshed if that is due; waits for a moment at most. For pages about one tenant."""
        self.start_refresh()
        refresh = self._refresh
        if refresh is not None:
            with suppress(FutureTimeoutError):
                refresh.result(timeout=SHORT_SECONDS)
        return self._latest

    @property
    def _timeout(self) -> float:
        if not self._latest.checks:
            return FIRST_SECONDS
        return SHORT_SECONDS if self._age < STALE_SECONDS else LONG_SECONDS

    @property
    def _age(self) -> float:
        return time.monotonic() - self._latest_at

    def _run_refresh(self) -> None:
        health = self._load()
        with self._lock:
            self._latest, self._latest_at = with_since(self._latest, health), time.monotonic()
