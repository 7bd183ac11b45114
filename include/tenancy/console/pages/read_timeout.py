"""Limits how long a page waits for the ledger: a page that names the silent system is better than a late one.

A read that takes longer continues in its own thread until its own time-outs end it. There are few such threads. When
all are taken, the next page waits as long and gets the same error: a silent ledger does not use up the api-server's
threads.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as ReadTimeoutError
from typing import Final, TypeVar

from tenancy.saga.errors import TransientError

READ_TIMEOUT_SECONDS: Final = 1.2
_MAX_READS: Final = 8
_threads = ThreadPoolExecutor(_MAX_READS, thread_name_prefix="tenancy-page")

_Value = TypeVar("_Value")


def with_timeout(read: Callable[[], _Value], what: str, *, seconds: float = READ_TIMEOUT_SECONDS) -> _Value:
    """What `read` returns; TransientError that names `what` when it takes longer than `seconds`."""
    future = _threads.submit(read)
    try:
        return future.result(timeout=seconds)
    except ReadTimeoutError as late:
        future.cancel()
        raise TransientError(f"{what} has not responded for {seconds:g} s.") from late
