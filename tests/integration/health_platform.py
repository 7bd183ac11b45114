"""A platform of real servers for tests of health checks: fixtures, and what such a test asks of the results."""

import socket
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from sandbox.postgres import PostgresServer
from tenancy.adapters import cluster_health, ingress_health, server_health, storage_health
from tenancy.adapters.dsn import Dsn
from tenancy.adapters.engine_health import ComponentHeartbeat, EngineWork, PoolStatus
from tenancy.engine.engine_report import all_dags
from tenancy.engine.health import engine_verdicts
from tenancy.engine.health.check_results import CheckResult, Condition, Health, System
from tenancy.engine.health.health_check_runner import HealthCheckRunner
from tenancy.engine.health.health_checks import Probes
from tenancy.ledger.heartbeats import record_heartbeat
from tenancy.ledger.ledger import Ledger, utc_now
from tenancy.probes import check_ledger
from tenancy.saga.names import proof_of
from tests import clusters, real_systems
from tests.conformance.server import EmulatorProcess
from tests.products import SAMPLE_ONLY

OK, DEGRADED, DOWN, UNKNOWN = Condition.OK, Condition.DEGRADED, Condition.DOWN, Condition.UNKNOWN
STORAGE, CLUSTER, INGRESS = (
    (system, real_systems.REGION, "") for system in (System.STORAGE, System.CLUSTER, System.INGRESS)
)
DATABASE = (System.ENGINE, "", "database")
PATIENT = 60.0
"""Seconds. These checks may take long: late checks have tests of their own."""


@pytest.fixture(scope="module")
def health_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    """A cluster with an ingress listener, at its usual speed: its API's time-outs are real."""
    sandbox = EmulatorProcess(tmp_path_factory.mktemp("health"), ("--ingress-port", "0"))
    sandbox.start()
    yield sandbox
    sandbox.stop()


@pytest.fixture
def probes(
    health_cluster: EmulatorProcess,
    storage_dsn: Dsn,
    ledger_dsn: Dsn,
    closed_databases: psycopg.Connection[dict[str, Any]],
) -> Probes:
    """Real servers; the engine's own word is made up, and the ledger stands for its database."""
    with Ledger(ledger_dsn).open("test") as ledger:
        for name in ("reconciliation", "reality check"):
            record_heartbeat(ledger, name, took_seconds=0.1, summary="nothing to do")
    heartbeats = tuple(
        ComponentHeartbeat(part, "healthy", utc_now()) for part in ("metadatabase", "scheduler", "triggerer")
    )
    pools = {name: PoolStatus(name, 8, 0, 0, 8) for name in engine_verdicts.pools(real_systems.platform())}
    return Probes(
        platform=real_systems.platform(),
        products=SAMPLE_ONLY,
        ledger=lambda: check_ledger(ledger_dsn),
        heartbeats=lambda: heartbeats,
        work=lambda: EngineWork(dict.fromkeys(all_dags(SAMPLE_ONLY), False), 0, None, pools),
        storage=lambda region: storage_health.check_storage(storage_dsn, proof_of("test", "")),
        cluster=lambda region: cluster_health.check_cluster(
            clusters.configuration(health_cluster.server), clusters.LABEL
        ),
        ingress=lambda region: ingress_health.check_ingress(
            "eu.tenants.localhost", health_cluster.ingress_port, "The ingress"
        ),
        engine_database=lambda: server_health.check_write_locks(ledger_dsn, ("tenant",)),
    )


@pytest.fixture
def run_checks(probes: Probes) -> HealthCheckRunner:
    return HealthCheckRunner(lambda: probes, utc_now, bound_seconds=PATIENT)


def not_ok(health: Health) -> dict[tuple[str, str, str], Condition]:
    """What is not ok, by its key."""
    return {check.key: check.state for check in health.checks if check.state is not OK}


def check_of(run_checks: HealthCheckRunner, key: tuple[System, str, str]) -> CheckResult:
    check = run_checks().of(*key)
    assert check is not None
    return check


@pytest.fixture
def closed_databases(fast_server: PostgresServer) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    """A superuser's session on a server whose databases are all closed to PUBLIC, and are so again afterwards."""
    with real_systems.superuser(fast_server) as connection:
        close_all(connection)
        yield connection
        close_all(connection)


def close_all(connection: psycopg.Connection[dict[str, Any]]) -> None:
    for row in connection.execute("select datname from pg_database where datconnlimit <> -2").fetchall():
        connection.execute(sql.SQL("revoke all on database {} from public").format(sql.Identifier(row["datname"])))


@pytest.fixture
def silent_server() -> Iterator[Dsn]:
    """A server whose kernel takes connections, and that says nothing: as one that was sent SIGSTOP."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield Dsn("127.0.0.1", server.getsockname()[1], "x", "x", "secret", "the storage of region eu-central")
