"""A PostgreSQL server's identity: its system identifier, or a marker of ours if that may not be read.

Called by the storage adapters, in the same session as the reads that it has to prove. Everybody may call
`pg_control_system()` (PostgreSQL 16 to 18: its ACL is empty), but a managed service may revoke that. Then the identity
is the comment on a role that we create: roles and their comments belong to the whole server, and everybody may read
them.
"""

from uuid import uuid4

import psycopg

from tenancy.adapters.dsn import Dsn
from tenancy.adapters.sessions import Session
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PlatformError, TransientError
from tenancy.saga.systems import ExpectedSystem

MARKER_ROLE = "tenancy_system_marker"
_MARKER_PREFIX = "tenancy-system:"
_UNREADABLE = (
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.FeatureNotSupported,
    psycopg.errors.SystemError,  # a service without the file that the function reads
)


def identity_of(connection: Session, dsn: Dsn) -> str:
    """The server's identity, for a new resource. Creates the marker if it is needed and missing.

    PlatformError if the server has neither.
    """
    return _system_identifier(connection) or _marker(connection) or _new_marker(connection, dsn)


def require_same(connection: Session, expected: ExpectedSystem, dsn: Dsn) -> None:
    """OtherSystemError if this session is not on the expected server. TransientError on a standby, which may lag
    behind."""
    if not expected.accepted:
        return
    expected.require(_system_identifier(connection) or _marker(connection), dsn.label)
    row = connection.execute("select pg_catalog.pg_is_in_recovery() as standby").fetchone()
    if row and row["standby"]:
        raise TransientError(
            f"{dsn.label[:1].upper()}{dsn.label[1:]} at {dsn.host}:{dsn.port} is a standby: what it does not have may "
            "exist on its primary. Point the connection to the primary.",
            cause=Cause.STORAGE_UNREACHABLE,
        )


def _system_identifier(connection: Session) -> str:
    try:
        row = connection.execute(_SYSTEM_IDENTIFIER).fetchone()
    except _UNREADABLE:
        return ""
    return f"postgresql:{row['identifier']}" if row else ""


def _marker(connection: Session) -> str:
    row = connection.execute(_MARKER, (MARKER_ROLE,)).fetchone()
    mark = (row and row["mark"]) or ""
    return f"postgresql-marker:{mark.removeprefix(_MARKER_PREFIX)}" if mark.startswith(_MARKER_PREFIX) else ""


def _new_marker(connection: Session, dsn: Dsn) -> str:
    """If two processes create it at once, the second one is refused and reads the first one's comment."""
    try:
        with connection.transaction():
            connection.execute(f"create role {MARKER_ROLE} nologin")
            connection.execute(f"comment on role {MARKER_ROLE} is '{_MARKER_PREFIX}{uuid4()}'")
    except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
        pass
    if made := _marker(connection):
        return made
    raise PlatformError(
        f"{dsn.label[:1].upper()}{dsn.label[1:]} does not state which server it is, so nothing is made there. Run as a "
        f'superuser: grant execute on function pg_catalog.pg_control_system() to "{dsn.user}"; or, if a role '
        f"{MARKER_ROLE} exists without our comment, drop that role.",
        cause=Cause.STORAGE_PERMISSION,
    )


_SYSTEM_IDENTIFIER = "select system_identifier::pg_catalog.text as identifier from pg_catalog.pg_control_system()"
_MARKER = """
    select pg_catalog.shobj_description(oid, 'pg_authid') as mark
      from pg_catalog.pg_roles where rolname operator(pg_catalog.=) %s
"""
