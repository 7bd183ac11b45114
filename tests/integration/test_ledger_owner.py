"""The role that writes facts does not own them, also in a ledger that an older version made."""

import secrets
from collections.abc import Iterator

import psycopg
import pytest

from installation import ledger_tables
from installation.database_setup import OwnedDatabase, ensure
from sandbox.postgres import PostgresServer
from tenancy.adapters.dsn import Dsn
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import Ledger
from tenancy.ledger.migrations import upgrade
from tenancy.saga.commands import RecordHold
from tests.integration.lifecycles import FIRST_FAILS
from tests.real_systems import as_dsn, superuser
from tests.unit.sagas import TENANT

STAMP = Stamp("ada")


@pytest.fixture
def owned() -> OwnedDatabase:
    name = f"ledger_{secrets.token_hex(4)}"
    return OwnedDatabase(name, "a password", owner=f"{name}_owner")


@pytest.fixture
def older(fast_server: PostgresServer, owned: OwnedDatabase) -> Iterator[Dsn]:
    """A ledger with facts whose writer owns everything, as version 0.1 made it."""
    with superuser(fast_server) as connection:
        ensure(connection, [OwnedDatabase(owned.name, owned.password)])
    url = fast_server.dsn(owned.name, owned.name, owned.password)
    upgrade(url)
    dsn = as_dsn(url, "the ledger")
    with Ledger(dsn).open("test") as ledger:
        ledger.record(TENANT, *FIRST_FAILS, stamp=STAMP)
    yield dsn
    with superuser(fast_server) as connection:
        connection.execute(f"drop database {owned.name} with (force)")
        connection.execute(f"drop role {owned.name}")
        connection.execute(f"drop role if exists {owned.owner}")


def _prepare(server: PostgresServer, owned: OwnedDatabase) -> None:
    with superuser(server) as connection:
        ensure(connection, [owned])
    ledger_tables.prepare(server.superuser_dsn(owned.name), owner=owned.owner, writer=owned.name)


def test_an_older_ledger_is_handed_over_with_its_facts(fast_server: PostgresServer, owned: OwnedDatabase, older: Dsn):
    with Ledger(older).open("test") as ledger:
        assert ledger.can_rewrite_facts()
        facts = ledger.envelopes(TENANT)
    _prepare(fast_server, owned)
    with Ledger(older).open("test") as ledger:
        assert not ledger.can_rewrite_facts()
        assert ledger.envelopes(TENANT) == facts


def test_the_writer_continues_after_the_ledger_was_handed_over(
    fast_server: PostgresServer, owned: OwnedDatabase, older: Dsn
):
    with Ledger(older).open("test, a session from before") as before:
        _prepare(fast_server, owned)
        _prepare(fast_server, owned)
        with Ledger(older).open("test") as ledger:
            for session in (before, ledger):
                known = len(session.envelopes(TENANT))
                session.record(TENANT, RecordHold(f"number {known}"), stamp=STAMP)
                assert len(session.envelopes(TENANT)) > known


@pytest.mark.parametrize("right", ["update", "delete", "truncate", "trigger"])
def test_a_writer_with_a_right_too_many_is_noticed(
    fast_server: PostgresServer, owned: OwnedDatabase, older: Dsn, right: str
):
    _prepare(fast_server, owned)
    with superuser(fast_server, owned.name) as connection:
        connection.execute(f"grant {right} on ledger.fact to {owned.name}")
    with Ledger(older).open("test") as ledger:
        assert ledger.can_rewrite_facts()
    _prepare(fast_server, owned)
    with Ledger(older).open("test") as ledger:
        assert not ledger.can_rewrite_facts()


def test_the_connections_to_the_ledger_are_stated(fast_server: PostgresServer, owned: OwnedDatabase, older: Dsn):
    _prepare(fast_server, owned)
    question = "select has_database_privilege(%s, %s, 'CONNECT'), has_database_privilege('public', %s, 'CONNECT')"
    with psycopg.connect(fast_server.superuser_dsn()) as connection:
        assert connection.execute(question, (owned.name, owned.name, owned.name)).fetchone() == (True, False)
