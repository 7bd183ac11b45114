"""Which roles and databases stand on the two servers, and who may connect to what.

The platform server holds Airflow's metadata and the ledger; the storage server holds nothing of ours but a
maintenance database, from which tenants' databases are made. Safe to run again: it brings passwords and rights up to
date and never drops anything. The tables inside are made by Airflow and by the ledger's own migrations.
"""

from dataclasses import dataclass

import psycopg
from psycopg import sql

from sandbox.database_names import AIRFLOW, LEDGER, STORAGE_ADMIN
from sandbox.postgres import PostgresServer
from sandbox.problems import SandboxError
from sandbox.secrets import Secrets
from tenancy.airflow_settings import DATABASE_LOCK_SECONDS


@dataclass(frozen=True)
class Owned:
    """A database and the role of the same name that owns it."""

    name: str
    password: str
    attributes: str = "LOGIN"
    lock_seconds: int = 0
    """How long its sessions wait for a lock; 0 is for ever."""


def prepare_platform(server: PostgresServer, secrets: Secrets) -> None:
    airflow = Owned(AIRFLOW, secrets.airflow_database, lock_seconds=DATABASE_LOCK_SECONDS)
    _prepare(server, [airflow, Owned(LEDGER, secrets.ledger_database)])


def prepare_storage(server: PostgresServer, secrets: Secrets) -> None:
    """The administrator of tenants' storage is no superuser: what it may do is what a cloud provider grants."""
    _prepare(server, [Owned(STORAGE_ADMIN, secrets.storage_admin, "LOGIN CREATEDB CREATEROLE")])


def _prepare(server: PostgresServer, owned: list[Owned]) -> None:
    with _superuser(server) as connection:
        for each in owned:
            _ensure_role(connection, each)
            _ensure_database(connection, each.name)
        connection.execute("REVOKE CONNECT ON DATABASE postgres FROM PUBLIC")


def _superuser(server: PostgresServer) -> psycopg.Connection:
    try:
        return psycopg.connect(server.superuser_dsn(), autocommit=True, connect_timeout=10)
    except psycopg.OperationalError as error:
        raise SandboxError(
            f"{server.name} does not let us in: {' '.join(str(error).split())} If secrets.json is not the one its "
            "data were made with, restore that, or start from nothing with `python -m sandbox down --purge`."
        ) from error


def _ensure_role(connection: psycopg.Connection, role: Owned) -> None:
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


def _ensure_database(connection: psycopg.Connection, name: str) -> None:
    identifier = sql.Identifier(name)
    if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(identifier, identifier))
    connection.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(identifier))
