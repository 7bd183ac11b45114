"""Polls until a condition holds: it tolerates an API that is unavailable, and ends at the operator's timeout."""

from collections.abc import Callable
from typing import Final, TypeVar

from tenantctl.exit_codes import TimedOut, Unavailable
from tenantctl.session import Session
from tenantctl.text import as_sentence, duration_in_words

POLL_SECONDS: Final = 1.0
DEFAULT_TIMEOUT_SECONDS: Final = 1800.0
"""Three readiness waits of ten minutes."""
T = TypeVar("T")


class Poller:
    """One wait with a deadline. `notify` reports that the API is unavailable or back; by default on stderr."""

    def __init__(self, session: Session, timeout: float, notify: Callable[[str], None] | None = None) -> None:
        self._session = session
        self._notify = notify or session.warn
        self._timeout = timeout
        self._deadline = session.environment.clock() + timeout
        self._unavailable = False

    def poll(self, request: Callable[[], T]) -> T:
        """Call `request` until the API answers. Reports once that it is unavailable and once that it is back."""
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
        """Wait, but not beyond the timeout. TimedOut then, with `status` in its sentence."""
        remaining = self._deadline - self._session.environment.clock()
        if remaining <= 0:
            limit = duration_in_words(self._timeout)
            raise TimedOut(f"Not done within {limit}. The operation continues. {as_sentence(status)}".rstrip())
        self._session.environment.sleep(min(seconds, remaining))

    def _report_unavailable(self, error: Unavailable) -> None:
        if not self._unavailable:
            self._notify(f"{error.sentence} Trying again; the operation continues meanwhile.")
        self._unavailable = True

    def _report_available(self) -> None:
        if self._unavailable:
            self._notify("Tenancy responds again.")
        self._unavailable = False
