"""How often an open page asks: every 2 s while few are open; the more there are, the more seldom each of them.

Pages take the api-server's processor from the tasks, whose every step goes through it, and most are open when most is
under way. So it is their sum that is bounded, not each page's cost. Counted in this process: each api-server's worker
bounds what it answers itself.
"""

import math
import threading
import time
from collections.abc import Callable
from typing import Final

BEAT_SECONDS: Final = 2.0
"""console.js's POLL."""
MOST_A_SECOND: Final = 8.0
"""Sixteen pages at a beat each. A poll costs 6 ms of the api-server's processor time (`make bench-pages`)."""
SLOWEST: Final = 8
"""Beats. Whoever waits for a tenant learns within 16 s what became of it, however many others do."""
_AT_REST: Final = 5
_MOMENT_SECONDS: Final = 5.0
_SLACK: Final = 0.25
"""Of a beat: a page more or less in one moment is no reason to change the pace of all."""


def pace(*, busy: bool) -> int:
    """How many beats a page lets pass before it asks again, when it is alone."""
    return 1 if busy else _AT_REST


class Crowd:
    """Estimates from the polls of a moment how many pages are open, and sets the pace of the next."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._told = self._pace = 1
        """What the pages were told before this moment, and what they are told now."""
        self._begun = clock()
        self._pages = 0.0
        """Seen since then, counted as if all were busy: a page at rest asks so seldom by itself."""

    def polled(self, *, busy: bool) -> int:
        """A page has asked: after how many beats it is to ask again."""
        alone = pace(busy=busy)
        with self._lock:
            self._turn()
            self._pages += self._told * BEAT_SECONDS / _MOMENT_SECONDS
            return max(self._pace, alone)

    def _turn(self) -> None:
        passed = self._clock() - self._begun
        if passed >= _MOMENT_SECONDS:
            self._told = self._pace = _pace_of(self._pages * _MOMENT_SECONDS / passed)
            self._begun, self._pages = self._clock(), 0.0
        else:  # a crowd that comes all at once is not left alone until the moment is over
            self._pace = max(self._pace, _pace_of(self._pages))


def _pace_of(pages: float) -> int:
    return min(max(1, math.ceil(pages / (BEAT_SECONDS * MOST_A_SECOND) - _SLACK)), SLOWEST)
