"""Opens PostgreSQL sessions and turns psycopg's errors into ours. Used by the ledger and the storage adapter.

Every session is in autocommit mode and has the settings of session_settings.py and keep-alives. Time-outs for
statements and locks are set on the server, and here in case the server falls silent. It knows nothing of tenants.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.rows import dict_row

from tenancy.adapters.dsn import Dsn
from tenancy.adapters.pooler_check import require_direct
from tenancy.adapters.postgres_errors import translated_error
from tenancy.adapters.session_settings import PINNED, REPORTED, named, require_reported
from tenancy.adapters.sqlstate_connection import SqlstateConnection
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PlatformError

Session = psycopg.Connection[dict[str, Any]]

STATEMENT_TIMEOUT_SECONDS = 30
LOCK_TIMEOUT_SECONDS = 10
SILENCE_SECONDS = STATEMENT_TIMEOUT_SECONDS + 5.0
"""Seconds. A stopped server process (SIGSTOP) enforces no time-out, while its kernel still acknowledges packets."""
ORPHAN_SECONDS = 2
"""A statement whose client died continues in its backend. The server checks this often and ends it."""
OPEN_TRANSACTION_SECONDS = 5
"""A stopped process keeps its transaction open, with rows that its successor waits for. The server ends its session
before the successor's lock time-out."""
_Result = TypeVar("_Result")


class BoundedConnection(SqlstateConnection, psycopg.Connection[dict[str, Any]]):
    """A connection that gives up if the server is silent for too long. It closes itself then, so later calls do not
    wait."""

    silence_seconds: float | None = None
    """Replaces SILENCE_SECONDS for callers with less time."""

    def wait(self, gen: PQGen[_Result], interval: float = 0.1, timeout: float | None = None) -> _Result:
        """psycopg's own method with a time limit (psycopg 3.3.9: every statement uses it, connecting does not)."""
        if timeout is not None:  # psycopg bounds it itself
            return super().wait(gen, interval, timeout)
        seconds = self.silence_seconds or SILENCE_SECONDS
        try:
            return super().wait(gen, interval, seconds)
        except psycopg.errors._WaitTimeout:
            self.pgconn.finish()
            raise psycopg.OperationalError(f"not a word for {seconds:g} s") from None


@contextmanager
def session(
    dsn: Dsn, *, application: str, settings: dict[str, str] | None = None, silence_seconds: float | None = None
) -> Iterator[Session]:
    """A session that is closed at the end. Its errors come out as ours (postgres_errors.py)."""
    opened = connected(dsn, application=application, settings=settings, silence_seconds=silence_seconds)
    with translated(dsn), opened as connection:
        yield connection


def connected(
    dsn: Dsn, *, application: str, settings: dict[str, str] | None = None, silence_seconds: float | None = None
) -> BoundedConnection:
    """A session that the caller closes; a `with` closes it at its end.

    Errors of connecting come out as ours, those of statements as psycopg's. PlatformError if the settings do not reach
    the session: then a pooler responds, not PostgreSQL.
    """
    expected = session_settings(application, settings)
    connection = _opened(dsn, expected)
    connection.silence_seconds = silence_seconds
    try:
        require_settings(connection, expected, dsn)
        with translated(dsn):
            require_direct(
                connection,
                expected,
                place=f"{dsn.location} as {dsn.user}",
                system=dsn.label,
                open_another=lambda: _opened(dsn, expected),
            )
    except PlatformError as error:
        connection.close()
        error.cause = Cause.LEDGER_REFUSES if dsn.is_ledger else error.cause
        raise error.naming(dsn.connection) from error.__cause__
    except BaseException:
        connection.close()
        raise
    return connection


def _opened(dsn: Dsn, expected: Mapping[str, str]) -> BoundedConnection:
    with translated(dsn, connecting=True):
        return BoundedConnection.connect(**dsn.parameters(expected), autocommit=True, row_factory=dict_row)


def session_settings(application: str, settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """All settings of a new session. `application` is its name in pg_stat_activity."""
    bounds = {
        "statement_timeout": f"{STATEMENT_TIMEOUT_SECONDS}s",
        "lock_timeout": f"{LOCK_TIMEOUT_SECONDS}s",
        "client_connection_check_interval": f"{ORPHAN_SECONDS}s",
        "idle_in_transaction_session_timeout": f"{OPEN_TRANSACTION_SECONDS}s",
    }
    return named({**PINNED, **bounds, **(settings or {})}, application)


def require_settings(connection: psycopg.BaseConnection[Any], expected: Mapping[str, str], dsn: Dsn) -> None:
    """PlatformError if the server reports other settings than ours when the session starts."""
    require_reported(expected, {name: connection.info.parameter_status(name) for name in REPORTED}, dsn.label)


@contextmanager
def translated(dsn: Dsn, *, connecting: bool = False) -> Iterator[None]:
    """Errors of psycopg inside become ours, with system and address in the sentence."""
    try:
        yield
    except psycopg.Error as error:
        raise translated_error(error, dsn, connecting=connecting) from error
