"""Keeps the platform's health for all pages and API calls of one api-server: one look at a time, seldom.

Who asks gets what is known while that is fresh. What is older is asked for anew and waited for: shortly where the old
may still serve, and for as long as a look may take where there is none or it is stale.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from contextlib import suppress
from typing import Final

from tenancy.engine.health import Health, with_since
from tenancy.engine.health_check_runner import BOUND_SECONDS

FRESH_SECONDS: Final = 10.0
STALE_SECONDS: Final = 30.0
SHORT_SECONDS: Final = 0.4
LONG_SECONDS: Final = BOUND_SECONDS + 0.5
FIRST_SECONDS: Final = 10.0
"""The first look of a process loads its clients."""


class HealthWatch:
    """The newest health. `look` asks every system; it is bounded by itself (engine/health_check_runner.py)."""

    def __init__(self, look: Callable[[], Health], *, fresh_seconds: float = FRESH_SECONDS) -> None:
        self._look, self._fresh_seconds = look, fresh_seconds
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="tenancy-health-watch")
        self._asked: Future[None] | None = None
        self._known = Health()
        self._known_at = float("-inf")

    @property
    def known(self) -> Health:
        """The last health there was; without checks when nobody has looked yet."""
        return self._known

    def begin(self) -> None:
        """Look again, if that is due; returns at once."""
        with self._lock:
            at_it = self._asked is not None and not self._asked.done()
            if not at_it and self._age >= self._fresh_seconds:
                self._asked = self._thread.submit(self._ask)

    def __call__(self) -> Health:
        """The health, looked at anew if that is due."""
        self.begin()
        asked = self._asked
        if asked is not None:
            with suppress(TooLate):  # what is known tells how old it is
                asked.result(timeout=self._patience)
        return self._known

    def seen(self) -> Health:
        """The health, looked at anew if that is due, and waited for a moment at most: for who shows one tenant."""
        self.begin()
        asked = self._asked
        if asked is not None:
            with suppress(TooLate):
                asked.result(timeout=SHORT_SECONDS)
        return self._known

    @property
    def _patience(self) -> float:
        if not self._known.checks:
            return FIRST_SECONDS
        return SHORT_SECONDS if self._age < STALE_SECONDS else LONG_SECONDS

    @property
    def _age(self) -> float:
        return time.monotonic() - self._known_at

    def _ask(self) -> None:
        seen = self._look()
        with self._lock:
            self._known, self._known_at = with_since(self._known, seen), time.monotonic()
