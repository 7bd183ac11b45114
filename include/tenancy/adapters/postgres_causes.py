"""What keeps a PostgreSQL server from serving us, as a cause: from SQLSTATEs, else from libpq's words.

Pure. The codes are PostgreSQL's (documentation, appendix A); libpq tells none of a connection that failed.
"""

import re
from typing import Final

import psycopg

from tenancy.adapters.dsn import Dsn
from tenancy.saga.causes import Cause

_BY_CODE: Final = {
    "53300": Cause.STORAGE_NO_SLOTS,
    "53100": Cause.STORAGE_DISK_FULL,
    "55P03": Cause.STORAGE_BLOCKED,  # lock_not_available: our own lock_timeout
    "57014": Cause.STORAGE_BLOCKED,  # query_canceled: our own statement_timeout
    "40P01": Cause.STORAGE_BLOCKED,
    "55006": Cause.STORAGE_TEMPLATE_IN_USE,
    "42501": Cause.STORAGE_PERMISSION,
    "28000": Cause.STORAGE_PERMISSION,
    "28P01": Cause.STORAGE_PERMISSION,
}
_BY_WORDS: Final = (
    (re.compile(r"too many connections|remaining connection slots|connection limit exceeded"), Cause.STORAGE_NO_SLOTS),
    (re.compile(r"No space left on device"), Cause.STORAGE_DISK_FULL),
    (
        re.compile(r"authentication failed|no pg_hba\.conf entry|not permitted to log in|permission denied"),
        Cause.STORAGE_PERMISSION,
    ),
)


def cause_of_refusal(error: psycopg.Error, dsn: Dsn) -> Cause:
    """Unknown when it was neither the server's state nor our right: a wrong statement, say."""
    if dsn.is_ledger:
        return Cause.LEDGER_SILENT
    if error.sqlstate in _BY_CODE:
        return _BY_CODE[error.sqlstate]
    said = str(error)
    for words, cause in _BY_WORDS:
        if words.search(said):
            return cause
    return Cause.STORAGE_UNREACHABLE if _is_lost(error) else Cause.UNKNOWN


def _is_lost(error: psycopg.Error) -> bool:
    """The connection, or the whole server."""
    gone = (error.sqlstate or "").startswith(("08", "57P"))
    return gone or (error.sqlstate is None and isinstance(error, psycopg.OperationalError))
