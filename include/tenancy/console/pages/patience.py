"""A bound on how long a page waits for the ledger: a page that says what is silent is worth more than a late one.

A look that takes longer goes on in its own thread until its own time-outs end it. There are few such threads; when
all are taken, whoever comes waits as long and gets the same answer: a silent ledger does not take the api-server's.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from typing import Final, TypeVar

from tenancy.saga.errors import TransientError

PATIENCE_SECONDS: Final = 1.2
_AT_ONCE: Final = 8
_threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="tenancy-page")

_Seen = TypeVar("_Seen")


def patiently(look: Callable[[], _Seen], what: str, *, seconds: float = PATIENCE_SECONDS) -> _Seen:
    """What `look` saw; TransientError that names `what` when it takes longer than `seconds`."""
    future = _threads.submit(look)
    try:
        return future.result(timeout=seconds)
    except TooLate as late:
        future.cancel()
        raise TransientError(f"{what} has not answered for {seconds:g} s.") from late
