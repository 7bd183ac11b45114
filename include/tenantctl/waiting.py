"""Looks again and again until something is so: patient with an API that is away, bound by the operator's time-out."""

from collections.abc import Callable
from typing import Final, TypeVar

from tenantctl.exits import Away, Late
from tenantctl.session import Session
from tenantctl.text import in_words, sentence

POLL_SECONDS: Final = 1.0
PATIENCE_SECONDS: Final = 1800.0
"""The default time-out: three readiness waits of ten minutes."""
T = TypeVar("T")


class Patience:
    """One wait's clock. `tell` is how it says that the API is away or back; on stderr unless given."""

    def __init__(self, session: Session, timeout: float, tell: Callable[[str], None] | None = None) -> None:
        self._session = session
        self._tell = tell or session.warn
        self._timeout = timeout
        self._deadline = session.world.clock() + timeout
        self._away = False

    def look(self, ask: Callable[[], T]) -> T:
        """What `ask` says; while the API is away, ask on, and tell once that it is and once that it is back."""
        while True:
            try:
                found = ask()
            except Away as error:
                self._tell_away(error)
                self.pause(float(error.retry_after or POLL_SECONDS), error.sentence)
            else:
                self._tell_back()
                return found

    def pause(self, seconds: float = POLL_SECONDS, still: str = "") -> None:
        """Wait, but not beyond the time-out: Late then, with what is `still` so."""
        remaining = self._deadline - self._session.world.clock()
        if remaining <= 0:
            raise Late(f"Not done within {in_words(self._timeout)}; it goes on without us. {sentence(still)}".rstrip())
        self._session.world.sleep(min(seconds, remaining))

    def _tell_away(self, error: Away) -> None:
        if not self._away:
            self._tell(f"{error.sentence} Asking on; the saga does not need us.")
        self._away = True

    def _tell_back(self) -> None:
        if self._away:
            self._tell("Tenancy answers again.")
        self._away = False
