"""Turns psycopg's errors into ours: which system, where, its message, whose fault it is, and the cause.

SQLSTATE decides (sqlstates.py). An error without one did not come from PostgreSQL: the server or the network is silent.
"""

from typing import Final

import psycopg
from psycopg.sql import Identifier

from tenancy.adapters.dsn import Dsn
from tenancy.adapters.sqlstates import ErrorCategory, SqlstateMeaning, classify_sqlstate
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PermanentError, PlatformError, TenantPasswordError, TransientError

Failure = TransientError | PermanentError | PlatformError
_KINDS: Final[dict[ErrorCategory, type[Failure]]] = {
    ErrorCategory.TRANSIENT: TransientError,
    ErrorCategory.PLATFORM: PlatformError,
    ErrorCategory.TENANT: PermanentError,
    ErrorCategory.PERMANENT: PermanentError,
}


_CREDENTIAL_REFUSED: Final = "28P01"
"""PostgreSQL's invalid_password. A server that lets nobody in from our address answers 28000."""
_CHANGED: Final = (
    "On {label} the role {role} refuses the password that Tenancy set: the tenant has changed it. Allocate storage "
    "sets it again in the next attempt. To set it now, take the password of the tenant's Airflow connection and run: "
    "alter role {role} password '<password>';"
)


def translated_error(error: psycopg.Error, dsn: Dsn, *, connecting: bool = False) -> Failure:
    """The same failure as an error of ours. `connecting`: the session was not open yet."""
    if dsn.is_tenant and connecting and error.sqlstate == _CREDENTIAL_REFUSED:
        return TenantPasswordError(_CHANGED.format(role=Identifier(dsn.user).as_string(None), label=dsn.label))
    verdict = classify_error(error, dsn, connecting=connecting)
    failure = _KINDS[verdict.category](_sentence(error, dsn, verdict, connecting=connecting), cause=verdict.cause)
    if isinstance(failure, PlatformError) and not dsn.is_tenant:
        return failure.naming(dsn.connection)
    return failure


def classify_error(error: psycopg.Error, dsn: Dsn, *, connecting: bool = False) -> SqlstateMeaning:
    """Whose fault it is, and the cause."""
    if error.sqlstate is not None:
        return classify_sqlstate(
            error.sqlstate, connecting=connecting, as_tenant=dsn.is_tenant, at_ledger=dsn.is_ledger
        )
    if _is_silence(error):
        return SqlstateMeaning(
            ErrorCategory.TRANSIENT, Cause.LEDGER_SILENT if dsn.is_ledger else Cause.STORAGE_UNREACHABLE
        )
    if connecting:  # libpq does not accept what the connection asks for
        return SqlstateMeaning(
            ErrorCategory.PLATFORM, Cause.LEDGER_REFUSES if dsn.is_ledger else Cause.STORAGE_CONNECTION
        )
    return SqlstateMeaning(ErrorCategory.PERMANENT, Cause.LEDGER_REFUSES if dsn.is_ledger else Cause.UNKNOWN)


def _is_silence(error: psycopg.Error) -> bool:
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)


def _sentence(error: psycopg.Error, dsn: Dsn, verdict: SqlstateMeaning, *, connecting: bool) -> str:
    reason = " ".join(str(error).split()) or type(error).__name__
    system = dsn.label[:1].upper() + dsn.label[1:]
    if error.sqlstate is None and _is_silence(error):
        return f"{system} does not respond at {dsn.location}: {reason}"
    if connecting and verdict.category is ErrorCategory.TRANSIENT:
        return f"{system} at {dsn.location} accepts no sessions now: {reason} [{error.sqlstate}]"
    return f"{system} at {dsn.location} refused: {reason}" + (f" [{error.sqlstate}]" if error.sqlstate else "")
