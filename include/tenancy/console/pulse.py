"""How the workflow engine is, for everybody who looks at once: asked seldom, and by one of them.

The api-server asks itself for it (Airflow's health report); watchers poll every second.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

from tenancy.engine.vitals import Vitals

FRESH_SECONDS: Final = 5.0


class Pulse:
    """`ask` at most every FRESH_SECONDS; while somebody asks, the others get what was known before."""

    def __init__(self, ask: Callable[[], Vitals], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._monotonic = monotonic
        self._asking = threading.Lock()
        self._known = Vitals()
        self._fresh_until = float("-inf")

    def __call__(self) -> Vitals:
        """What is known, if need be after a look."""
        if self._monotonic() >= self._fresh_until and self._asking.acquire(blocking=False):
            try:
                self._known = self._ask()
                self._fresh_until = self._monotonic() + FRESH_SECONDS
            finally:
                self._asking.release()
        return self._known
