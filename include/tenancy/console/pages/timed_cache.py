"""A value from the ledger that one process reads again only after some seconds, for all its pages.

A page waits for a moment while the value is read again; then it gets the old one. It waits as long as for any reading
of the ledger when there is no value yet, or one that is too old to be shown.
"""

from collections.abc import Callable
from typing import Final, Generic, TypeVar

from tenancy.console.api.request_context import open_context
from tenancy.console.pages.read_timeout import READ_TIMEOUT_SECONDS
from tenancy.console.refreshed_value import RefreshedValue
from tenancy.console.services import Services
from tenancy.ledger.ledger import LedgerSession
from tenancy.saga.errors import TransientError

BRIEF_SECONDS: Final = 0.4
KEEP_SECONDS: Final = 30.0

_Value = TypeVar("_Value")


class TimedCache(Generic[_Value]):
    """The value is read again after `seconds`, in a session of its own. It is shown for `keep_seconds` longer while
    its reading lasts or fails."""

    def __init__(
        self,
        services: Services,
        read: Callable[[LedgerSession], _Value],
        seconds: float,
        *,
        keep_seconds: float = KEEP_SECONDS,
        timeout: float = READ_TIMEOUT_SECONDS,
    ) -> None:
        def in_session() -> _Value:
            with open_context(services) as context:
                return read(context.ledger)

        self._value = RefreshedValue(in_session, max_age=seconds)
        self._keep, self._timeout = seconds + keep_seconds, timeout

    def get(self) -> _Value:
        """The value; without one that may be shown, the error of its reading, or TransientError while that lasts."""
        is_kept = self._value.latest.age <= self._keep
        known = self._value.get(BRIEF_SECONDS if is_kept else self._timeout)
        if known.value is not None and known.age <= self._keep:
            return known.value
        raise known.error or TransientError(f"The ledger has not responded for {self._timeout:g} s.")
