"""Opens PostgreSQL sessions and turns psycopg's errors into ours.

Used by the ledger and the storage adapter. Every session is in autocommit mode, has keep-alives and statement and lock
time-outs; it knows nothing of tenants.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tenancy.adapters.dsn import Dsn
from tenancy.saga.errors import PermanentError, TransientError

Session = psycopg.Connection[dict[str, Any]]

STATEMENT_TIMEOUT_SECONDS = 30
LOCK_TIMEOUT_SECONDS = 10
_TRANSIENT = (
    psycopg.errors.OperationalError,  # connection lost, shutting down, too many connections, lock not available
    psycopg.errors.InterfaceError,
    psycopg.errors.TransactionRollback,  # serialization failure, deadlock
    psycopg.errors.ObjectInUse,  # template1 or the database is being accessed
)


@contextmanager
def session(dsn: Dsn, *, application: str, settings: dict[str, str] | None = None) -> Iterator[Session]:
    """A session that is closed at the end. Its errors come out as TransientError or PermanentError."""
    bounds = {
        "statement_timeout": f"{STATEMENT_TIMEOUT_SECONDS}s",
        "lock_timeout": f"{LOCK_TIMEOUT_SECONDS}s",
        **(settings or {}),
    }
    parameters = dsn.parameters(application=application, settings=bounds)
    with translated(dsn), psycopg.connect(**parameters, autocommit=True, row_factory=dict_row) as connection:
        yield connection


@contextmanager
def translated(dsn: Dsn) -> Iterator[None]:
    """Errors of psycopg inside become ours, with system and place in the sentence."""
    try:
        yield
    except psycopg.Error as error:
        raise translate(error, dsn) from error


def translate(error: psycopg.Error, dsn: Dsn) -> TransientError | PermanentError:
    """The same failure in our words: which system, where, what it said."""
    said = " ".join(str(error).split()) or type(error).__name__
    place = f"{dsn.host}:{dsn.port}/{dsn.dbname}"
    if error.sqlstate is None and isinstance(error, psycopg.OperationalError):
        return TransientError(f"{_capital(dsn.label)} does not answer at {place}: {said}")
    code = f" [{error.sqlstate}]" if error.sqlstate else ""
    kind = TransientError if _is_transient(error) else PermanentError
    return kind(f"{_capital(dsn.label)} at {place} refused: {said}{code}")


def _is_transient(error: psycopg.Error) -> bool:
    wrong_password = isinstance(error, psycopg.errors.InvalidAuthorizationSpecification)
    return isinstance(error, _TRANSIENT) and not wrong_password


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
