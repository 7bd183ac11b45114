"""A value that is read again in the background when it is too old, and is shown with its age until then.

Used for all that requests share and that is slow or may hang: the engine's report, the systems' health, measures of the
ledger. One refresh of a value runs at a time. A caller waits for it up to its own time-out, and then gets the last
value. A value takes one thread at most, also when its source hangs. All values share these threads.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass
from functools import cache
from typing import Final, Generic, TypeVar

MAX_VALUES: Final = 16
"""More than there are values in an api-server: no value waits for a thread that another one holds."""

_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Refreshed(Generic[_Value]):
    """What is known of a value now."""

    value: _Value | None = None
    """The last one that was read; None before the first."""
    age: float = float("inf")
    """Seconds since it was read."""
    error: Exception | None = None
    """Why the last refresh failed; None if it did not."""
    refresh_seconds: float = 0.0
    """For how long the refresh that runs now has been running; 0 if none runs."""


class RefreshedValue(Generic[_Value]):
    """One value, read by `read`, which may take long and raise. It is due when it is `max_age` seconds old.

    When `read` raises, the last value stays, and the next refresh is due `max_age` seconds later: not everybody who
    asks tries again. While there is no value, everybody does.
    """

    def __init__(
        self, read: Callable[[], _Value], *, max_age: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read, self._max_age, self._clock = read, max_age, clock
        self._lock = threading.Lock()
        self._refresh: Future[None] | None = None
        self._refresh_began = 0.0
        self._value: _Value | None = None
        self._read_at = self._refresh_ended = float("-inf")
        self._error: Exception | None = None

    @property
    def latest(self) -> Refreshed[_Value]:
        """What is known; returns at once and starts nothing."""
        with self._lock:
            now = self._clock()
            refresh_seconds = now - self._refresh_began if self._is_running() else 0.0
            return Refreshed(self._value, now - self._read_at, self._error, refresh_seconds)

    def start_refresh(self) -> None:
        """Start a refresh if one is due; returns at once."""
        with self._lock:
            is_due = self._value is None or self._clock() - self._refresh_ended >= self._max_age
            if is_due and not self._is_running():
                self._refresh_began = self._clock()
                self._refresh = _threads().submit(self._run_refresh)

    def wait(self, timeout: float) -> Refreshed[_Value]:
        """What is known once the refresh that runs has ended, or after `timeout` seconds."""
        refresh = self._refresh
        if refresh is not None:
            wait_for([refresh], timeout=timeout)
        return self.latest

    def get(self, timeout: float) -> Refreshed[_Value]:
        """The same, after a refresh was started if one is due."""
        self.start_refresh()
        return self.wait(timeout)

    def _is_running(self) -> bool:
        return self._refresh is not None and not self._refresh.done()

    def _run_refresh(self) -> None:
        try:
            value = self._read()
        except Exception as error:  # noqa: BLE001 - whoever asks for the value decides what it means
            with self._lock:
                self._error, self._refresh_ended = error, self._clock()
        else:
            with self._lock:
                self._value, self._error = value, None
                self._read_at = self._refresh_ended = self._clock()


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(MAX_VALUES, thread_name_prefix="tenancy-refresh")
