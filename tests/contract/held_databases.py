"""Things that can keep a tenant's database from being dropped, each as a context manager."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import psycopg
from psycopg import sql

from sandbox.postgres import PostgresServer
from tests.real_systems import superuser

Held = Callable[[PostgresServer, str], AbstractContextManager[str]]
"""Gives what the error has to name."""


@contextmanager
def session_of_a_superuser(server: PostgresServer, database: str) -> Iterator[str]:
    with psycopg.connect(server.superuser_dsn(database), application_name="pg_activity") as session:
        row = session.execute("select pg_backend_pid()").fetchone()
        assert row is not None
        yield f"superuser's session pg_activity of postgres (backend {row[0]})"


@contextmanager
def prepared_transaction_of_a_superuser(server: PostgresServer, database: str) -> Iterator[str]:
    gid = f"of the superuser {database}"
    with superuser(server, database) as session:
        session.execute(f"begin; create table public.pending (id int); prepare transaction '{gid}'".encode())
    yield f"prepared transaction {gid} of postgres"
    with superuser(server, database) as session:
        session.execute(f"rollback prepared '{gid}'".encode())


@contextmanager
def subscription(server: PostgresServer, database: str) -> Iterator[str]:
    with superuser(server, database) as session:
        session.execute("create subscription s connection 'host=127.0.0.1 port=1' publication p with (connect = false)")
    yield "subscription s of postgres"
    with superuser(server, database) as session:
        session.execute("alter subscription s set (slot_name = none); drop subscription s")


@contextmanager
def session_of_another_role(server: PostgresServer, database: str) -> Iterator[str]:
    """A backup's, which may be ended."""
    with superuser(server) as connection:
        connection.execute("create role backup login password 'backup' in role pg_read_all_data")
        connection.execute(sql.SQL("grant connect on database {} to backup").format(sql.Identifier(database)))
        session = psycopg.connect(server.dsn(database, "backup", "backup"), application_name="pg_dump")
        try:
            yield "session pg_dump of backup"
        finally:
            session.close()
            connection.execute("drop owned by backup; drop role backup")


@contextmanager
def inactive_replication_slot(server: PostgresServer, database: str) -> Iterator[str]:
    """It goes with the database."""
    with superuser(server, database) as session:
        session.execute("select pg_create_logical_replication_slot('of_tests', 'pgoutput')")
    _await_no_session(server, database)
    yield "replication slot of_tests"


def _await_no_session(server: PostgresServer, database: str) -> None:
    """A backend ends a moment after its client has gone, on a busy machine a long one."""
    with superuser(server) as session:
        while session.execute("select 1 from pg_stat_activity where datname = %s", (database,)).fetchone():
            time.sleep(0.02)


@contextmanager
def template_made_by_an_operator(server: PostgresServer, database: str) -> Iterator[str]:
    with superuser(server) as connection:
        connection.execute(sql.SQL("alter database {} is_template true").format(sql.Identifier(database)))
    yield "template"


@contextmanager
def autovacuum_worker(server: PostgresServer, database: str) -> Iterator[str]:
    """Held in its work by a lock in the tenant's own session, which goes."""
    with superuser(server, database) as connection:
        connection.execute("create table public.work as select generate_series(1, 20000) as id")
        connection.execute("alter table public.work set (autovacuum_vacuum_cost_delay = 100, "
                           "autovacuum_vacuum_cost_limit = 1, autovacuum_vacuum_threshold = 1)")  # fmt: skip
        connection.execute("alter system set autovacuum_naptime = 1")
        connection.execute("select pg_reload_conf()")
        connection.execute("delete from public.work where id % 2 = 0")
        try:
            for _ in range(900):
                if connection.execute(_AT_WORK, (database,)).fetchone():
                    break
                connection.execute("select pg_sleep(0.05)")
            else:
                raise AssertionError("no autovacuum worker came")
            connection.close()
            yield "autovacuum worker"
        finally:
            with superuser(server) as other:
                other.execute("alter system reset autovacuum_naptime")
                other.execute("select pg_reload_conf()")


_AT_WORK = "select pid from pg_stat_activity where backend_type = 'autovacuum worker' and datname = %s"


REFUSED: tuple[Held, ...] = (session_of_a_superuser, prepared_transaction_of_a_superuser, subscription)
"""What our role may not end: a person has to."""
OVERCOME: tuple[Held, ...] = (
    session_of_another_role,
    inactive_replication_slot,
    template_made_by_an_operator,
    autovacuum_worker,
)
