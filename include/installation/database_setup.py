"""Roles and databases on the servers, and the rights to connect to them.

Safe to run again: it brings passwords and rights up to date and never drops anything. Airflow and the ledger's own
migrations create the tables.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from installation.role_names import AIRFLOW, LEDGER, LEDGER_OWNER, STORAGE_ADMIN
from tenancy.adapters.storage_rights import RIGHTS
from tenancy.airflow_settings import DATABASE_LOCK_SECONDS

_POSTGRESQLS_OWN: Final = ("postgres", "template0", "template1")


@dataclass(frozen=True)
class OwnedDatabase:
    """A database and the role of the same name that connects to it."""

    name: str
    password: str
    attributes: str = "LOGIN"
    lock_seconds: int = 0
    """How long its sessions wait for a lock; 0 is for ever."""
    owner: str = ""
    """The role that owns the database, where that is another than the one that connects: it cannot log in."""
    grants: tuple[str, ...] = ()
    """Further statements that grant its rights; `{admin}` is replaced by its name."""


def airflow(password: str) -> OwnedDatabase:
    """Airflow's metadata."""
    return OwnedDatabase(AIRFLOW, password, lock_seconds=DATABASE_LOCK_SECONDS)


def ledger(password: str) -> OwnedDatabase:
    """The ledger: who writes facts does not own the tables (docs/architecture.md, "The ledger")."""
    return OwnedDatabase(LEDGER, password, owner=LEDGER_OWNER)


def storage(password: str) -> OwnedDatabase:
    """The administrator of tenants' storage is no superuser: what it may do is what a cloud provider grants."""
    return OwnedDatabase(STORAGE_ADMIN, password, grants=tuple(right.grant for right in RIGHTS))


def ensure(superuser: psycopg.Connection, owned: Iterable[OwnedDatabase]) -> None:
    """Make them, or bring them up to date. The connection commits each statement by itself."""
    # Without superuser (a managed server's administrator), only a member of a role may give it a database.
    superuser.execute("SET createrole_self_grant = 'set, inherit'")
    for each in owned:
        _ensure_role(superuser, each)
        _ensure_database(superuser, each)
    close_to_public(superuser)


def close_to_public(superuser: psycopg.Connection[Any]) -> None:
    """PostgreSQL lets every role connect to its own databases. Without this a tenant could hold a session in
    template1."""
    cursor = superuser.cursor(row_factory=tuple_row)
    found = cursor.execute("SELECT datname FROM pg_database WHERE datname = ANY(%s)", (list(_POSTGRESQLS_OWN),))
    for (name,) in found.fetchall():
        superuser.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))


def _ensure_role(connection: psycopg.Connection, role: OwnedDatabase) -> None:
    known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role.name,)).fetchone()
    statement = sql.SQL("{verb} ROLE {name} WITH {attributes} PASSWORD {password}").format(
        verb=sql.SQL("ALTER" if known else "CREATE"),
        name=sql.Identifier(role.name),
        attributes=sql.SQL(role.attributes),
        password=sql.Literal(role.password),
    )
    connection.execute(statement)
    limit = sql.SQL("ALTER ROLE {name} SET lock_timeout = {limit}")
    connection.execute(limit.format(name=sql.Identifier(role.name), limit=sql.Literal(f"{role.lock_seconds}s")))
    for grant in role.grants:
        connection.execute(sql.SQL(grant).format(admin=sql.Identifier(role.name)))


def _ensure_database(connection: psycopg.Connection, desired: OwnedDatabase) -> None:
    database, user = sql.Identifier(desired.name), sql.Identifier(desired.name)
    owner = _ensure_owner(connection, desired.owner) if desired.owner else user
    if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (desired.name,)).fetchone():
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, owner))
    connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(database, owner))
    connection.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(database))
    if desired.owner:
        connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, user))


def _ensure_owner(connection: psycopg.Connection, name: str) -> sql.Identifier:
    if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone():
        connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(name)))
    return sql.Identifier(name)
