"""Dropping a tenant's database whatever is in it: it is dropped wholly, or nothing is lost and its holder is named."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import psycopg
import pytest
from psycopg import sql

from sandbox.postgres import PostgresServer
from tenancy.adapters import database_drop
from tenancy.adapters.storage import StorageServer
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PlatformError, TransientError
from tests.contract.held_databases import OVERCOME, REFUSED, Held, session_of_another_role
from tests.contract.workbench import Workbench
from tests.products import PLAN
from tests.real_systems import superuser

SCHEMA = next(activity for activity in PLAN if activity.name == "apply_tenant_schema")
STORAGE = next(activity for activity in PLAN if activity.name == "allocate_storage")


@pytest.fixture
def provisioned(bench: Workbench) -> Iterator[Workbench]:
    bench.prepare(SCHEMA)
    bench.run(SCHEMA)
    yield bench
    bench.undo_all()


def _name(bench: Workbench) -> str:
    return next(r.name for r in bench.saga.resources if r.kind == "database")


def _drop(bench: Workbench) -> None:
    database = next(r for r in bench.saga.resources if r.kind == "database")
    STORAGE.compensate(bench.context, database)


def _exists(server: PostgresServer, database: str) -> bool:
    with superuser(server) as connection:
        return connection.execute("select from pg_database where datname = %s", (database,)).fetchone() is not None


@pytest.mark.parametrize("holding", REFUSED, ids=lambda held: held.__name__)
def test_what_our_role_may_not_end_is_named_and_no_data_is_lost(provisioned: Workbench, holding: Held):
    name, server = _name(provisioned), provisioned.server
    with holding(server, name) as named:
        with pytest.raises(TransientError, match=re.escape(named)) as refused:
            _drop(provisioned)
        assert refused.value.cause is Cause.STORAGE_DATABASE_HELD
        assert name in str(refused.value)
        with superuser(server) as connection:
            connection.execute(sql.SQL("alter database {} allow_connections true").format(sql.Identifier(name)))
        with superuser(server, name) as connection:
            assert connection.execute("select slug from tenant.accounts").fetchone() == {"slug": "acme"}
    _drop(provisioned)
    assert not _exists(server, name)


@pytest.mark.parametrize("holding", REFUSED, ids=lambda held: held.__name__)
def test_the_error_says_which_statement_ends_what_holds_it(provisioned: Workbench, holding: Held):
    remedies = r"select pg_terminate_backend\(|rollback prepared '|drop subscription"
    with holding(provisioned.server, _name(provisioned)), pytest.raises(TransientError, match=remedies):
        _drop(provisioned)


@pytest.mark.parametrize("holding", OVERCOME, ids=lambda held: held.__name__)
def test_what_may_be_ended_or_undone_keeps_no_database(provisioned: Workbench, holding: Held):
    name = _name(provisioned)
    with holding(provisioned.server, name):
        _drop(provisioned)
        assert not _exists(provisioned.server, name)


def test_a_session_of_another_role_is_named_with_the_right_that_ends_it_when_ours_lacks_that(provisioned: Workbench):
    take, give = "revoke pg_signal_backend from storage_admin", "grant pg_signal_backend to {}"
    name = _name(provisioned)
    with _without(provisioned.server, take, give), session_of_another_role(provisioned.server, name) as named:
        with pytest.raises(TransientError, match=re.escape(named)) as refused:
            _drop(provisioned)
        assert 'grant pg_signal_backend to "storage_admin";' in str(refused.value)


@contextmanager
def _without(server: PostgresServer, take: str, give: str) -> Iterator[None]:
    with superuser(server) as connection:
        connection.execute(take.encode())
        try:
            yield
        finally:
            connection.execute(sql.SQL(give).format(sql.Identifier("storage_admin")))


def test_a_drop_that_was_interrupted_is_ended_by_the_next_one(provisioned: Workbench):
    """PostgreSQL then knows the database as invalid, and only lets one drop it."""
    name = _name(provisioned)
    with superuser(provisioned.server) as connection:
        connection.execute("update pg_database set datconnlimit = -2 where datname = %s", (name,))
    _drop(provisioned)
    assert not _exists(provisioned.server, name)


def test_dropping_has_a_time_of_its_own_and_leaves_the_sessions_settings_as_they_were(provisioned: Workbench):
    """A checkpoint on a large server takes minutes; the session's other statements keep their 30 s."""
    assert database_drop.DROP_SECONDS >= 300
    server = StorageServer(provisioned.line.dsn)
    with server.locked_session(provisioned.context.tenant_id, provisioned.context.lock) as storage:
        before = _settings(storage._connection)
        database = next(r for r in provisioned.saga.resources if r.kind == "database")
        storage.drop_database(database.name, owner=database.name, proof=database.proof, password=str)
        assert _settings(storage._connection) == before


def _settings(connection: "psycopg.Connection[dict[str, object]]") -> list[str]:
    names = ("statement_timeout", "client_connection_check_interval", "lock_timeout")
    rows = [connection.execute("select current_setting(%s) as value", (name,)).fetchone() for name in names]
    return [str(row["value"]) for row in rows if row]


def test_a_drop_that_still_runs_is_reported_to_the_next_caller(provisioned: Workbench):
    """Its client may be gone: the drop continues in its backend, which has the tenant's lock."""
    name = _name(provisioned)
    with superuser(provisioned.server) as blocker:
        blocker.execute("begin")
        # A lock that DROP DATABASE waits for.
        blocker.execute(sql.SQL("comment on database {} is 'held for a moment'").format(sql.Identifier(name)))
        dropping = threading.Thread(target=_drop_only, args=(provisioned, name))
        dropping.start()
        try:
            _wait_until_it_drops(provisioned.server, name)
            hurried = replace(provisioned.context.lock, patience_seconds=0.1)
            server = StorageServer(provisioned.line.dsn)
            lock = server.locked_session(provisioned.context.tenant_id, hurried)
            with pytest.raises(TransientError, match="still dropping the tenant's database") as refused:
                lock.__enter__()
            assert refused.value.cause is Cause.STORAGE_DROPPING
        finally:
            blocker.execute("rollback")
            dropping.join()
    assert not _exists(provisioned.server, name)


def _drop_only(bench: Workbench, name: str) -> None:
    with StorageServer(bench.line.dsn).locked_session(bench.context.tenant_id, bench.context.lock) as storage:
        storage._connection.execute(sql.SQL("drop database {}").format(sql.Identifier(name)))


def _wait_until_it_drops(server: PostgresServer, name: str) -> None:
    question = "select from pg_stat_activity where query ilike 'drop database%%' and query like %s and state = 'active'"
    with superuser(server) as connection:
        for _ in range(500):
            if connection.execute(question, (f"%{name}%",)).fetchone() is not None:
                return
            connection.execute("select pg_sleep(0.02)")
    pytest.fail("it never came to the drop")


# -- the storage role


def test_a_second_storage_role_learns_which_statement_lets_it_undo_an_older_tenant(provisioned: Workbench):
    """The connection was handed to another administrator, who did not create the tenant's role."""
    with superuser(provisioned.server) as connection:
        connection.execute("create role second_admin login createdb createrole password 'second'")
        connection.execute("create database second_admin owner second_admin")
    line = provisioned.line
    try:
        first = line.dsn
        line.dsn = replace(first, user="second_admin", password="second", dbname="second_admin")
        with pytest.raises(PlatformError) as refused:
            _drop(provisioned)
        assert refused.value.cause is Cause.STORAGE_PERMISSION
        statement = f'grant "{_name(provisioned)}" to "second_admin" with admin true, inherit true, set true;'
        assert statement in str(refused.value)
        with superuser(provisioned.server) as connection:
            connection.execute(statement.encode())
        provisioned.undo_all()
    finally:
        line.dsn = first
        with superuser(provisioned.server) as connection:
            connection.execute("drop database second_admin")
            connection.execute("drop owned by second_admin; drop role second_admin")


def test_a_right_that_was_taken_away_is_reported_with_the_statement_that_gives_it_back(bench: Workbench):
    with _without(bench.server, "alter role storage_admin nocreatedb", "alter role {} createdb"):
        bench.prepare(STORAGE)
        with pytest.raises(PlatformError, match=r'it lacks CREATEDB.*alter role "storage_admin" createdb;') as refused:
            bench.run(STORAGE)
        assert refused.value.cause is Cause.STORAGE_PERMISSION
        evidence = STORAGE.explain(bench.context)
        assert evidence is not None
        assert evidence.raw == {"CREATEDB": 'alter role "storage_admin" createdb'}
    bench.run(STORAGE)
    bench.undo(STORAGE)


def test_a_role_that_others_objects_refer_to_is_reported_with_where_they_are(provisioned: Workbench):
    """Any tenant can grant something to any role, which then cannot be dropped."""
    name = _name(provisioned)
    with superuser(provisioned.server, "storage_admin") as connection:
        connection.execute("create table public.shared (id int)")
        connection.execute(sql.SQL("grant select on public.shared to {}").format(sql.Identifier(name)))
        with superuser(provisioned.server, "template1") as other:
            other.execute("create table public.shared (id int)")
            other.execute(sql.SQL("grant select on public.shared to {}").format(sql.Identifier(name)))
            with pytest.raises(TransientError, match=f'template1: drop owned by "{name}";') as refused:
                provisioned.undo_all()
            other.execute("drop table public.shared")
        connection.execute("drop table public.shared")
    assert refused.value.cause is Cause.STORAGE_ROLE_IN_USE


# -- the server's settings


@pytest.mark.parametrize(
    "setting",
    [
        "timezone = 'Asia/Kolkata'",
        "datestyle = 'German, DMY'",
        "intervalstyle = 'sql_standard'",
        "search_path = 'pg_temp, public'",
        "bytea_output = 'escape'",
        "extra_float_digits = '-15'",
        "default_transaction_isolation = 'serializable'",
        "createrole_self_grant = ''",
        "statement_timeout = '20s'",
    ],
)
def test_a_tenant_is_made_and_undone_alike_whatever_the_server_is_set_to(bench: Workbench, setting: str):
    name = setting.partition(" ")[0]
    with superuser(bench.server) as connection:
        connection.execute(f"alter system set {setting}".encode())
        connection.execute("select pg_reload_conf()")
        try:
            bench.prepare(SCHEMA)
            bench.run(SCHEMA)
            assert all(o.healthy for each in (STORAGE, SCHEMA) for o in each.observe(bench.context))
            bench.undo_all()
            assert not any(observation.present for observation in bench.context.observe_all())
        finally:
            connection.execute(f"alter system reset {name}".encode())
            connection.execute("select pg_reload_conf()")


def test_a_template_whose_collation_changed_is_reported_with_what_repairs_it(bench: Workbench):
    """template0 has no version of its collation; a server that was upgraded manually may have given it one."""
    with superuser(bench.server) as connection:
        connection.execute("update pg_database set datcollversion = '0' where datname = 'template0'")
        try:
            bench.prepare(STORAGE)
            with pytest.raises(PlatformError, match="refresh collation version") as refused:
                bench.run(STORAGE)
            assert refused.value.cause is Cause.STORAGE_COLLATION
        finally:
            connection.execute("update pg_database set datcollversion = null where datname = 'template0'")
    bench.run(STORAGE)
    bench.undo(STORAGE)
