"""Tenants' databases in an admin session: created from template0, closed to all others, found by their proof.

Called by storage.py. All of it runs in the database of the storage connection: no administrator enters a tenant's
database.
"""

from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import sql

from tenancy.adapters.sessions import Session
from tenancy.saga.causes import Cause
from tenancy.saga.errors import ForeignObjectError, PlatformError

_INVALID: Final = -2
"""pg_database.datconnlimit of a database whose DROP was interrupted. PostgreSQL only allows dropping it again."""
_MARK: Final = "tenancy:"
"""How every proof of ownership begins (saga/names.py)."""


@dataclass(frozen=True)
class DatabaseStatus:
    """A database as it is now.

    `valid` is False after an interrupted DROP. `proof` is its owner's, which a tenant cannot change; the database's own
    comment counts only if the owner has none. `accepts_connections` is False while it is created or dropped, or after
    the tenant closed it.
    """

    name: str
    owner: str
    proof: str | None
    connection_limit: int
    valid: bool
    accepts_connections: bool
    is_template: bool

    @property
    def in_service(self) -> bool:
        """Can its tenant use it, and the platform drop it?"""
        return self.accepts_connections and not self.is_template


def find_database(connection: Session, name: str) -> DatabaseStatus | None:
    """The database, if it exists, complete or not."""
    row = connection.execute(_DATABASES + " where d.datname = %(name)s", {**_CONSTANTS, "name": name}).fetchone()
    return DatabaseStatus(**row) if row else None


def databases_with_proof(connection: Session, prefix: str) -> list[DatabaseStatus]:
    """Every database whose proof begins with the prefix. An incomplete one has the proof of its owner."""
    rows = connection.execute(f"{_DATABASES} where {_PROOF} ^@ %(prefix)s", {**_CONSTANTS, "prefix": prefix})
    return [DatabaseStatus(**row) for row in rows]


def require_our_database(found: DatabaseStatus, owner: str, proof: str) -> None:
    """ForeignObjectError unless the tenant's role owns it, or its comment is the tenant's proof."""
    if found.owner != owner and found.proof != proof:
        raise ForeignObjectError(
            f"A database {found.name} exists and is not ours (it is owned by {found.owner} and its proof is "
            f"{found.proof!r}, ours would be {proof!r}). Nothing was changed; find its owner, or drop it manually."
        )


def create_database(connection: Session, name: str, *, owner: str) -> None:
    """Create it from template0, to which nobody can connect. It accepts no connections yet."""
    statement = sql.SQL("create database {} owner {} template template0 encoding 'UTF8' {} allow_connections false")
    try:
        connection.execute(statement.format(sql.Identifier(name), sql.Identifier(owner), _locale(connection)))
    except psycopg.errors.InternalError_ as error:
        if connection.execute(_COLLATION_RECORDED).fetchone() is None:
            raise
        reason = " ".join(str(error).split())
        raise PlatformError(
            f"The server's template0 is of another version of its collation ({reason}). {_REFRESH}",
            cause=Cause.STORAGE_COLLATION,
        ) from error


def open_database(connection: Session, name: str, *, connection_limit: int, proof: str) -> None:
    """Let only its owner connect. Also resets what an owner can change: template, connections, limit, comment."""
    database = sql.Identifier(name)
    connection.execute(sql.SQL("revoke all on database {} from public").format(database))
    connection.execute(sql.SQL("comment on database {} is {}").format(database, sql.Literal(proof)))
    connection.execute(
        sql.SQL("alter database {} with is_template false allow_connections true connection limit {}").format(
            database, sql.Literal(connection_limit)
        )
    )


def close_database(connection: Session, name: str) -> None:
    """Allow no further connections, not even a superuser's. Its owner can revert this while it has a session."""
    connection.execute(
        sql.SQL("alter database {} with is_template false allow_connections false connection limit 0").format(
            sql.Identifier(name)
        )
    )


def _locale(connection: Session) -> sql.SQL:
    """The same locale on every server, whatever its operating system, so that no collation ever changes.

    PostgreSQL 16 lacks the builtin provider; there upper() and lower() know ASCII letters only.
    """
    if connection.info.server_version >= 170000:
        return sql.SQL("locale_provider builtin builtin_locale 'C.UTF-8' locale 'C'")
    return sql.SQL("locale_provider libc locale 'C'")


_REFRESH: Final = (
    "As a superuser: alter database template0 refresh collation version; or, where that changes nothing: "
    "update pg_database set datcollversion = null where datname = 'template0';"
)
_COLLATION_RECORDED: Final = """
    select from pg_catalog.pg_database where datname = 'template0' and datcollversion is not null"""
_CONSTANTS: Final = {"invalid": _INVALID, "mark": _MARK}
_OWNERS: Final = "pg_catalog.shobj_description(d.datdba, 'pg_authid')"
_PROOF: Final = f"""
    case when {_OWNERS} ^@ %(mark)s then {_OWNERS} else pg_catalog.shobj_description(d.oid, 'pg_database') end"""
_DATABASES: Final = f"""
    select d.datname::pg_catalog.text as name, pg_catalog.pg_get_userbyid(d.datdba)::pg_catalog.text as owner,
           {_PROOF} as proof, d.datconnlimit as connection_limit, d.datconnlimit <> %(invalid)s as valid,
           d.datallowconn and d.datconnlimit <> 0 as accepts_connections, d.datistemplate as is_template
      from pg_catalog.pg_database as d
"""  # noqa: S608 - made of our own text
