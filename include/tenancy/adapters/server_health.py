"""The health of a PostgreSQL server, as far as a role without superuser rights can see it. Reads only; short time-outs.

Free disk space cannot be read by SQL, and adding up thousands of databases takes longer than a check may. Statements of
other sessions are hidden, but their number, databases and waits for locks are not (PostgreSQL 18;
tests/integration/test_health_of_storage.py).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from tenancy.adapters.dsn import Dsn
from tenancy.adapters.sessions import Session, session

CHECK_SECONDS: Final = 2
"""Seconds for connecting, and for each statement. libpq allows no less than 2 s."""
_APPLICATION: Final = "tenancy health"


@dataclass(frozen=True)
class ServerStatus:
    """A server as our role sees it. `role_limit` -1 means none."""

    version: str
    sessions: int
    slots: int
    """The number of sessions that roles without superuser rights may have together."""
    own_sessions: int
    role_limit: int
    read_only: bool
    databases: int
    size_bytes: int
    """Of our own database, not of the whole server."""
    longest_wait_seconds: float | None
    """For a lock, in our own database only: waits in a tenant's database are the tenant's concern."""


def check_server(dsn: Dsn) -> ServerStatus:
    """The server's present state; TransientError or PermanentError if it accepts no session."""
    with impatient_session(dsn) as connection:
        return server_status(connection)


def server_status(connection: Session) -> ServerStatus:
    """The server of this session."""
    return ServerStatus(**_row(connection, _SERVER))


@dataclass(frozen=True)
class WriteLocks:
    """Locks that keep others from writing in a database. `locked` are tables that nobody can write to now."""

    locked: tuple[str, ...]
    longest_wait_seconds: float | None


def check_write_locks(dsn: Dsn, tables: tuple[str, ...]) -> WriteLocks:
    """Are these tables locked against writing, and does any session wait there?"""
    with impatient_session(dsn) as connection:
        row = _row(connection, _WRITERS, {"tables": list(tables)})
    return WriteLocks(tuple(row["locked"]), row["longest_wait_seconds"])


def with_connect_timeout(dsn: Dsn, seconds: int = CHECK_SECONDS) -> Dsn:
    """The same server with the time-out of health checks."""
    return replace(dsn, connect_seconds=seconds)


@contextmanager
def impatient_session(dsn: Dsn) -> Iterator[Session]:
    """A session with short time-outs."""
    settings = {"statement_timeout": f"{CHECK_SECONDS}s", "lock_timeout": f"{CHECK_SECONDS}s"}
    with session(
        with_connect_timeout(dsn), application=_APPLICATION, settings=settings, silence_seconds=CHECK_SECONDS
    ) as connection:
        yield connection


def _row(connection: Session, query: str, given: dict[str, Any] | None = None) -> dict[str, Any]:
    row = connection.execute(query.encode(), given).fetchone()
    assert row is not None  # each is one row
    return row


_WAITS: Final = """
    select extract(epoch from pg_catalog.max(pg_catalog.clock_timestamp() - l.waitstart))::pg_catalog.float8
      from pg_catalog.pg_locks l join pg_catalog.pg_stat_activity a using (pid)
     where not l.granted and a.datname = pg_catalog.current_database()
"""
_SERVER: Final = f"""
    select pg_catalog.current_setting('server_version') as version,
           (select coalesce(pg_catalog.sum(numbackends), 0)::pg_catalog.int4 from pg_catalog.pg_stat_database)
               as sessions,
           pg_catalog.current_setting('max_connections')::pg_catalog.int4
               - pg_catalog.current_setting('superuser_reserved_connections')::pg_catalog.int4
               - pg_catalog.current_setting('reserved_connections')::pg_catalog.int4 as slots,
           (select pg_catalog.count(*)::pg_catalog.int4 from pg_catalog.pg_stat_activity where usename = current_user)
               as own_sessions,
           rolconnlimit as role_limit,
           pg_catalog.current_setting('transaction_read_only')::pg_catalog.bool as read_only,
           (select pg_catalog.count(*)::pg_catalog.int4 from pg_catalog.pg_database) as databases,
           pg_catalog.pg_database_size(pg_catalog.current_database()) as size_bytes,
           ({_WAITS}) as longest_wait_seconds
      from pg_catalog.pg_roles where rolname = current_user
"""  # noqa: S608 - made of our own text
_WRITERS: Final = f"""
    select array(select distinct c.relname::pg_catalog.text
                   from pg_catalog.pg_locks l
                   join pg_catalog.pg_class c on c.oid = l.relation
                   join pg_catalog.pg_database d on d.oid = l.database
                  where l.granted and l.locktype = 'relation' and d.datname = pg_catalog.current_database()
                    and c.relname = any(%(tables)s)
                    and l.mode in ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
                  order by 1) as locked,
           ({_WAITS}) as longest_wait_seconds
"""  # noqa: S608 - made of our own text
