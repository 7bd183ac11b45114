"""Holds a running task at an exact point, by locks and triggers in the databases.

The product has no hook for this: the database that it writes to does not respond until the gate opens.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil
import psycopg
from psycopg import sql

from sandbox.access import Access
from tests.acceptance.runs import wait_until

_GATE = """
create table if not exists public.gate (kind text, activity text);
grant select on public.gate to public;
create or replace function public.wait_at_gate() returns trigger language plpgsql as $$
begin
    while exists (select from public.gate
                   where kind = new.kind and activity = coalesce(new.data ->> 'activity', activity)) loop
        perform pg_sleep(0.02);
    end loop;
    return new;
end $$;
create or replace trigger wait_at_gate before insert on ledger.fact
    for each row execute function public.wait_at_gate();
"""


@contextmanager
def before_fact(access: Access, kind: str, activity: str) -> Iterator[None]:
    """No session can record this fact of this activity until the gate opens."""
    with psycopg.connect(access.superuser_dsn("platform", "ledger"), autocommit=True) as connection:
        connection.execute(_GATE)
        connection.execute("insert into public.gate values (%s, %s)", (kind, activity))
        try:
            yield
        finally:
            connection.execute("delete from public.gate")


@contextmanager
def table_locked(dsn: str, table: str, mode: str) -> Iterator[None]:
    """Writers of this table wait in the server until the gate opens."""
    with psycopg.connect(dsn) as connection:
        connection.execute(sql.SQL("lock table {} in {} mode").format(sql.SQL(table), sql.SQL(mode)))
        yield
        connection.rollback()


@contextmanager
def table_creation_held(dsn: str) -> Iterator[None]:
    """CREATE TABLE in this database waits until the gate opens."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("create table public.gate (); grant select on public.gate to public")
        connection.execute(_HOLD_TABLES)
        try:
            yield
        finally:
            connection.execute("insert into public.gate default values")


_HOLD_TABLES = """
create function public.hold_tables() returns event_trigger language plpgsql as $$
begin
    while not exists (select from public.gate) loop
        perform pg_sleep(0.02);
    end loop;
end $$;
create event trigger hold_tables on ddl_command_start when tag in ('CREATE TABLE')
    execute function public.hold_tables();
"""


def schema_locked(access: Access, slug: str) -> bool:
    """Whether the fault holds the catalogue of schemas in the tenant's database."""
    like = slug.replace("-", r"\_") + r"\_%"
    question = (
        "select from pg_locks join pg_database on pg_database.oid = database where datname like %s and granted "
        "and mode = 'ShareLock' and relation = 'pg_namespace'::regclass"
    )
    with connected(access.superuser_dsn("storage")) as storage:
        return storage.execute(question, (like,)).fetchone() is not None


def connected(dsn: str) -> psycopg.Connection:
    """A session with autocommit; use it in a `with`."""
    return psycopg.connect(dsn, autocommit=True)


_ACTIVE = "select from pg_stat_activity where state = 'active' and query ilike %s and pid <> pg_backend_pid()"


def waiting(dsn: str, statement: str) -> bool:
    """Whether a statement like this one is running in the server of the DSN."""
    with connected(dsn) as connection:
        return connection.execute(_ACTIVE, (statement,)).fetchone() is not None


def held(dsn: str, statement: str) -> bool:
    """Whether such a statement waits for a lock or a gate. One that is only running may end at once."""
    by_us = f"{_ACTIVE} and (wait_event_type = 'Lock' or wait_event = 'PgSleep')"
    with connected(dsn) as connection:
        return connection.execute(by_us, (statement,)).fetchone() is not None


def task_process(access: Access) -> psutil.Process:
    """The process of the one running task: it has the ledger session `tenancy run …`."""
    return _client(access, "tenancy run %")


def unwinding_process(access: Access) -> psutil.Process:
    """The process that unwinds the one tenant: it has the ledger session `tenancy unwind …`."""
    return _client(access, "tenancy unwind %")


def kill(process: psutil.Process) -> None:
    """`kill -9`, and wait until it does nothing any more, so that nobody finds it again as the next one."""
    process.kill()
    wait_until(lambda: not _is_running(process), f"the process {process.pid} to end", seconds=30)


def _is_running(process: psutil.Process) -> bool:
    """A zombie is not: its parent may be held, too, and collect it later."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _client(access: Access, application: str) -> psutil.Process:
    found: list[psutil.Process] = []

    def find() -> bool:
        found[:] = []
        with suppress(psutil.NoSuchProcess):  # it ended meanwhile
            found[:] = [psutil.Process(pid) for pid in _clients(access, application)]
        return len(found) == 1

    wait_until(find, f"exactly one process with a ledger session like {application}", seconds=60)
    return found[0]


def _clients(access: Access, application: str) -> list[int]:
    question = "select client_port from pg_stat_activity where application_name like %s"
    with psycopg.connect(access.superuser_dsn("platform"), autocommit=True) as connection:
        ports = {row[0] for row in connection.execute(question, (application,))}
    return [
        connection.pid
        for connection in psutil.net_connections("tcp")
        if connection.laddr and connection.laddr.port in ports and connection.pid is not None
    ]


_SLUG_GATE = """
create table if not exists public.slug_gate (slug text, kind text, what text);
grant select on public.slug_gate to public;
create or replace function public.wait_at_slug_gate() returns trigger language plpgsql as $$
begin
    while exists (select from public.slug_gate as gate join ledger.tenant using (slug)
                   where tenant.id = new.stream and gate.kind = new.kind
                     and gate.what = coalesce(new.data ->> 'activity', new.data ->> 'resource')) loop
        perform pg_sleep(0.02);
    end loop;
    return new;
end $$;
create or replace trigger wait_at_slug_gate before insert on ledger.fact
    for each row execute function public.wait_at_slug_gate();
"""


@contextmanager
def before_fact_of(access: Access, slug: str, kind: str, what: str) -> Iterator[None]:
    """No session can record this fact of this activity or resource for the slug's tenant until the gate opens.

    It should be the first fact of its transaction, because facts before it would block every other writer.
    """
    with psycopg.connect(access.superuser_dsn("platform", "ledger"), autocommit=True) as connection:
        if connection.execute("select to_regclass('public.slug_gate')").fetchone() == (None,):
            connection.execute(_SLUG_GATE)  # once: it waits for everybody who is held
        connection.execute("insert into public.slug_gate values (%s, %s, %s)", (slug, kind, what))
        try:
            yield
        finally:
            connection.execute("delete from public.slug_gate where slug = %s", (slug,))


_NO_RUNS = """
create table if not exists public.no_runs (dag_id text);
grant select on public.no_runs to public;
create or replace function public.refuse_run() returns trigger language plpgsql as $$
begin
    if exists (select from public.no_runs where dag_id = new.dag_id) then
        raise exception 'no run of this DAG can be made';
    end if;
    return new;
end $$;
create or replace trigger refuse_run before insert on public.dag_run
    for each row execute function public.refuse_run();
"""


@contextmanager
def no_new_runs(access: Access, dag_id: str) -> Iterator[None]:
    """Airflow can create no run of this DAG until the gate opens: it answers such requests with 500."""
    with connected(access.superuser_dsn("platform", "airflow")) as airflow:
        if airflow.execute("select to_regclass('public.no_runs')").fetchone() == (None,):
            airflow.execute(_NO_RUNS)
        airflow.execute("insert into public.no_runs values (%s)", (dag_id,))
        try:
            yield
        finally:
            airflow.execute("delete from public.no_runs where dag_id = %s", (dag_id,))


_CLEAR_GATE = """
create table if not exists public.clear_gate (run_id text, task_id text);
grant select on public.clear_gate to public;
create or replace function public.wait_at_clear_gate() returns trigger language plpgsql as $$
begin
    while exists (select from public.clear_gate gate where (gate.run_id, gate.task_id) = (new.run_id, new.task_id)) loop
        perform pg_sleep(0.02);
    end loop;
    return null;
end $$;
create or replace trigger wait_at_clear_gate after update on public.task_instance
    for each row when (old.id is distinct from new.id) execute function public.wait_at_clear_gate();
"""


@contextmanager
def clearing_held(access: Access, run_id: str, task: str) -> Iterator[None]:
    """Clearing this task of the run waits before it commits, until the gate opens."""
    with connected(access.superuser_dsn("platform", "airflow")) as airflow:
        airflow.execute(_CLEAR_GATE)
        airflow.execute("insert into public.clear_gate values (%s, %s)", (run_id, task))
        try:
            yield
        finally:
            airflow.execute("delete from public.clear_gate")
            airflow.execute("drop trigger wait_at_clear_gate on public.task_instance")


_RENAME_POOL = "update slot_pool set pool = %s where pool = %s"


@contextmanager
def without_pool(access: Access, name: str) -> Iterator[None]:
    """Remove this pool from Airflow for a while."""
    with psycopg.connect(access.superuser_dsn("platform", "airflow"), autocommit=True) as airflow:
        airflow.execute(_RENAME_POOL, (f"{name}-gone", name))
        try:
            yield
        finally:
            airflow.execute(_RENAME_POOL, (name, f"{name}-gone"))
