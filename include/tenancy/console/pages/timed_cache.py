"""A value from the ledger that one process reads again only after some seconds, for all its pages."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from tenancy.console.pages.read_timeout import READ_TIMEOUT_SECONDS
from tenancy.ledger.ledger import LedgerSession
from tenancy.saga.errors import TransientError

_Value = TypeVar("_Value")


class TimedCache(Generic[_Value]):
    """While one page reads the value again, the others get the old one: a slow read delays one page only."""

    def __init__(self, read: Callable[[LedgerSession], _Value], seconds: float) -> None:
        self._read, self._seconds = read, seconds
        self._reading = threading.Lock()
        self._values: list[_Value] = []
        self._due = 0.0

    def get(self, ledger: LedgerSession) -> _Value:
        """The value, read by this session if it is due; TransientError while there is none and its reading lasts."""
        if self._values and time.monotonic() < self._due:
            return self._values[0]
        if not self._reading.acquire(timeout=0 if self._values else READ_TIMEOUT_SECONDS):
            return self._old_value()
        try:
            if not self._values or time.monotonic() >= self._due:
                self._due = time.monotonic() + self._seconds  # also when it fails: not every page shall try
                self._values = [self._read(ledger)]
            return self._values[0]
        finally:
            self._reading.release()

    def _old_value(self) -> _Value:
        if not self._values:
            raise TransientError(f"The ledger has not responded for {READ_TIMEOUT_SECONDS:g} s.")
        return self._values[0]
