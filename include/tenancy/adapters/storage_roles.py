"""Tenants' roles in an admin session: created with their proof in one transaction, locked out, dropped.

Called by storage.py. The comment on a role is its proof of ownership. Changing it takes CREATEROLE and the ADMIN
option, which no tenant has.
"""

from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import sql

from tenancy.adapters.sessions import Session
from tenancy.saga.causes import Cause
from tenancy.saga.errors import ForeignObjectError, TransientError


@dataclass(frozen=True)
class RoleStatus:
    """A role as it is now. `connection_limit` -1 means none; `may_login` is False while its database is dropped."""

    name: str
    proof: str | None
    connection_limit: int
    may_login: bool

    @property
    def in_service(self) -> bool:
        """Can its tenant use it?"""
        return self.may_login


def find_role(connection: Session, name: str) -> RoleStatus | None:
    """The role, if it exists."""
    row = connection.execute(_ROLES + " where rolname = %s", (name,)).fetchone()
    return RoleStatus(**row) if row else None


def roles_with_proof(connection: Session, prefix: str) -> list[RoleStatus]:
    """Every role whose proof begins with the prefix."""
    rows = connection.execute(_ROLES + " where pg_catalog.shobj_description(oid, 'pg_authid') ^@ %s", (prefix,))
    return [RoleStatus(**row) for row in rows]


def require_our_role(found: RoleStatus, proof: str) -> None:
    """ForeignObjectError unless it carries this proof."""
    if found.proof != proof:
        raise ForeignObjectError(
            f"A role {found.name} exists and is not ours (its comment is {found.proof!r}, ours would be {proof!r}). "
            "Nothing was changed; find its owner, or drop it manually."
        )


def ensure_role(connection: Session, name: str, *, password: str, proof: str, connection_limit: int) -> None:
    """Create or adopt the role, with its proof in the same transaction. ForeignObjectError when it is not ours."""
    with connection.transaction():
        found = find_role(connection, name)
        if found is not None:
            require_our_role(found, proof)
        verb = sql.SQL("alter" if found else "create")
        connection.execute(_let_in(connection, verb, name, password, connection_limit))
        connection.execute(sql.SQL("comment on role {} is {}").format(sql.Identifier(name), sql.Literal(proof)))


def allow_login(connection: Session, name: str, password: str) -> None:
    """Set this password and lift the connection limit, so that we can log in whatever the tenant changed."""
    connection.execute(_let_in(connection, sql.SQL("alter"), name, password, -1))


def forbid_login(connection: Session, name: str) -> None:
    """Let it open no further session. Its open sessions continue."""
    connection.execute(sql.SQL("alter role {} nologin").format(sql.Identifier(name)))


def drop_role(connection: Session, name: str) -> None:
    """Drop it, with its objects and rights in this database. TransientError names other databases with such objects."""
    role = sql.Identifier(name)
    try:
        connection.execute(sql.SQL("drop role {}").format(role))
    except psycopg.errors.DependentObjectsStillExist:
        try:
            with connection.transaction():
                connection.execute(sql.SQL("drop owned by {}").format(role))
                connection.execute(sql.SQL("drop role {}").format(role))
        except psycopg.errors.DependentObjectsStillExist as error:
            raise _still_in_use(connection, name, error) from error


def _still_in_use(connection: Session, name: str, error: psycopg.Error) -> TransientError:
    """The error if it has objects or rights in other databases: only a session there can remove those."""
    databases = [row["name"] for row in connection.execute(_REFERRING, (name,))]
    where = f"each of these databases: {', '.join(databases)}" if databases else "any database"
    reason = " ".join((error.diag.message_detail or str(error)).split())
    return TransientError(
        f"The role {name} cannot be dropped, because objects of others refer to it ({reason}). Have a superuser run "
        f"in {where}: drop owned by {_quoted(name)};",
        cause=Cause.STORAGE_ROLE_IN_USE,
    )


def _let_in(connection: Session, verb: sql.SQL, name: str, password: str, connection_limit: int) -> sql.Composed:
    return sql.SQL("{} role {} login connection limit {} password {}").format(
        verb, sql.Identifier(name), sql.Literal(connection_limit), sql.Literal(_scram(connection, name, password))
    )


def _scram(connection: Session, name: str, password: str) -> str:
    # Hashed here, so that the password itself is in no statement and no server log.
    return connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()


def _quoted(name: str) -> str:
    return sql.Identifier(name).as_string(None)


_ROLES: Final = """
    select rolname::pg_catalog.text as name, pg_catalog.shobj_description(oid, 'pg_authid') as proof,
           rolconnlimit as connection_limit, rolcanlogin as may_login
      from pg_catalog.pg_roles
"""
_REFERRING: Final = """
    select distinct d.datname::pg_catalog.text as name
      from pg_catalog.pg_shdepend as s join pg_catalog.pg_database as d on d.oid = s.dbid
     where s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
       and s.refobjid = (select oid from pg_catalog.pg_roles where rolname = %s)
     order by 1
"""
