"""A backup of a test's ledger, and its restore, by copies of the database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from psycopg import sql

from tests import real_systems
from tests.integration.engine_harness import EngineHarness

_END_SESSIONS = "select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = %s"


@contextmanager
def backup(harness: EngineHarness) -> Iterator[Callable[[], None]]:
    """A backup of the ledger as it is now; call what comes back to restore it."""
    ledger, kept = sql.Identifier(harness.ledger.dbname), sql.Identifier("ledger_backup")
    copy = sql.SQL("create database {} template {} strategy file_copy")

    def restore() -> None:
        with real_systems.superuser(harness.server) as connection:
            owner = sql.Identifier(real_systems.LEDGER_OWNER)
            connection.execute(sql.SQL("drop database {} with (force)").format(ledger))
            connection.execute(copy.format(ledger, kept) + sql.SQL(" owner {}").format(owner))
            # A copy has none of the rights to the database itself.
            connection.execute(sql.SQL("revoke all on database {} from public").format(ledger))
            connection.execute(sql.SQL("grant connect on database {0} to {0}").format(ledger))

    with real_systems.superuser(harness.server) as connection:
        connection.execute(_END_SESSIONS, (harness.ledger.dbname,))  # idle ones, which earlier tests left to be lent
        connection.execute(copy.format(kept, ledger))
    try:
        yield restore
    finally:
        with real_systems.superuser(harness.server) as connection:
            connection.execute(sql.SQL("drop database {} with (force)").format(kept))
