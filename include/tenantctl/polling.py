"""Looks again and again until something is so: patient with an API that is away, bound by the operator's time-out."""

from collections.abc import Callable
from typing import Final, TypeVar

from tenantctl.exit_codes import TimedOut, Unavailable
from tenantctl.session import Session
from tenantctl.text import as_sentence, duration_in_words

POLL_SECONDS: Final = 1.0
DEFAULT_TIMEOUT_SECONDS: Final = 1800.0
"""The default time-out: three readiness waits of ten minutes."""
T = TypeVar("T")


class Poller:
    """One wait's clock. `notify` is how it says that the API is away or back; on stderr unless given."""

    def __init__(self, session: Session, timeout: float, notify: Callable[[str], None] | None = None) -> None:
        self._session = session
        self._notify = notify or session.warn
        self._timeout = timeout
        self._deadline = session.environment.clock() + timeout
        self._unavailable = False

    def poll(self, request: Callable[[], T]) -> T:
        """What `request` returns; while the API is away, ask on, and tell once that it is and once that it is back."""
        while True:
            try:
                found = request()
            except Unavailable as error:
                self._report_unavailable(error)
                self.pause(float(error.retry_after or POLL_SECONDS), error.sentence)
            else:
                self._report_available()
                return found

    def pause(self, seconds: float = POLL_SECONDS, status: str = "") -> None:
        """Wait, but not beyond the time-out: TimedOut then, with the `status` it had."""
        remaining = self._deadline - self._session.environment.clock()
        if remaining <= 0:
            limit = duration_in_words(self._timeout)
            raise TimedOut(f"Not done within {limit}; it goes on without us. {as_sentence(status)}".rstrip())
        self._session.environment.sleep(min(seconds, remaining))

    def _report_unavailable(self, error: Unavailable) -> None:
        if not self._unavailable:
            self._notify(f"{error.sentence} Asking on; the saga does not need us.")
        self._unavailable = True

    def _report_available(self) -> None:
        if self._unavailable:
            self._notify("Tenancy answers again.")
        self._unavailable = False
