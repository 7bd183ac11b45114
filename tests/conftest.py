"""Fixtures of all tests: one embedded PostgreSQL server for the run, and empty databases for the tests that need
one."""

import os
import secrets
import signal
import tempfile
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from sandbox.layout import PROJECT
from sandbox.postgres import PostgresServer
from tests.postgres_servers import embedded_server

pytest_plugins = [
    "tests.coverage_figure",
    "tests.real_systems",
    "tests.clusters",
    "tests.sandbox_failures",
    "tests.sandboxes",
    "tests.integration.connections",
    "tests.integration.health_platform",
]
# Here, because tests/acceptance imports it before tests/contract is collected.
pytest.register_assert_rewrite("tests.contract.handles_contract")

# Whatever imports Airflow writes its configuration there: never into the home of who runs the tests.
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="tenancy-airflow-")
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="tenancy-state-")  # where tenantctl keeps tokens
os.environ.setdefault("TENANCY_PLATFORM_FILE", str(PROJECT / "include" / "sandbox" / "platform.toml"))


def pytest_configure() -> None:
    """Shells let what they start in the background ignore Ctrl-C, and so does all that it starts. Tests press it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


_SERVERS = frozenset({"cluster_server", "postgres_server", "sandbox_layout"})
"""Fixtures that start processes which serve."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a server, before pytest chooses by marks."""
    for item in items:
        if not _SERVERS.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.server)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Only where `-n` asks for workers."""
    from tests.xdist_scheduling import BySandbox

    return BySandbox(config, log)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A real server that lives as long as the test run."""
    with embedded_server(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture
def fresh_database(postgres_server: PostgresServer) -> Iterator[str]:
    """The DSN of a new, empty database.

    Its owner may create databases and roles but is no superuser: what a superuser is allowed proves nothing.
    """
    name, password = f"test_{secrets.token_hex(6)}", secrets.token_urlsafe(12)
    owner = sql.Identifier(name)
    with psycopg.connect(postgres_server.superuser_dsn(), autocommit=True) as superuser:
        superuser.execute(
            sql.SQL("CREATE ROLE {} LOGIN CREATEDB CREATEROLE PASSWORD {}").format(owner, sql.Literal(password))
        )
        superuser.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(owner, owner))
        superuser.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(owner))
    yield postgres_server.dsn(name, name, password)
    with psycopg.connect(postgres_server.superuser_dsn(), autocommit=True) as superuser:
        superuser.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(owner))
        # The role stays where a test made databases or roles with it; the whole server goes at the end.
        superuser.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(owner))
