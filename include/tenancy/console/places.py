"""A limit on how many requests of the console and the API are at work at once, enforced before a thread is taken.

The api-server runs synchronous routes, Airflow's own and ours, in the same 40 threads (anyio's default). A request that
has to wait for a place waits in the event loop, where it costs no thread; one too many is answered at once. A write
calls Airflow's REST API, which this very process serves with the threads that are left.
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


class Places:
    """Room for `at_once` requests; `waiting` more may wait for `patience_seconds`. For one event loop."""

    def __init__(self, what: str, at_once: int, *, waiting: int, patience_seconds: float) -> None:
        self._what, self._at_once = what, at_once
        self._waiting_at_most, self._patience_seconds = waiting, patience_seconds
        self._free = asyncio.Semaphore(at_once)
        self._waiting = 0

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """A place for as long as the context lasts; ProblemError 503 when there is none in time."""
        if self._free.locked() and self._waiting >= self._waiting_at_most:
            raise self._full()
        self._waiting += 1
        try:
            async with asyncio.timeout(self._patience_seconds):
                await self._free.acquire()
        except TimeoutError as late:
            raise self._full() from late
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._free.release()

    def _full(self) -> ProblemError:
        sentence = f"{self._at_once} {self._what} are in progress; this one was not begun. Send it again in a moment."
        return ProblemError(503, sentence, retry_after=RETRY_AFTER_SECONDS)


def for_writes() -> Places:
    """As many wait as are at work three times over: an action takes 0.1 to 1 s."""
    return Places("actions", WRITES_AT_ONCE, waiting=3 * WRITES_AT_ONCE, patience_seconds=10.0)


def for_reads() -> Places:
    """A page takes 20 ms, and 1.2 s where the ledger is silent."""
    return Places("requests", READS_AT_ONCE, waiting=6 * READS_AT_ONCE, patience_seconds=5.0)
