"""psycopg's errors in our words: which system, where, what it answered, whose fault that is, and the cause.

By SQLSTATE (sqlstates.py). An error without one did not come from PostgreSQL: the server, or the way to it, is silent.
"""

from typing import Final

import psycopg

from tenancy.adapters.dsn import Dsn
from tenancy.adapters.sqlstates import Fault, Verdict, verdict_of
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PermanentError, PlatformError, TransientError

Failure = TransientError | PermanentError | PlatformError
_KINDS: Final[dict[Fault, type[Failure]]] = {
    Fault.TRANSIENT: TransientError,
    Fault.PLATFORM: PlatformError,
    Fault.TENANT: PermanentError,
    Fault.PERMANENT: PermanentError,
}


def translate(error: psycopg.Error, dsn: Dsn, *, connecting: bool = False) -> Failure:
    """The same failure as an error of ours. `connecting`: the session was not open yet."""
    verdict = verdict_on(error, dsn, connecting=connecting)
    failure = _KINDS[verdict.fault](_sentence(error, dsn, verdict, connecting=connecting), cause=verdict.cause)
    if isinstance(failure, PlatformError) and not dsn.is_tenant:
        return failure.naming(dsn.connection)
    return failure


def verdict_on(error: psycopg.Error, dsn: Dsn, *, connecting: bool = False) -> Verdict:
    """Whose fault it is, and the cause."""
    if error.sqlstate is not None:
        return verdict_of(error.sqlstate, connecting=connecting, as_tenant=dsn.is_tenant, at_ledger=dsn.is_ledger)
    if _is_silence(error):
        return Verdict(Fault.TRANSIENT, Cause.LEDGER_SILENT if dsn.is_ledger else Cause.STORAGE_UNREACHABLE)
    if connecting:  # libpq does not accept what the connection asks for
        return Verdict(Fault.PLATFORM, Cause.LEDGER_REFUSES if dsn.is_ledger else Cause.STORAGE_CONNECTION)
    return Verdict(Fault.PERMANENT, Cause.LEDGER_REFUSES if dsn.is_ledger else Cause.UNKNOWN)


def _is_silence(error: psycopg.Error) -> bool:
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)


def _sentence(error: psycopg.Error, dsn: Dsn, verdict: Verdict, *, connecting: bool) -> str:
    reason = " ".join(str(error).split()) or type(error).__name__
    system = dsn.label[:1].upper() + dsn.label[1:]
    if error.sqlstate is None and _is_silence(error):
        return f"{system} does not answer at {dsn.place}: {reason}"
    if connecting and verdict.fault is Fault.TRANSIENT:
        return f"{system} at {dsn.place} lets nobody in now: {reason} [{error.sqlstate}]"
    return f"{system} at {dsn.place} refused: {reason}" + (f" [{error.sqlstate}]" if error.sqlstate else "")
