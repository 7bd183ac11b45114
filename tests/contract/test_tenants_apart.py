"""Tenants on one server: whole, apart from each other, and their passwords nowhere to be read."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import psycopg
import pytest

from sandbox.postgres import PostgresServer
from tenancy.activities.activity import Activity
from tenancy.activities.allocate_storage import PASSWORD
from tenancy.activities.invitations import INVITATION
from tenancy.saga.errors import PlatformError
from tests import real_systems
from tests.contract.fake_handles import FakeHandles
from tests.contract.workbench import Workbench, goes_with_another
from tests.products import PLAN
from tests.real_systems import superuser


def _provisioned(bench: Workbench, slug: str) -> Workbench:
    bench.request(slug)
    bench.prepare(PLAN[-1])
    bench.run(PLAN[-1])
    return bench


def _name(bench: Workbench, kind: str) -> str:
    return next(r.name for r in bench.saga.resources if r.kind == kind)


def _enter(bench: Workbench, database: str) -> psycopg.Connection:
    """As the tenant's own role, with the credential its jobs have."""
    dsn = bench.line.dsn.to_database(database, user=_name(bench, "role"), password=bench.context.secret(PASSWORD))
    return psycopg.connect(**dsn.parameters(application="a tenant", settings={}))


@pytest.fixture
def two(bench: Workbench) -> tuple[Workbench, Workbench]:
    """Two tenants of one platform, complete."""
    other = Workbench(bench.server, bench.line, bench.handles, bench.platform, bench.cluster_server)
    return _provisioned(bench, "acme"), _provisioned(other, "globex")


def test_a_tenant_with_the_longest_slug_is_provisioned_whole(bench: Workbench):
    _provisioned(bench, "a" + "-b" * 19 + "c")
    assert all(observation.healthy for observation in bench.context.observe_all())


def test_a_tenants_role_enters_its_own_database_only(two: tuple[Workbench, Workbench]):
    ours, theirs = two
    with _enter(ours, _name(ours, "database")) as connection:
        assert connection.execute("select slug from tenant.accounts").fetchone() == ("acme",)
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        _enter(ours, _name(theirs, "database"))


def test_a_tenants_role_may_make_neither_roles_nor_databases(two: tuple[Workbench, Workbench]):
    with _enter(two[0], _name(two[0], "database")) as connection:
        connection.autocommit = True
        for statement in ("create role intruder", "create database intruder"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())


def test_a_tenant_has_the_connections_of_its_plan_and_no_more(two: tuple[Workbench, Workbench]):
    ours, _ = two
    limit = ours.context.plan.database_connections
    sessions = [_enter(ours, _name(ours, "database")) for _ in range(limit)]
    try:
        with pytest.raises(psycopg.OperationalError, match="too many connections"):
            _enter(ours, _name(ours, "database"))
    finally:
        for session in sessions:
            session.close()


def test_undoing_one_tenant_leaves_the_other_as_it_is(two: tuple[Workbench, Workbench]):
    ours, theirs = two
    ours.undo_all()
    assert all(observation.healthy for observation in theirs.context.observe_all())
    assert {found.proof for activity in PLAN for found in ours.found(activity)} == {theirs.context.proof}


def test_a_database_in_use_is_undone_with_its_sessions(two: tuple[Workbench, Workbench]):
    ours, _ = two
    with _enter(ours, _name(ours, "database")) as busy:
        ours.undo_all()
        with pytest.raises(psycopg.OperationalError):
            busy.execute("select 1")
        busy.close()
    assert not any(observation.present for observation in ours.context.observe_all())


def test_a_pool_that_does_not_exist_is_named_before_anything_is_made(bench: Workbench):
    activity = next(each for each in PLAN if each.name == "allocate_workflow_handle")
    bench.prepare(activity)
    bench.handles = FakeHandles()
    before = bench.snapshot()
    with pytest.raises(PlatformError, match=f"the Airflow pool {real_systems.POOL}, which does not exist"):
        bench.run(activity)
    assert bench.snapshot() == before


@pytest.mark.parametrize("activity", [a for a in PLAN if a.resources], ids=lambda activity: activity.name)
def test_what_is_missing_keeps_a_tenant_from_being_called_active(bench: Workbench, activity: Activity):
    bench.prepare(PLAN[-1])
    if goes_with_another(activity):
        bench.undo_all()
    else:
        bench.undo(activity)
    with pytest.raises(Exception, match="The tenant is not complete"):
        bench.run(PLAN[-1])


def test_no_password_is_ever_readable_in_the_servers_log(bench: Workbench):
    with _everything_logged(bench.server):
        _provisioned(bench, "acme")
        secrets = [bench.context.secret(purpose) for purpose in (PASSWORD, INVITATION)]
        bench.undo_all()
    log = bench.server.log.read_text()
    assert f'create role "{_name(bench, "role")}"' in log.lower()
    assert not any(secret in log for secret in secrets)


@contextmanager
def _everything_logged(server: PostgresServer) -> Iterator[None]:
    """All statements are in the log, which shows no less than pg_stat_activity does."""
    with superuser(server) as connection:
        for value in ("'all'", "default"):
            connection.execute(f"alter system set log_statement = {value}".encode())
            connection.execute("select pg_reload_conf()")
            if value == "'all'":
                yield


def test_the_same_password_is_derived_again_and_another_one_for_another_tenant(two: tuple[Workbench, Workbench]):
    ours, theirs = two
    assert ours.context.secret(PASSWORD) == replace(ours.context).secret(PASSWORD)
    assert ours.context.secret(PASSWORD) != theirs.context.secret(PASSWORD)
    assert ours.context.secret(PASSWORD) != ours.context.secret(INVITATION)


def test_the_invitation_is_stored_as_a_digest_and_kept_by_a_second_run(bench: Workbench):
    _provisioned(bench, "acme")
    activity = next(each for each in PLAN if each.name == "apply_tenant_schema")
    with superuser(bench.server, _name(bench, "database")) as connection:
        first = connection.execute("select * from tenant.users").fetchall()
        bench.run(activity)
        assert connection.execute("select * from tenant.users").fetchall() == first
    assert bench.context.secret(INVITATION) not in str(first)
    assert (first[0]["email"], first[0]["role"]) == ("ada@acme.test", "admin")
