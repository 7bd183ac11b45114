"""An empty ledger for each test, on a real PostgreSQL."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from sandbox.postgres import PostgresServer
from tenancy.adapters.dsn import Dsn
from tenancy.ledger.ledger import Ledger, LedgerSession
from tests import real_systems
from tests.clusters import Kubernetes
from tests.conformance.server import Server
from tests.contract.fake_runs import FakeRuns
from tests.integration.console_client import Console
from tests.integration.engine_harness import EngineHarness
from tests.integration.sql_tenant import NOTES, SqlTenant

EPOCH = datetime(2026, 1, 31, 23, 59, 58, 999_999, tzinfo=UTC)


@pytest.fixture
def ledger(ledger_dsn: Dsn) -> Ledger:
    """An empty ledger whose clock moves a second at each look."""
    seconds = count()
    return Ledger(ledger_dsn, clock=lambda: EPOCH + timedelta(seconds=next(seconds)))


@pytest.fixture
def session(ledger: Ledger) -> Iterator[LedgerSession]:
    with ledger.open("tenancy test") as opened:
        yield opened


@pytest.fixture
def harness(
    fast_server: PostgresServer, ledger_dsn: Dsn, storage_dsn: Dsn, cluster_server: Server
) -> Iterator[EngineHarness]:
    """A platform that only this test has, with nothing in its ledger and nothing outside."""
    name = f"p{uuid4().hex[:8]}"
    yield EngineHarness(fast_server, ledger_dsn, storage_dsn, real_systems.platform(name), cluster_server)
    real_systems.drop_all(fast_server, name)
    Kubernetes(cluster_server).drop_all(name)


@pytest.fixture
def sql_tenant(fresh_database: str, tmp_path: Path) -> Iterator[SqlTenant]:
    """An empty database, and a folder with one SQL migration."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    with psycopg.connect(fresh_database, autocommit=True) as session:
        tenant = SqlTenant(fresh_database, session, folder)
        tenant.write("0001_notes", NOTES)
        yield tenant


@pytest.fixture
def console(ledger: Ledger) -> Console:
    """The console's pages on an empty ledger, before an operator."""
    return Console(ledger, FakeRuns())
