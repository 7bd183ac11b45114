"""Real systems for tests without Airflow, connected as bootstrap.py connects them: on one embedded PostgreSQL.

Fixtures: `storage_dsn` (a region's server, entered by an admin who is no superuser) and `ledger_dsn` (an empty ledger).
A pytest plugin of tests/conftest.py, so that both folders share one server and one ledger.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from installation import ledger_tables
from installation.database_setup import close_to_public
from installation.role_names import STORAGE_ADMIN
from sandbox.postgres import PostgresServer
from tenancy.adapters.dsn import Dsn
from tenancy.adapters.platform_file import parse_platform
from tenancy.adapters.storage_rights import RIGHTS
from tenancy.saga.credentials import Keyring
from tenancy.saga.names import proof_of
from tenancy.saga.platform import Platform
from tests.products import PLAN

KEYRING = Keyring("k1", {"k1": b"a key of tests, 32 bytes at least"})
POOL = "tenants_starter"
REGION = "eu-central"
LEDGER_DATABASE = "ledger_of_tests"
"""Also the name of the role that writes into it."""
LEDGER_OWNER = "ledger_owner_of_tests"
ORDER = tuple(activity.name for activity in PLAN)


def platform(name: str = "test", *, capacity: int = 100, quota: int = 100) -> Platform:
    """A platform with one region and two plans; only `business` has a quota."""
    region = {"storage_connection": "s", "cluster_connection": "c", "ingress_domain": "t.test", "capacity": capacity}
    plan = {"database_connections": 7, "workflow_pool": POOL, "replicas": 1, "cpu": "100m", "memory": "128Mi"}
    return parse_platform(
        {
            "platform": {"name": name},
            "regions": {REGION: region},
            "plans": {"starter": plan, "business": {**plan, "database_connections": 40, "quota": quota}},
        },
        ORDER,
    )


def request(slug: str = "acme", **changes: Any) -> dict[str, Any]:
    """A well-formed request for a tenant."""
    asked = {"slug": slug, "name": "Acme", "plan": "starter", "region": REGION, "admin_email": f"ada@{slug}.test"}
    return {**asked, **changes}


def as_dsn(url: str, label: str) -> Dsn:
    """A libpq address as the adapters want it."""
    given = conninfo_to_dict(url)
    return Dsn(
        str(given["host"]), int(given["port"]), str(given["dbname"]), str(given["user"]), str(given["password"]), label
    )


@contextmanager
def superuser(server: PostgresServer, database: str = "postgres") -> Iterator[psycopg.Connection[dict[str, Any]]]:
    """One session that may do anything."""
    with psycopg.connect(server.superuser_dsn(database), autocommit=True, row_factory=dict_row) as connection:
        yield connection


@contextmanager
def without_guards(server: PostgresServer, database: str) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    """A session in which no trigger fires and no foreign key is checked: what only a superuser can do."""
    with superuser(server, database) as connection:
        connection.execute("set session_replication_role = replica")
        yield connection


@pytest.fixture(scope="session")
def fast_server(postgres_server: PostgresServer) -> PostgresServer:
    """The test run's server. Nobody pulls its plug here, so nothing has to reach the disk."""
    with superuser(postgres_server) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"alter system set {setting} = off")
        connection.execute("select pg_reload_conf()")
        close_to_public(connection)
        password = sql.Literal(postgres_server.superuser_password)
        connection.execute(_CHEAP_PASSWORDS)
        connection.execute(sql.SQL("alter role postgres password {}").format(password))
    return postgres_server


@pytest.fixture(scope="session")
def storage_dsn(fast_server: PostgresServer) -> Dsn:
    """The storage of the region, as its admin."""
    url = make_owned_database(fast_server, STORAGE_ADMIN, "")
    with superuser(fast_server) as connection:
        for right in RIGHTS:
            connection.execute(sql.SQL(right.grant).format(admin=sql.Identifier(STORAGE_ADMIN)))
    return as_dsn(url, f"the storage of region {REGION}")


@pytest.fixture(scope="session")
def ledger_url(fast_server: PostgresServer) -> str:
    """A ledger's address, up to date; other tests may have written in it."""
    url = make_owned_database(fast_server, LEDGER_DATABASE, "")
    with superuser(fast_server) as connection:
        connection.execute(f"create role {LEDGER_OWNER} nologin")
        connection.execute(f"alter database {LEDGER_DATABASE} owner to {LEDGER_OWNER}")
        connection.execute(f"grant connect on database {LEDGER_DATABASE} to {LEDGER_DATABASE}")
    ledger_tables.prepare(fast_server.superuser_dsn(LEDGER_DATABASE), owner=LEDGER_OWNER, writer=LEDGER_DATABASE)
    return url


@pytest.fixture
def ledger_dsn(fast_server: PostgresServer, ledger_url: str) -> Dsn:
    """An empty ledger."""
    dsn = as_dsn(ledger_url, "the ledger")
    with without_guards(fast_server, dsn.dbname) as connection:
        connection.execute(
            "truncate ledger.fact, ledger.signed_head, ledger.resource, ledger.run, ledger.tenant, ledger.answer,"
            " ledger.beat, ledger.poke, ledger.finding, ledger.delivery, ledger.alert, ledger.class_issue,"
            " ledger.class_member"
        )
    return dsn


_CHEAP_PASSWORDS = "set scram_iterations = 1"
"""Thousands of sessions are opened here, each at 4 ms of hashing otherwise."""


def make_owned_database(server: PostgresServer, name: str, attributes: str) -> str:
    password = secrets.token_urlsafe(12)
    with superuser(server) as connection:
        connection.execute(_CHEAP_PASSWORDS)
        connection.execute(
            sql.SQL("create role {} login {} password {}").format(
                sql.Identifier(name), sql.SQL(attributes), sql.Literal(password)
            )
        )
        connection.execute(sql.SQL("create database {0} owner {0}").format(sql.Identifier(name)))
        connection.execute(sql.SQL("revoke all on database {0} from public").format(sql.Identifier(name)))
    return server.dsn(name, name, password)


def owned_objects(server: PostgresServer, platform_name: str) -> tuple[list[str], list[str]]:
    """The roles and the databases that a platform has on the server, whole or half-made."""
    with superuser(server) as connection:
        roles = [row["name"] for row in connection.execute(_ROLES, (proof_of(platform_name, "") + "%",))]
        databases = [row["name"] for row in connection.execute(_DATABASES, (roles,))]
    return roles, databases


def drop_all(server: PostgresServer, platform_name: str) -> None:
    """Drop what a test's platform left on the server, broken or not."""
    roles, databases = owned_objects(server, platform_name)
    with superuser(server) as connection:
        for database in databases:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(database)))
        for role in roles:
            connection.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))


_ROLES = "select rolname as name from pg_roles where shobj_description(oid, 'pg_authid') like %s"
_DATABASES = "select datname as name from pg_database where pg_get_userbyid(datdba) = any(%s)"
