"""How often an open page polls: every 2 s while few are open; the more are open, the less often each polls.

Pages take processor time of the api-server from the tasks, whose every step goes through it, and most pages are open
while most tenants are changing. So this bounds the sum of all polls, not the cost of one. Each process of the
api-server counts and bounds its own polls. An interval is a number of POLL_SECONDS.
"""

import math
import threading
import time
from collections.abc import Callable
from typing import Final

POLL_SECONDS: Final = 2.0
"""The same as POLL in console.js."""
MAX_POLLS_PER_SECOND: Final = 8.0
"""Sixteen pages at one poll per POLL_SECONDS. A poll costs 6 ms of the api-server's processor (`make bench-pages`)."""
MAX_INTERVAL: Final = 8
"""However many pages are open, each polls within 16 s."""
_IDLE_INTERVAL: Final = 5
_WINDOW_SECONDS: Final = 5.0
_TOLERANCE: Final = 0.25
"""Of an interval: one page more or less in a window must not change the pace of all."""


def base_interval(*, busy: bool) -> int:
    """The interval of a page when few are open."""
    return 1 if busy else _IDLE_INTERVAL


class PollPacer:
    """Estimates the number of open pages from the polls in a window, and sets the interval for the next window."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._previous_interval = self._interval = 1
        """The interval before this window, by which pages poll in it, and the one to answer now."""
        self._window_start = clock()
        self._pages = 0.0
        """Estimate for this window. Every page counts as busy: an idle one polls rarely anyway."""

    def next_interval(self, *, busy: bool) -> int:
        """Count a poll; the interval after which its page polls again."""
        with self._lock:
            self._update()
            self._pages += self._previous_interval * POLL_SECONDS / _WINDOW_SECONDS
            return max(self._interval, base_interval(busy=busy))

    def _update(self) -> None:
        passed = self._clock() - self._window_start
        if passed >= _WINDOW_SECONDS:
            self._previous_interval = self._interval = _interval_for(self._pages * _WINDOW_SECONDS / passed)
            self._window_start, self._pages = self._clock(), 0.0
        else:  # many pages at once must slow down before the window ends
            self._interval = max(self._interval, _interval_for(self._pages))


def _interval_for(pages: float) -> int:
    return min(max(1, math.ceil(pages / (POLL_SECONDS * MAX_POLLS_PER_SECOND) - _TOLERANCE)), MAX_INTERVAL)
