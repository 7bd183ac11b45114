"""The faults that are statements on the storage server: its superuser sets, clears and detects them."""

from typing import Final

import psycopg

from sandbox.access import Access
from sandbox.faults.tenants import database_pattern
from sandbox.problems import SandboxError

# The storage admin's own locks may be on catalogues only with this; granted for as long as schema-locked is set.
SET: Final = {
    "no-connection-slots": "alter role storage_admin connection limit 0",
    "no-createdb": "alter role storage_admin nocreatedb",
    "schema-locked": "grant pg_maintain to storage_admin",
}
CLEAR: Final = {
    "no-connection-slots": "alter role storage_admin connection limit -1",
    "no-createdb": "alter role storage_admin createdb",
    "schema-locked": "revoke pg_maintain from storage_admin",
}
HOLDS: Final = {
    "no-connection-slots": "select 1 from pg_roles where rolname = 'storage_admin' and rolconnlimit = 0",
    "no-createdb": "select 1 from pg_roles where rolname = 'storage_admin' and not rolcreatedb",
    "schema-locked": "select 1 where pg_has_role('storage_admin', 'pg_maintain', 'member')",
}
# Not alembic's own table: what fails is the first revision, as a person would have broken it.
_FAIL: Final = """
create or replace function public.sandbox_failing_revision() returns event_trigger language plpgsql as $$
begin
    if current_database() ~ '{pattern}' and exists (
        select from pg_event_trigger_ddl_commands()
         where object_type = 'table' and schema_name = 'tenant' and object_identity <> 'tenant.alembic_version') then
        raise exception 'sandbox: this revision fails because the fault failing-revision is set';
    end if;
end $$;
drop event trigger if exists sandbox_failing_revision;
create event trigger sandbox_failing_revision on ddl_command_end when tag in ('CREATE TABLE')
    execute function public.sandbox_failing_revision()"""
_NO_LONGER_FAIL: Final = "drop function if exists public.sandbox_failing_revision() cascade"
_FAILS: Final = "select 1 from pg_event_trigger where evtname = 'sandbox_failing_revision'"
_TEMPLATE: Final = "template0"
"""Tenants' databases are copies of it, so they get the trigger, or the ballast, too. It accepts no other sessions."""
_MARKER_DATABASE: Final = "postgres"
"""Has the trigger as well, to show that the fault is set."""
# A block that is written in part is what PostgreSQL 18.4 takes for a full disk (53100); beyond the limit it would say
# "File too large" (XX000). Above 16 MB, because a write-ahead log that cannot be written would end the whole server.
_FULL_BYTES: Final = 2048 * 8192 + 4096
_BALLAST: Final = """
drop table if exists public.sandbox_ballast;
create table public.sandbox_ballast (row text storage plain);
insert into public.sandbox_ballast select repeat('x', 7000) from generate_series(1, 2049)"""
_NO_BALLAST: Final = "drop table if exists public.sandbox_ballast"
_LIMIT: Final = """
copy (select where false) to program 'p=$(head -n 1 postmaster.pid); prlimit --pid $p --fsize={soft}:'"""
_HIGHEST: Final = "$(prlimit --pid $p --fsize --noheadings --raw --output HARD)"
_LIMITS: Final = "pg_read_file('/proc/' || split_part(pg_read_file('postmaster.pid'), E'\n', 1) || '/limits')"


def run(access: Access, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
    """The rows of a statement, run as the storage server's superuser. Raises SandboxError when it does not respond."""
    try:
        dsn = access.superuser_dsn("storage", database)
        with psycopg.connect(dsn, autocommit=True, connect_timeout=3, options="-c statement_timeout=5000") as session:
            done = session.execute(statement.encode())
            return done.fetchall() if done.description else []
    except psycopg.OperationalError as error:
        raise SandboxError(f"The storage server does not take part: {' '.join(str(error).split())}") from error


def fail_revisions(access: Access, tenant: str) -> None:
    """Create one trigger per database, for one tenant or all. The last fault that was set counts."""
    pattern = database_pattern(tenant)
    _run_everywhere(access, _FAIL.format(pattern=pattern))


def stop_failing_revisions(access: Access) -> None:
    _run_everywhere(access, _NO_LONGER_FAIL)


def revisions_fail(access: Access) -> bool:
    return bool(run(access, _FAILS, _MARKER_DATABASE))


def _run_in_template(access: Access, statement: str) -> None:
    """Runs for some milliseconds. CREATE DATABASE waits meanwhile, for up to 5 s."""
    run(access, f"alter database {_TEMPLATE} allow_connections true")
    try:
        run(access, statement, _TEMPLATE)
    finally:
        run(access, f"alter database {_TEMPLATE} allow_connections false")


def _run_everywhere(access: Access, statement: str) -> None:
    """Skip a tenant's database that is dropped meanwhile."""
    _run_in_template(access, statement)
    for database in _databases(access):
        try:
            run(access, statement, database)
        except SandboxError:
            if database in _databases(access):
                raise


def _databases(access: Access) -> list[str]:
    question = f"select datname from pg_database where datname ~ '{database_pattern('')}' and datallowconn"
    return [_MARKER_DATABASE, *(str(row[0]) for row in run(access, question))]


def fill_disk(access: Access) -> None:
    """Limit the file size of new sessions to less than a new database needs."""
    _run_in_template(access, _BALLAST)
    run(access, _LIMIT.format(soft=_FULL_BYTES))


def free_disk(access: Access) -> None:
    _run_in_template(access, _NO_BALLAST)
    run(access, _LIMIT.format(soft=_HIGHEST))


def disk_is_full(access: Access) -> bool:
    return bool(run(access, f"select 1 where {_LIMITS} ~ 'Max file size +{_FULL_BYTES} '"))
