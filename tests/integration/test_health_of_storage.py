"""The health check of the storage server: each fault turns it and no other, and names the statement that helps."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from psycopg import sql

from sandbox.faults import sql as faults
from sandbox.postgres import PostgresServer
from tenancy.adapters import server_health
from tenancy.adapters.dsn import Dsn
from tenancy.adapters.storage_rights import RIGHTS, StorageRight
from tenancy.engine.health.health_check_runner import HealthCheckRunner
from tenancy.engine.health.health_checks import Probes
from tenancy.ledger.ledger import utc_now
from tests import real_systems
from tests.acceptance.runs import wait_until
from tests.integration.health_platform import DEGRADED, DOWN, OK, PATIENT, STORAGE, check_of, close_all, not_ok


@pytest.fixture
def set_fault(fast_server: PostgresServer, storage_dsn: Dsn) -> Iterator[Callable[[str], None]]:
    """A fault of the sandbox that is one statement, on the storage admin of these tests."""
    with real_systems.superuser(fast_server) as superuser, ExitStack() as stack:

        def strike(kind: str) -> None:
            stack.callback(superuser.execute, faults.CLEAR[kind].encode())
            superuser.execute(faults.SET[kind].encode())

        assert storage_dsn.user == "storage_admin"  # whom the statements name
        yield strike


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [("no-createdb", "may not create tenants' databases"), ("no-connection-slots", "too many connections for role")],
)
def test_a_storage_that_gives_no_tenant_a_place_is_down(
    run_checks: HealthCheckRunner, set_fault: Callable[[str], None], kind: str, sentence: str
):
    set_fault(kind)
    health = run_checks()
    assert not_ok(health) == {STORAGE: DOWN}
    assert sentence in health.trouble[0].sentence


@pytest.mark.parametrize("database", ["postgres", "template1", "reports"])
def test_a_database_that_everybody_may_connect_to_is_reported_with_the_statement_that_closes_it(
    run_checks: HealthCheckRunner, closed_databases: psycopg.Connection[dict[str, Any]], database: str
):
    closed_databases.execute("drop database if exists reports")
    closed_databases.execute("create database reports")
    close_all(closed_databases)
    closed_databases.execute(f"grant connect on database {database} to public".encode())
    check = check_of(run_checks, STORAGE)
    assert check.state is DEGRADED
    statement = f'revoke connect on database "{database}" from public;'
    assert check.sentence.endswith(statement)
    closed_databases.execute(statement.encode())
    assert check_of(run_checks, STORAGE).state is OK
    closed_databases.execute("drop database reports")


def test_the_statement_that_closes_our_own_database_does_not_shut_us_out(
    run_checks: HealthCheckRunner, closed_databases: psycopg.Connection[dict[str, Any]], storage_dsn: Dsn
):
    """As on a managed server, where the storage role connects to a database that is another's."""
    closed_databases.execute("alter database storage_admin owner to postgres")
    closed_databases.execute("grant connect on database storage_admin to public")
    try:
        statement = check_of(run_checks, STORAGE).sentence.rpartition("superuser: ")[2]
        assert statement == (
            'grant connect on database "storage_admin" to "storage_admin"; '
            'revoke connect on database "storage_admin" from public;'
        )
        closed_databases.execute(statement.encode())
        assert check_of(run_checks, STORAGE).state is OK
    finally:
        closed_databases.execute("alter database storage_admin owner to storage_admin")


def test_a_tenant_who_may_enter_anothers_database_is_reported(
    run_checks: HealthCheckRunner, closed_databases: psycopg.Connection[dict[str, Any]]
):
    closed_databases.execute(
        "create role guest; comment on role guest is 'tenancy:test:018f0000-0000-7000-8000-00000000acae'"
    )
    closed_databases.execute("grant guest to storage_admin with admin true, inherit true, set true")
    closed_databases.execute("grant connect on database storage_admin to guest")
    try:
        assert 'revoke connect on database "storage_admin" from "guest";' in check_of(run_checks, STORAGE).sentence
    finally:
        closed_databases.execute("drop owned by guest; drop role guest")


@pytest.mark.parametrize("right", RIGHTS, ids=lambda right: right.name)
def test_each_right_that_the_storage_role_lacks_is_reported_with_the_statement_that_grants_it(
    run_checks: HealthCheckRunner, closed_databases: psycopg.Connection[dict[str, Any]], right: StorageRight
):
    take = (
        f"revoke {right.name} from storage_admin"
        if right.name.startswith("pg_")
        else f"alter role storage_admin no{right.name}"
    )
    closed_databases.execute(take.encode())
    check = check_of(run_checks, STORAGE)
    assert check.state is (DOWN if right.vital else DEGRADED)
    grant = sql.SQL(right.grant).format(admin=sql.Identifier("storage_admin")).as_string(None)
    assert f"it lacks {right.name}." in check.sentence
    assert f"{grant};" in check.sentence
    closed_databases.execute(grant.encode())
    assert check_of(run_checks, STORAGE).state is OK


def test_a_storage_role_that_replaced_another_learns_which_roles_it_may_not_change(
    run_checks: HealthCheckRunner, closed_databases: psycopg.Connection[dict[str, Any]]
):
    """It did not create the tenants' roles, so it has no ADMIN option on them."""
    closed_databases.execute(
        "create role older; comment on role older is 'tenancy:test:018f0000-0000-7000-8000-00000000acae'"
    )
    try:
        check = check_of(run_checks, STORAGE)
        assert check.state is DEGRADED
        assert "it lacks the ADMIN option on tenants' roles." in check.sentence
        statement = 'grant "older" to "storage_admin" with admin true, inherit true, set true;'
        assert statement in check.sentence
        closed_databases.execute(statement.encode())
        assert check_of(run_checks, STORAGE).state is OK
    finally:
        closed_databases.execute("drop role older")


def test_a_role_at_its_limit_is_reported_before_it_is_reached(
    run_checks: HealthCheckRunner, fast_server: PostgresServer, storage_dsn: Dsn
):
    with real_systems.superuser(fast_server) as superuser, ExitStack() as stack:
        stack.callback(superuser.execute, b"alter role storage_admin connection limit -1")
        superuser.execute("alter role storage_admin connection limit 10")
        url = storage_dsn.url
        for _ in range(8):
            stack.enter_context(psycopg.connect(url))
        assert not_ok(run_checks()) == {STORAGE: DEGRADED}
        assert check_of(run_checks, STORAGE).sentence == "Our role has 9 of the 10 sessions it may have."


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


def test_a_stopped_server_is_down_and_delays_nobody_else(probes: Probes, silent_server: Dsn):
    broken = replace(probes, storage=lambda region: server_health.check_server(silent_server))
    health = HealthCheckRunner(lambda: broken, utc_now, bound_seconds=PATIENT)()
    assert not_ok(health) == {STORAGE: DOWN}
    assert "does not respond" in health.trouble[0].sentence
