"""PostgreSQL's error codes, each with whose fault it is and the cause. Pure data.

Codes and classes are those of PostgreSQL's documentation, appendix A. Message texts are never read: their language is
the server's (lc_messages), which only a superuser may set for a session.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from types import MappingProxyType
from typing import Final

from tenancy.saga.causes import Cause


class ErrorCategory(Enum):
    """Whose fault it is, which decides what happens next."""

    TRANSIENT = "transient"
    """The same call may succeed later: it is tried again until the activity's time is up."""
    PLATFORM = "platform"
    """Our configuration, our rights or the server itself is at fault: the attempt is held, and nothing is undone."""
    TENANT = "tenant"
    """The tenant's own data, schema or migration: the attempt fails."""
    PERMANENT = "permanent"
    """The statement is wrong: the attempt fails."""


@dataclass(frozen=True)
class SqlstateMeaning:
    """What a code means for the saga."""

    category: ErrorCategory
    cause: Cause = Cause.UNKNOWN


_TRANSIENT: Final = SqlstateMeaning(ErrorCategory.TRANSIENT)
_LOST: Final = SqlstateMeaning(ErrorCategory.TRANSIENT, Cause.STORAGE_UNREACHABLE)
_BLOCKED: Final = SqlstateMeaning(ErrorCategory.TRANSIENT, Cause.STORAGE_BLOCKED)
_READ_ONLY: Final = SqlstateMeaning(ErrorCategory.TRANSIENT, Cause.STORAGE_READ_ONLY)
_OVERLOADED: Final = SqlstateMeaning(ErrorCategory.TRANSIENT, Cause.STORAGE_OVERLOADED)
_POOLER: Final = SqlstateMeaning(ErrorCategory.PLATFORM, Cause.STORAGE_POOLER)
_CREDENTIALS: Final = SqlstateMeaning(ErrorCategory.PLATFORM, Cause.STORAGE_CREDENTIALS)
_PERMISSION: Final = SqlstateMeaning(ErrorCategory.PLATFORM, Cause.STORAGE_PERMISSION)
_CONNECTION: Final = SqlstateMeaning(ErrorCategory.PLATFORM, Cause.STORAGE_CONNECTION)
_BROKEN: Final = SqlstateMeaning(ErrorCategory.PLATFORM, Cause.STORAGE_BROKEN)
_TENANT: Final = SqlstateMeaning(ErrorCategory.TENANT)
_WRONG: Final = SqlstateMeaning(ErrorCategory.PERMANENT)

CLASSES: Final[Mapping[str, SqlstateMeaning]] = MappingProxyType(
    {
        "00": _WRONG,  # successful completion: no error
        "01": _WRONG,  # warning: no error
        "02": _WRONG,  # no data
        "03": _WRONG,  # SQL statement not yet complete
        "08": _LOST,  # connection exception
        "09": _WRONG,  # triggered action exception
        "0A": _CONNECTION,  # feature not supported: by this server, or by a pooler before it
        "0B": _WRONG,  # invalid transaction initiation
        "0F": _WRONG,  # locator exception
        "0L": _PERMISSION,  # invalid grantor
        "0P": _PERMISSION,  # invalid role specification
        "0Z": _WRONG,  # diagnostics exception
        "10": _WRONG,  # XQuery error
        "20": _WRONG,  # case not found
        "21": _WRONG,  # cardinality violation
        "22": _TENANT,  # data exception
        "23": _TENANT,  # integrity constraint violation
        "24": _WRONG,  # invalid cursor state
        "25": _WRONG,  # invalid transaction state
        "26": _POOLER,  # invalid SQL statement name: a prepared statement was made in another session
        "27": _WRONG,  # triggered data change violation
        "28": _CREDENTIALS,  # invalid authorization specification
        "2B": _WRONG,  # dependent privilege descriptors still exist
        "2D": _WRONG,  # invalid transaction termination
        "2F": _WRONG,  # SQL routine exception
        "34": _WRONG,  # invalid cursor name
        "38": _WRONG,  # external routine exception
        "39": _WRONG,  # external routine invocation exception
        "3B": _WRONG,  # savepoint exception
        "3D": _CONNECTION,  # invalid catalog name: the connection's database does not exist
        "3F": _WRONG,  # invalid schema name
        "40": _TRANSIENT,  # transaction rollback
        "42": _WRONG,  # syntax error or access rule violation
        "44": _TENANT,  # WITH CHECK OPTION violation
        "53": _OVERLOADED,  # insufficient resources
        "54": _WRONG,  # program limit exceeded
        "55": _WRONG,  # object not in prerequisite state
        "57": _LOST,  # operator intervention
        "58": _BROKEN,  # system error, external to PostgreSQL
        "72": _TRANSIENT,  # snapshot failure
        "F0": _BROKEN,  # configuration file error
        "HV": _WRONG,  # foreign data wrapper error
        "P0": _TENANT,  # PL/pgSQL error, such as RAISE in a trigger of the tenant's schema
        "XX": _BROKEN,  # internal error, corrupted data or index
    }
)
CODES: Final[Mapping[str, SqlstateMeaning]] = MappingProxyType(
    {
        "08P01": _POOLER,  # protocol_violation: PgBouncer's answer to a start-up parameter that it does not know
        "25006": _READ_ONLY,  # read_only_sql_transaction
        "25P03": _LOST,  # idle_in_transaction_session_timeout: this process was stopped for a while
        "25P04": _BLOCKED,  # transaction_timeout
        "40002": _TENANT,  # transaction_integrity_constraint_violation
        "40P01": _BLOCKED,  # deadlock_detected
        "42501": _PERMISSION,  # insufficient_privilege
        "42P05": _POOLER,  # duplicate_prepared_statement: two sessions of ours share one of the server's
        "53100": SqlstateMeaning(ErrorCategory.TRANSIENT, Cause.STORAGE_DISK_FULL),  # disk_full
        "53300": SqlstateMeaning(ErrorCategory.TRANSIENT, Cause.STORAGE_NO_SLOTS),  # too_many_connections
        "55006": SqlstateMeaning(ErrorCategory.TRANSIENT, Cause.STORAGE_DATABASE_HELD),  # object_in_use
        "55P02": _CONNECTION,  # cant_change_runtime_param: the connection's `options` name such a setting
        "55P03": _BLOCKED,  # lock_not_available: our own lock_timeout
        "57014": _BLOCKED,  # query_canceled: our own statement_timeout
        "57P01": _LOST,  # admin_shutdown
        "57P02": _LOST,  # crash_shutdown
        "57P03": _LOST,  # cannot_connect_now: it starts, or is a standby that accepts no sessions
        "57P04": _CONNECTION,  # database_dropped
    }
)

_OF_A_TENANTS_SESSION: Final = frozenset({"0A", "0L", "0P", "3D"})
"""In a session of the tenant's role, codes of these classes concern its own database or migration."""


def is_decided(code: str) -> bool:
    """Is there a row for this code or its class?"""
    return code in CODES or code[:2] in CLASSES


def classify_sqlstate(
    code: str, *, connecting: bool = False, as_tenant: bool = False, at_ledger: bool = False
) -> SqlstateMeaning:
    """The meaning of the code: while connecting or for a statement, in a session of the tenant's own role, or at the
    ledger.

    A code that PostgreSQL does not document (an extension's) is permanent.
    """
    verdict = CODES.get(code) or CLASSES.get(code[:2], _WRONG)
    if connecting:
        verdict = _while_connecting(code, verdict)
    if as_tenant and (code[:2] in _OF_A_TENANTS_SESSION or (code == "42501" and not connecting)):
        verdict = replace(verdict, category=ErrorCategory.TENANT)
    return replace(verdict, cause=_at_ledger(verdict)) if at_ledger else verdict


def _while_connecting(code: str, verdict: SqlstateMeaning) -> SqlstateMeaning:
    """While connecting, nothing of a tenant was involved yet."""
    if code[:2] == "0A":
        return _POOLER
    if verdict.category in {ErrorCategory.TENANT, ErrorCategory.PERMANENT}:
        return _CONNECTION
    return verdict


def _at_ledger(verdict: SqlstateMeaning) -> Cause:
    return Cause.LEDGER_SILENT if verdict.category is ErrorCategory.TRANSIENT else Cause.LEDGER_REFUSES
