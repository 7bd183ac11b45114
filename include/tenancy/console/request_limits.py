"""Limits how many requests of the console and the API run at once. A request waits before it takes a thread.

The api-server runs synchronous routes, Airflow's own and ours, in the same 40 threads (anyio's default). A request that
must wait for a slot waits in the event loop, where it costs no thread. When too many wait, the next gets 503 at once.
A write calls Airflow's REST API, which this same process serves with the remaining threads.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from tenancy.console.api.problems import ProblemError

WRITES_AT_ONCE: Final = 8
READS_AT_ONCE: Final = 16
"""Together 24 of 40: 16 are always left to Airflow."""
RETRY_AFTER_SECONDS: Final = 5


class RequestLimit:
    """Slots for `at_once` requests; `waiting` more may wait for `patience_seconds`. For one event loop."""

    def __init__(self, what: str, at_once: int, *, waiting: int, patience_seconds: float) -> None:
        self._what, self._at_once = what, at_once
        self._waiting_at_most, self._patience_seconds = waiting, patience_seconds
        self._free = asyncio.Semaphore(at_once)
        self._waiting = 0

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold a slot for as long as the context lasts; ProblemError 503 when none is free in time."""
        if self._free.locked() and self._waiting >= self._waiting_at_most:
            raise self._busy_error()
        self._waiting += 1
        try:
            async with asyncio.timeout(self._patience_seconds):
                await self._free.acquire()
        except TimeoutError as late:
            raise self._busy_error() from late
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._free.release()

    def _busy_error(self) -> ProblemError:
        sentence = f"{self._at_once} {self._what} are in progress; this one was not begun. Send it again in a moment."
        return ProblemError(503, sentence, retry_after=RETRY_AFTER_SECONDS)


def write_limit() -> RequestLimit:
    """For actions. An action takes 0.1 to 1 s, so three times as many may wait as run."""
    return RequestLimit("actions", WRITES_AT_ONCE, waiting=3 * WRITES_AT_ONCE, patience_seconds=10.0)


def read_limit() -> RequestLimit:
    """For reads. A page takes 20 ms, or 1.2 s when the ledger does not respond."""
    return RequestLimit("requests", READS_AT_ONCE, waiting=6 * READS_AT_ONCE, patience_seconds=5.0)
