"""SQL migrations that PostgreSQL refuses, that are killed, or whose table a tenant has replaced."""

import threading
import time
from collections.abc import Callable

import pytest

from tenancy.saga.errors import PermanentError, TenancyError, TransientError
from tests.integration.sql_tenant import COUNT, SqlTenant

WRONG: dict[str, tuple[str, str]] = {
    "a mistake in its grammar": ("select 1;\nselct 2;\n", "at migrations/0002_x.sql, line 2: "),
    "a column that is not there": ("create table t (a int);\n\nupdate t\n set b = 1;", "0002_x.sql, line 4: "),
    "a table that exists": ("create table notes (id int)", "0002_x.sql: .*relation .notes. already exists.*42P07"),
    "an exception of its own": ("do $$ begin raise exception 'no %', 'day'; end $$", "0002_x.sql: .*no day.*P0001"),
    "CREATE INDEX CONCURRENTLY": ("create index concurrently on notes (id)", "0002_x.sql: .*25001.*one transaction"),
    "VACUUM": ("vacuum notes", "0002_x.sql: .*25001.*one transaction"),
    "COMMIT": ("create table t (a int);\ncommit;\ncreate table u (a int);", "0002_x.sql: .*no BEGIN, COMMIT"),
    "BEGIN and COMMIT": ("begin;\ncreate table t (a int);\ncommit;", "0002_x.sql: .*no BEGIN, COMMIT"),
    "ROLLBACK": ("rollback", "0002_x.sql: .*no BEGIN, COMMIT"),
    "SAVEPOINT": ("savepoint a; release a", "0002_x.sql: .*no BEGIN, COMMIT"),
    "PREPARE TRANSACTION": ("prepare transaction 'x'", "0002_x.sql: .*no BEGIN, COMMIT"),
    "COMMIT in a block of PL/pgSQL": ("do $$ begin commit; end $$", "0002_x.sql: .*no BEGIN, COMMIT"),
    "COPY from the client": ("copy notes from stdin;\n1\tx\n\\.\n", "0002_x.sql"),
    "COPY from the client alone": ("copy notes from stdin", "0002_x.sql: .*no COPY from STDIN"),
    "a command of psql": ("\\set x 1\nselect 1;", "0002_x.sql, line 1: "),
    "a right that it does not have": ("create role x superuser", "0002_x.sql: .*42501"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_postgresql_refuses_is_named_with_its_file_and_nothing_is_left(sql_tenant: SqlTenant, what: str):
    text, sentence = WRONG[what]
    sql_tenant.write("0002_x", text)
    with pytest.raises(PermanentError, match=f"(?s)The tenant's migration failed .*{sentence}") as error:
        sql_tenant.apply()
    assert len(str(error.value)) < 700
    assert "inline_code_block" not in str(error.value)
    assert not sql_tenant.has_schema


def test_killed_in_the_middle_it_leaves_nothing_and_can_be_run_again(sql_tenant: SqlTenant):
    sql_tenant.write("0002_wait", "create table a (id int); select pg_advisory_xact_lock(42); create table b ()")
    sql_tenant.session.execute("select pg_advisory_lock(42)")
    errors: list[Exception] = []
    running = threading.Thread(target=_collect, args=(sql_tenant.apply, errors))
    running.start()
    assert _until(lambda: sql_tenant.rows(_KILL) == [(True,)])
    running.join(20)
    (error,) = errors
    assert isinstance(error, TransientError)
    assert not sql_tenant.has_schema
    sql_tenant.session.execute("select pg_advisory_unlock(42)")
    sql_tenant.apply()
    assert sql_tenant.version == "0002_wait"
    assert sql_tenant.rows("select to_regclass('tenant.b') is not null") == [(True,)]


_KILL = """
    select pg_terminate_backend(pid) from pg_stat_activity
     where application_name = 'tests sql' and wait_event_type = 'Lock' and wait_event = 'advisory'"""


def _collect(run: Callable[[], None], errors: list[Exception]) -> None:
    try:
        run()
    except TenancyError as error:
        errors.append(error)


def _until(happened: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if happened():
            return True
        time.sleep(0.05)
    return False


IN_ITS_PLACE = {
    "a view with one endless version": "select 1 as number, repeat('9', 100000000) as version, 'x' as checksum",
    "a view with endless rows": "select n as number, 'x' as version, 'x' as checksum from generate_series(1, 200000) n",
    "a view of nulls": "select null::int as number, null::text as version, null::text as checksum",
    "a view without rows": "select 1 as number, 'x' as version, 'x' as checksum where false",
    "a view of other types": "select '1x' as number, 5 as version, true as checksum",
    "a view with other columns": "select 1 as a",
}


@pytest.mark.parametrize("what", IN_ITS_PLACE)
def test_what_a_tenant_puts_in_place_of_the_table_is_read_in_bounds_and_refused(sql_tenant: SqlTenant, what: str):
    sql_tenant.apply()
    sql_tenant.session.execute("alter table tenant.tenancy_migration rename to was_ours")
    sql_tenant.session.execute(f"create view tenant.tenancy_migration as {IN_ITS_PLACE[what]}")
    with pytest.raises(TenancyError) as error:
        sql_tenant.apply()
    assert len(str(error.value)) < 1000
    assert len(_look(sql_tenant)) < 1000


def _look(tenant: SqlTenant) -> str:
    try:
        return tenant.version or ""
    except TenancyError as error:
        return str(error)


def test_functions_of_a_tenant_do_not_hide_postgresqls(sql_tenant: SqlTenant):
    sql_tenant.apply()
    sql_tenant.session.execute('alter role current_user set search_path = "$user", tenant, pg_catalog')
    for name, returns in (("left(text, int)", "text"), ("to_regclass(text)", "regclass"), ("now()", "timestamptz")):
        sql_tenant.session.execute(f"create function tenant.{name} returns {returns} language plpgsql as "
                       "$$ begin raise exception 'mine'; end $$")  # fmt: skip
    sql_tenant.write("0002_count", COUNT)
    sql_tenant.apply()
    assert sql_tenant.version == "0002_count"
