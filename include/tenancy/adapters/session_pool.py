"""A pool of PostgreSQL sessions, for callers that only read, and often: the console's pages.

A new session costs a process on the server, and 4096 hashes of the password here. A session that failed is not used
again, nor one that the server has closed.
"""

import select
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from tenancy.adapters.dsn import Dsn
from tenancy.adapters.sessions import Session, connected, translated

MAX_IDLE: Final = 8
IDLE_SECONDS: Final = 60.0


class SessionPool:
    """Idle sessions, each with its address and the start of its idle time. The newest is used first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._idle: list[tuple[Dsn, float, Session]] = []
        self._lock = threading.Lock()
        weakref.finalize(self, _close, self._idle)

    @contextmanager
    def session(self, dsn: Dsn, application: str) -> Iterator[Session]:
        """An idle session, or a new one. Errors are those of sessions.session()."""
        with translated(dsn):
            connection = self._taken(dsn) or connected(dsn, application=application)
            try:
                yield connection
            except BaseException:
                connection.close()
                raise
            self._give_back(dsn, connection)

    def _taken(self, dsn: Dsn) -> Session | None:
        with self._lock:
            while self._idle:
                pooled_dsn, since, session = self._idle.pop()
                if pooled_dsn == dsn and self._clock() - since < IDLE_SECONDS and not _hung_up(session):
                    return session
                session.close()
        return None

    def _give_back(self, dsn: Dsn, session: Session) -> None:
        with self._lock:
            if len(self._idle) < MAX_IDLE:
                self._idle.append((dsn, self._clock(), session))
                return
        session.close()


def _hung_up(session: Session) -> bool:
    """A server sends nothing to an idle session but its end."""
    if session.closed:
        return True
    listening = select.poll()
    listening.register(session.fileno(), select.POLLIN)
    return bool(listening.poll(0))


def _close(idle: list[tuple[Dsn, float, Session]]) -> None:
    for _, _, session in idle:
        session.close()
