"""Facts are append-only and chained: the database refuses what must not be; the chain shows what was done anyway."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from sandbox.postgres import PostgresServer
from tenancy.adapters.dsn import Dsn
from tenancy.ledger.envelope import Stamp, find_chain_break
from tenancy.ledger.ledger import Ledger, LedgerSession
from tenancy.ledger.tenant_summaries import find_first_broken_fact
from tenancy.saga.errors import LedgerOutdatedError, Refused
from tenancy.saga.facts import RequestRefused
from tenancy.saga.names import PLATFORM_STREAM, RunId
from tests.integration.lifecycles import FIRST_FAILS
from tests.real_systems import LEDGER_OWNER, superuser, without_guards
from tests.unit.sagas import STORAGE, TENANT, VALIDATE, done, start

STAMP = Stamp("ada", reason="a test", lease="ti-1")


@pytest.fixture
def owner(fast_server: PostgresServer, ledger_dsn: Dsn) -> Iterator[psycopg.Connection[Any]]:
    """A session of the tables' owner, as an administrator can have it. Nobody logs in as it."""
    with superuser(fast_server, ledger_dsn.dbname) as connection:
        connection.execute(f"set role {LEDGER_OWNER}")
        yield connection


@pytest.fixture
def writer(ledger_dsn: Dsn) -> Iterator[psycopg.Connection[Any]]:
    """A session with the login that every task and the api-server have."""
    parameters = ledger_dsn.parameters(application="test", settings={})
    with psycopg.connect(**parameters, autocommit=True) as connection:
        yield connection


@pytest.fixture
def filled(session: LedgerSession) -> LedgerSession:
    session.record(TENANT, *FIRST_FAILS, stamp=STAMP)
    return session


@pytest.mark.parametrize(
    "statement",
    [
        "update ledger.fact set actor = 'nobody' where seq = 2",
        "delete from ledger.fact where seq = 2",
        "delete from ledger.fact",
        "truncate ledger.fact",
        "truncate ledger.fact cascade",
    ],
)
def test_the_database_refuses_to_change_facts_even_to_their_owner(
    filled: LedgerSession, owner: psycopg.Connection, statement: str
):
    before = filled.envelopes(TENANT)
    with pytest.raises(psycopg.errors.RestrictViolation, match="facts are append-only"):
        owner.execute(statement.encode())
    assert filled.envelopes(TENANT) == before


@pytest.mark.parametrize(
    "statement",
    [
        "update ledger.fact set actor = 'nobody' where seq = 2",
        "delete from ledger.fact",
        "truncate ledger.fact",
        "merge into ledger.fact as f using ledger.fact as g on f.seq = g.seq when matched then delete",
        "insert into ledger.fact select * from ledger.fact on conflict (stream, seq) do update set actor = 'nobody'",
        "alter table ledger.fact disable trigger all",
        "drop trigger fact_is_append_only on ledger.fact",
        "create trigger own before insert on ledger.fact for each row execute function ledger.refuse_change()",
        "create or replace function ledger.refuse_change() returns trigger language plpgsql as 'begin return new; end'",
        "create rule own as on insert to ledger.fact do instead nothing",
        "alter table ledger.fact add column own text",
        "alter table ledger.fact owner to current_user",
        "drop table ledger.fact",
        "create table ledger.own ()",
        "drop schema ledger cascade",
        "alter schema ledger rename to other",
        "set session_replication_role = replica",
        f"set role {LEDGER_OWNER}",
        f"grant {LEDGER_OWNER} to current_user",
        "update ledger.signed_head set hash = repeat('0', 64)",
        "delete from ledger.signed_head",
        "truncate ledger.signed_head",
        "update ledger.alembic_version set version_num = '0001'",
    ],
)
def test_the_role_that_records_facts_cannot_rewrite_them(
    filled: LedgerSession, writer: psycopg.Connection, statement: str
):
    before = filled.envelopes(TENANT)
    with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidGrantOperation)):
        writer.execute(statement.encode())
    assert filled.envelopes(TENANT) == before


def test_a_streams_facts_are_numbered_and_chained_from_the_first(filled: LedgerSession):
    envelopes = filled.envelopes(TENANT)
    assert [envelope.seq for envelope in envelopes] == list(range(1, len(envelopes) + 1))
    assert envelopes[0].prev_hash == ""
    assert [e.prev_hash for e in envelopes[1:]] == [e.hash for e in envelopes[:-1]]
    assert find_chain_break(envelopes) is None


def test_a_fact_keeps_who_when_why_and_under_which_lease(ledger: Ledger, filled: LedgerSession):
    with ledger.open("another") as other:
        envelope = other.envelopes(TENANT)[-1]
    assert envelope.stamp == STAMP
    assert envelope.attempt == 1
    assert envelope.at.isoformat() == "2026-01-31T23:59:58.999999+00:00"


def test_every_stream_has_its_own_chain(filled: LedgerSession):
    for number in range(3):
        refused = RequestRefused(f"slug{number}", RunId("run-1"), "no", "slug")
        filled.append_notice(PLATFORM_STREAM, refused, stamp=STAMP)
    stream = filled.envelopes(PLATFORM_STREAM)
    assert [envelope.seq for envelope in stream] == [1, 2, 3]
    assert [envelope.attempt for envelope in stream] == [0, 0, 0]
    assert find_chain_break(stream) is None


@pytest.mark.parametrize(
    "tampering",
    [
        "actor = 'nobody'",
        "reason = 'because'",
        "lease = ''",
        "attempt = 2",
        "at = at + interval '1 microsecond'",
        "kind = 'tenant.provisioning.completed'",
        'data = data || \'{"holder": "ti-9"}\'',
        "prev_hash = hash",
        "hash = repeat('0', 64)",
        "stream = '018f0000-0000-7000-8000-00000000beef'",
        "seq = 99",
    ],
)
def test_the_chain_shows_which_fact_was_altered(fast_server: PostgresServer, filled: LedgerSession, tampering: str):
    with without_guards(fast_server, "ledger_of_tests") as connection:
        connection.execute(f"update ledger.fact set {tampering} where seq = 3".encode())
    assert find_first_broken_fact(filled, TENANT) == 3


def test_the_chain_shows_which_fact_was_removed(fast_server: PostgresServer, filled: LedgerSession):
    with without_guards(fast_server, "ledger_of_tests") as connection:
        connection.execute("delete from ledger.fact where seq = 4")
    assert find_chain_break(filled.envelopes(TENANT)) == 4


def test_the_chain_shows_which_facts_changed_places(fast_server: PostgresServer, filled: LedgerSession):
    with without_guards(fast_server, "ledger_of_tests") as connection:
        for old, new in ((4, 99), (5, 4), (99, 5)):
            connection.execute("update ledger.fact set seq = %s where seq = %s", (new, old))
    assert find_chain_break(filled.envelopes(TENANT)) == 4


def test_a_removed_last_fact_shows_against_the_tenants_row(
    ledger: Ledger, fast_server: PostgresServer, filled: LedgerSession
):
    last = len(filled.envelopes(TENANT))
    with without_guards(fast_server, "ledger_of_tests") as connection:
        connection.execute("delete from ledger.fact where seq = %s", (last,))
        row = connection.execute("select seq from ledger.tenant").fetchone()
    with ledger.open("another") as other:
        saga = other.saga(TENANT)
    assert saga is not None
    assert row == {"seq": last}
    assert saga.seq == last - 1


@pytest.mark.parametrize(
    ("seq", "prev", "complaint"),
    [("max(seq) + 1", "''", "breaks the hash chain"), ("max(seq) + 2", "max(hash)", "has no predecessor")],
)
def test_the_database_refuses_a_fact_that_does_not_continue_the_chain(
    filled: LedgerSession, owner: psycopg.Connection, seq: str, prev: str, complaint: str
):
    copy = f"""insert into ledger.fact (stream, seq, kind, attempt, lease, actor, reason, at, data, prev_hash, hash)
               select stream, {seq}, min(kind), 1, '', 'ada', '', now(), '{{}}', {prev}, max(hash)
                 from ledger.fact group by stream"""
    with pytest.raises(psycopg.errors.RestrictViolation, match=complaint):
        owner.execute(copy.encode())


def test_the_database_refuses_a_first_fact_with_a_past(session: LedgerSession, owner: psycopg.Connection):
    with pytest.raises(psycopg.errors.RestrictViolation, match="breaks the hash chain"):
        owner.execute(
            """insert into ledger.fact values (gen_random_uuid(), 1, 'tenant.x', 0, '', 'ada', '', now(), '{}',
                                               repeat('a', 64), repeat('b', 64))"""
        )


def test_a_fact_of_a_kind_from_the_future_asks_for_an_upgrade(
    ledger: Ledger, fast_server: PostgresServer, filled: LedgerSession
):
    with without_guards(fast_server, "ledger_of_tests") as connection:
        connection.execute("update ledger.fact set kind = 'tenant.from.the.future' where seq = 3")
    with ledger.open("another") as other, pytest.raises(LedgerOutdatedError, match=r"tenant\.from\.the\.future"):
        other.saga(TENANT)


def test_commands_recorded_together_are_recorded_wholly_or_not_at_all(session: LedgerSession):
    session.record(TENANT, start(), stamp=STAMP)
    before = session.envelopes(TENANT)
    with pytest.raises(Refused):
        session.record(TENANT, *done(VALIDATE), *done(STORAGE, VALIDATE, number=0), stamp=STAMP)
    assert session.envelopes(TENANT) == before
