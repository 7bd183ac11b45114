"""The platform's health by real servers: each fault of the platform turns the check of its system, and no other."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from psycopg import sql

from sandbox.faults import sql as faults
from sandbox.postgres import PostgresServer
from tenancy.adapters import cluster_health, ingress_health, server_health, storage_health
from tenancy.adapters.dsn import Dsn
from tenancy.adapters.engine_health import ComponentHeartbeat, EngineWork, PoolStatus
from tenancy.adapters.storage_rights import RIGHTS, StorageRight
from tenancy.engine.engine_report import DAGS
from tenancy.engine.health import engine_verdicts
from tenancy.engine.health.check_results import CheckResult, Condition, Health, System
from tenancy.engine.health.health_check_runner import HealthCheckRunner
from tenancy.engine.health.health_checks import Probes
from tenancy.ledger.heartbeats import record_heartbeat
from tenancy.ledger.ledger import Ledger, utc_now
from tenancy.probes import check_ledger
from tenancy.saga.errors import PermanentError, TransientError
from tenancy.saga.names import proof_of
from tests import clusters, real_systems
from tests.acceptance.runs import wait_until
from tests.clusters import Kubernetes
from tests.conformance.server import EmulatorProcess

OK, DEGRADED, DOWN, UNKNOWN = Condition.OK, Condition.DEGRADED, Condition.DOWN, Condition.UNKNOWN
STORAGE, CLUSTER, INGRESS = (
    (system, real_systems.REGION, "") for system in (System.STORAGE, System.CLUSTER, System.INGRESS)
)
DATABASE = (System.ENGINE, "", "database")
PATIENT = 60.0
"""These looks may take their time: what is told of whoever is late has tests of its own."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    """A cluster with an ingress listener, at its usual speed: its API's time-outs are real."""
    sandbox = EmulatorProcess(tmp_path_factory.mktemp("health"), ("--ingress-port", "0"))
    sandbox.start()
    yield sandbox
    sandbox.stop()


@pytest.fixture
def probes(
    world: EmulatorProcess, storage_dsn: Dsn, ledger_dsn: Dsn, sole: psycopg.Connection[dict[str, Any]]
) -> Probes:
    """Real servers; the engine's own word is made up, and the ledger stands for its database."""
    with Ledger(ledger_dsn).open("test") as ledger:
        for name in ("reconciliation", "reality check"):
            record_heartbeat(ledger, name, took_seconds=0.1, summary="nothing to do")
    told = tuple(ComponentHeartbeat(part, "healthy", utc_now()) for part in ("metadatabase", "scheduler", "triggerer"))
    pools = {name: PoolStatus(name, 8, 0, 0, 8) for name in engine_verdicts.pools(real_systems.platform())}
    return Probes(
        platform=real_systems.platform(),
        ledger=lambda: check_ledger(ledger_dsn),
        heartbeats=lambda: told,
        work=lambda: EngineWork(dict.fromkeys(DAGS, False), 0, None, pools),
        storage=lambda region: storage_health.check_storage(storage_dsn, proof_of("test", "")),
        cluster=lambda region: cluster_health.check_cluster(clusters.configuration(world.server), clusters.LABEL),
        ingress=lambda region: ingress_health.check_ingress("eu.tenants.localhost", world.ingress_port, "The ingress"),
        engine_database=lambda: server_health.check_write_locks(ledger_dsn, ("tenant",)),
    )


@pytest.fixture
def checkup(probes: Probes) -> HealthCheckRunner:
    return HealthCheckRunner(lambda: probes, utc_now, bound_seconds=PATIENT)


def wrong(seen: Health) -> dict[tuple[str, str, str], Condition]:
    """What is not ok, by its key."""
    return {check.key: check.state for check in seen.checks if check.state is not OK}


def _found(checkup: HealthCheckRunner, key: tuple[System, str, str]) -> CheckResult:
    check = checkup().of(*key)
    assert check is not None
    return check


def test_all_is_well_on_a_platform_that_is(checkup: HealthCheckRunner):
    seen = checkup()
    assert wrong(seen) == {}
    assert seen.state is OK
    assert {check.system for check in seen.checks} == set(System)
    assert all(check.checked_at == seen.checked_at for check in seen.checks)
    cluster, storage = seen.of(*CLUSTER), seen.of(*STORAGE)
    assert cluster is not None
    assert storage is not None
    assert (cluster.measured["nodes"], cluster.measured["nodes_ready"]) == (1, 1)
    assert int(storage.measured["databases"]) >= 4


def test_sentences_and_measurements_have_no_password_and_no_address(
    checkup: HealthCheckRunner, storage_dsn: Dsn, ledger_dsn: Dsn, world: EmulatorProcess
):
    told = repr(checkup().checks)
    for secret in (storage_dsn.password, ledger_dsn.password, world.server.token, "postgresql://", "127.0.0.1"):
        assert secret not in told


# -- storage


@pytest.fixture
def altered(fast_server: PostgresServer, storage_dsn: Dsn) -> Iterator[Callable[[str], None]]:
    """A fault of the sandbox that is one statement, on the storage admin of these tests."""
    with real_systems.superuser(fast_server) as superuser, ExitStack() as stack:

        def strike(kind: str) -> None:
            stack.callback(superuser.execute, faults.CLEAR[kind].encode())
            superuser.execute(faults.SET[kind].encode())

        assert storage_dsn.user == "storage_admin"  # whom the statements name
        yield strike


@pytest.mark.parametrize(
    ("kind", "said"),
    [("no-createdb", "may not create tenants' databases"), ("no-connection-slots", "too many connections for role")],
)
def test_a_storage_that_gives_no_tenant_a_place_is_down(
    checkup: HealthCheckRunner, altered: Callable[[str], None], kind: str, said: str
):
    altered(kind)
    seen = checkup()
    assert wrong(seen) == {STORAGE: DOWN}
    assert said in seen.trouble[0].sentence


@pytest.fixture
def sole(fast_server: PostgresServer) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    """A superuser's session on a server whose databases are all closed to PUBLIC, and are so again afterwards."""
    with real_systems.superuser(fast_server) as connection:
        _close_all(connection)
        yield connection
        _close_all(connection)


def _close_all(connection: psycopg.Connection[dict[str, Any]]) -> None:
    for row in connection.execute("select datname from pg_database where datconnlimit <> -2").fetchall():
        connection.execute(sql.SQL("revoke all on database {} from public").format(sql.Identifier(row["datname"])))


@pytest.mark.parametrize("database", ["postgres", "template1", "reports"])
def test_a_database_that_everybody_may_connect_to_is_reported_with_the_statement_that_closes_it(
    checkup: HealthCheckRunner, sole: psycopg.Connection[dict[str, Any]], database: str
):
    sole.execute("drop database if exists reports")
    sole.execute("create database reports")
    _close_all(sole)
    sole.execute(f"grant connect on database {database} to public".encode())
    check = _found(checkup, STORAGE)
    assert check.state is DEGRADED
    statement = f'revoke connect on database "{database}" from public;'
    assert check.sentence.endswith(statement)
    sole.execute(statement.encode())
    assert _found(checkup, STORAGE).state is OK
    sole.execute("drop database reports")


def test_the_statement_that_closes_our_own_database_does_not_shut_us_out(
    checkup: HealthCheckRunner, sole: psycopg.Connection[dict[str, Any]], storage_dsn: Dsn
):
    """As on a managed server, where the storage role connects to a database that is another's."""
    sole.execute("alter database storage_admin owner to postgres")
    sole.execute("grant connect on database storage_admin to public")
    try:
        statement = _found(checkup, STORAGE).sentence.rpartition("superuser: ")[2]
        assert statement == (
            'grant connect on database "storage_admin" to "storage_admin"; '
            'revoke connect on database "storage_admin" from public;'
        )
        sole.execute(statement.encode())
        assert _found(checkup, STORAGE).state is OK
    finally:
        sole.execute("alter database storage_admin owner to storage_admin")


def test_a_tenant_who_may_enter_anothers_database_is_reported(
    checkup: HealthCheckRunner, sole: psycopg.Connection[dict[str, Any]]
):
    sole.execute("create role guest; comment on role guest is 'tenancy:test:018f0000-0000-7000-8000-00000000acae'")
    sole.execute("grant guest to storage_admin with admin true, inherit true, set true")
    sole.execute("grant connect on database storage_admin to guest")
    try:
        assert 'revoke connect on database "storage_admin" from "guest";' in _found(checkup, STORAGE).sentence
    finally:
        sole.execute("drop owned by guest; drop role guest")


@pytest.mark.parametrize("right", RIGHTS, ids=lambda right: right.name)
def test_each_right_that_the_storage_role_lacks_is_reported_with_the_statement_that_grants_it(
    checkup: HealthCheckRunner, sole: psycopg.Connection[dict[str, Any]], right: StorageRight
):
    take = (
        f"revoke {right.name} from storage_admin"
        if right.name.startswith("pg_")
        else f"alter role storage_admin no{right.name}"
    )
    sole.execute(take.encode())
    check = _found(checkup, STORAGE)
    assert check.state is (DOWN if right.vital else DEGRADED)
    grant = sql.SQL(right.grant).format(admin=sql.Identifier("storage_admin")).as_string(None)
    assert f"it lacks {right.name}." in check.sentence
    assert f"{grant};" in check.sentence
    sole.execute(grant.encode())
    assert _found(checkup, STORAGE).state is OK


def test_a_storage_role_that_replaced_another_learns_which_roles_it_may_not_change(
    checkup: HealthCheckRunner, sole: psycopg.Connection[dict[str, Any]]
):
    """It did not create the tenants' roles, so it has no ADMIN option on them."""
    sole.execute("create role older; comment on role older is 'tenancy:test:018f0000-0000-7000-8000-00000000acae'")
    try:
        check = _found(checkup, STORAGE)
        assert check.state is DEGRADED
        assert "it lacks the ADMIN option on tenants' roles." in check.sentence
        statement = 'grant "older" to "storage_admin" with admin true, inherit true, set true;'
        assert statement in check.sentence
        sole.execute(statement.encode())
        assert _found(checkup, STORAGE).state is OK
    finally:
        sole.execute("drop role older")


def test_a_role_at_its_limit_is_reported_before_it_is_reached(
    checkup: HealthCheckRunner, fast_server: PostgresServer, storage_dsn: Dsn
):
    with real_systems.superuser(fast_server) as superuser, ExitStack() as stack:
        stack.callback(superuser.execute, b"alter role storage_admin connection limit -1")
        superuser.execute("alter role storage_admin connection limit 10")
        url = storage_dsn.url
        for _ in range(8):
            stack.enter_context(psycopg.connect(url))
        assert wrong(checkup()) == {STORAGE: DEGRADED}
        assert _found(checkup, STORAGE).sentence == "Our role has 9 of the 10 sessions it may have."


@pytest.fixture
def lock_wait(fast_server: PostgresServer, storage_dsn: Dsn) -> Iterator[None]:
    """Somebody waits for a lock in the storage's own database."""
    with ExitStack() as stack:
        holder, waiter = (
            stack.enter_context(psycopg.connect(fast_server.superuser_dsn(storage_dsn.dbname))) for _ in range(2)
        )
        thread = threading.Thread(target=lambda: waiter.execute("select pg_advisory_lock(4711)"))
        holder.execute("select pg_advisory_lock(4711)")
        thread.start()
        yield
        holder.execute("select pg_advisory_unlock(4711)")
        thread.join()
        holder.rollback()


def test_how_long_somebody_waits_for_a_lock_is_seen_by_a_role_without_rights(storage_dsn: Dsn, lock_wait: None):
    wait_until(lambda: (server_health.check_server(storage_dsn).longest_wait_seconds or 0) > 0.2, "the wait to be seen")


def test_a_stopped_server_is_down_and_delays_nobody_else(probes: Probes, stopped: Dsn):
    broken = replace(probes, storage=lambda region: server_health.check_server(stopped))
    seen = HealthCheckRunner(lambda: broken, utc_now, bound_seconds=PATIENT)()
    assert wrong(seen) == {STORAGE: DOWN}
    assert "does not respond" in seen.trouble[0].sentence


@pytest.fixture
def stopped() -> Iterator[Dsn]:
    """A server whose kernel takes connections, and that says nothing: as one that was sent SIGSTOP."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield Dsn("127.0.0.1", server.getsockname()[1], "x", "x", "secret", "the storage of region eu-central")


def test_an_unavailable_ledger_hides_what_is_in_it(probes: Probes, stopped: Dsn):
    broken = replace(probes, ledger=lambda: check_ledger(stopped))
    seen = HealthCheckRunner(lambda: broken, utc_now, bound_seconds=PATIENT)()
    assert wrong(seen) == {
        (System.LEDGER, "", ""): DOWN,
        (System.ENGINE, "", "reconciliation"): UNKNOWN,
        (System.ENGINE, "", "reality check"): UNKNOWN,
        (System.CAPACITY, real_systems.REGION, ""): UNKNOWN,
        (System.QUOTA, "", "starter"): UNKNOWN,
        (System.QUOTA, "", "business"): UNKNOWN,
    }


# -- the engine's own database


def test_a_lock_that_keeps_the_engine_from_writing_is_reported(checkup: HealthCheckRunner, ledger_dsn: Dsn):
    with psycopg.connect(ledger_dsn.url) as holder:
        holder.execute("lock table ledger.tenant in share mode")
        assert wrong(checkup()) == {DATABASE: DEGRADED}
        holder.rollback()
        holder.execute("lock table ledger.tenant in row exclusive mode")
        assert wrong(checkup()) == {}


# -- clusters


@pytest.fixture
def kubernetes(world: EmulatorProcess) -> Kubernetes:
    return Kubernetes(world.server)


@contextmanager
def set_in(kubernetes: Kubernetes, **fault: object) -> Iterator[None]:
    clear = kubernetes.fault(**fault)
    try:
        yield
    finally:
        clear()


@pytest.mark.parametrize(
    ("fault", "state", "said"),
    [
        ({"kind": "http-500"}, DOWN, "answered 500"),
        ({"kind": "http-429", "retry_after": 5}, DOWN, "It asks to wait 5 s."),
        ({"kind": "hang"}, DOWN, "nothing within 2 s"),
        ({"kind": "refuse"}, DOWN, "does not respond"),
        ({"kind": "slow", "milliseconds": 1100}, DEGRADED, "to return its version"),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_a_cluster_whose_api_fails_is_reported(
    checkup: HealthCheckRunner, kubernetes: Kubernetes, fault: dict[str, object], state: Condition, said: str
):
    with set_in(kubernetes, **fault):
        seen = checkup()
    assert wrong(seen) == {CLUSTER: state}
    assert said in seen.trouble[0].sentence


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "hang", "selector": "tenancy.internal/slug=acme"},
        {"kind": "image-pull-backoff"},
        {"kind": "crash-loop-backoff"},
        {"kind": "slow-start", "seconds": 60},
        {"kind": "quota-exceeded"},
    ],
    ids=lambda fault: fault["kind"],
)
def test_what_is_one_tenants_or_its_workloads_is_not_the_clusters(
    checkup: HealthCheckRunner, kubernetes: Kubernetes, fault: dict[str, object]
):
    with set_in(kubernetes, **fault):
        assert wrong(checkup()) == {}


def test_a_pod_of_ours_that_no_node_takes_is_the_clusters_trouble(checkup: HealthCheckRunner, kubernetes: Kubernetes):
    kubernetes.ask("POST", "/api/v1/namespaces", {"metadata": {"name": "stuck"}})
    with set_in(kubernetes, kind="unschedulable"):
        for name, labels in (("ours", {"app.kubernetes.io/part-of": "tenancy"}), ("theirs", {})):
            pod = {
                "metadata": {"name": name, "labels": labels},
                "spec": {"containers": [{"name": "app", "image": "nothing"}]},
            }
            kubernetes.ask("POST", "/api/v1/namespaces/stuck/pods", pod)
        wait_until(lambda: wrong(checkup()) == {CLUSTER: DEGRADED}, "the pod to be told")
        found = _found(checkup, CLUSTER)
    assert found.sentence.startswith("1 pod finds no node: 0/1 nodes are available")
    kubernetes.ask("DELETE", "/api/v1/namespaces/stuck")
    wait_until(lambda: wrong(checkup()) == {}, "the pod to be gone")


def test_a_cluster_that_shows_us_neither_nodes_nor_pods_is_well_all_the_same():
    def refused(path: str, *_: str) -> None:
        raise PermanentError("403")

    api = SimpleNamespace(get=lambda path: {"gitVersion": "v1.30.1"}, list_objects=refused)
    seen = cluster_health._check(api)  # type: ignore[arg-type]
    assert (seen.version, seen.nodes, seen.nodes_ready, seen.pending) == ("v1.30.1", None, None, None)


# -- ingress


def test_an_ingress_that_cuts_connections_is_down(checkup: HealthCheckRunner, kubernetes: Kubernetes):
    with set_in(kubernetes, kind="ingress-down"):
        seen = checkup()
    assert wrong(seen) == {INGRESS: DOWN}


def test_an_ingress_that_nobody_serves_is_down_and_a_name_that_leads_nowhere_is_not_known(probes: Probes, stopped: Dsn):
    def checked(domain: str, port: int) -> Health:
        broken = replace(probes, ingress=lambda region: ingress_health.check_ingress(domain, port, "The ingress"))
        return HealthCheckRunner(lambda: broken, utc_now, bound_seconds=PATIENT)()

    assert wrong(checked("eu.tenants.localhost", stopped.port)) == {INGRESS: DOWN}
    assert wrong(checked("nowhere.invalid", 80)) == {INGRESS: UNKNOWN}


# -- whoever is late


def test_whoever_is_silent_is_unknown_at_first_then_down_and_costs_one_thread(probes: Probes):
    begun, may_answer = [], threading.Event()

    def hangs(region: object) -> server_health.ServerStatus:
        begun.append(region)
        assert may_answer.wait(PATIENT)
        raise TransientError("It does not respond.")

    silent = HealthCheckRunner(lambda: replace(probes, storage=hangs), utc_now, bound_seconds=0.5)
    assert silent().of(*STORAGE).state is UNKNOWN  # type: ignore[union-attr]
    assert silent().of(*STORAGE).state is DOWN  # type: ignore[union-attr]
    assert len(begun) == 1
    may_answer.set()
    wait_until(lambda: silent().of(*STORAGE).sentence == "It does not respond.", "its answer")  # type: ignore[union-attr]


def test_a_look_with_a_defect_says_so_and_harms_no_other(probes: Probes):
    def breaks(region: object) -> server_health.ServerStatus:
        raise ZeroDivisionError

    seen = HealthCheckRunner(lambda: replace(probes, storage=breaks), utc_now, bound_seconds=PATIENT)()
    assert wrong(seen) == {STORAGE: UNKNOWN}
    assert "has a defect (ZeroDivisionError)" in seen.of(*STORAGE).sentence  # type: ignore[union-attr]
