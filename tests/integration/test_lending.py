"""Sessions that are used again: the same one for the next, none that failed, none whose server hung up."""

import psycopg
import pytest

from sandbox.postgres import PostgresServer
from tenancy.adapters.dsn import Dsn
from tenancy.adapters.session_pool import IDLE_SECONDS, MAX_IDLE, SessionPool
from tenancy.saga.errors import TenancyError


@pytest.fixture
def lending() -> SessionPool:
    return SessionPool()


def _pid(lending: SessionPool, dsn: Dsn) -> int:
    with lending.session(dsn, "test lending") as session:
        row = session.execute("select pg_backend_pid() as pid").fetchone()
    assert row is not None
    return int(row["pid"])


def test_the_next_gets_the_same_session(lending: SessionPool, ledger_dsn: Dsn):
    assert _pid(lending, ledger_dsn) == _pid(lending, ledger_dsn)


def test_two_at_once_have_a_session_each(lending: SessionPool, ledger_dsn: Dsn):
    with lending.session(ledger_dsn, "test lending") as first, lending.session(ledger_dsn, "test lending") as second:
        assert first is not second


def test_one_that_failed_is_not_lent_again(lending: SessionPool, ledger_dsn: Dsn):
    before = _pid(lending, ledger_dsn)
    with pytest.raises(TenancyError), lending.session(ledger_dsn, "test lending") as session:
        session.execute("select 1 / 0")
    assert _pid(lending, ledger_dsn) != before


def test_one_whose_server_hung_up_is_not_lent_again(
    lending: SessionPool, ledger_dsn: Dsn, postgres_server: PostgresServer
):
    before = _pid(lending, ledger_dsn)
    with psycopg.connect(postgres_server.superuser_dsn(), autocommit=True) as superuser:
        superuser.execute("select pg_terminate_backend(%s, 30000)", (before,))
    assert _pid(lending, ledger_dsn) != before


def test_another_place_or_password_is_another_session(lending: SessionPool, ledger_dsn: Dsn):
    _pid(lending, ledger_dsn)
    with pytest.raises(TenancyError):
        _pid(lending, ledger_dsn.to_database(ledger_dsn.dbname, password="wrong"))


def test_those_that_idle_too_long_are_closed(ledger_dsn: Dsn):
    now = [0.0]
    lending = SessionPool(lambda: now[0])
    before = _pid(lending, ledger_dsn)
    now[0] = IDLE_SECONDS
    assert _pid(lending, ledger_dsn) != before


def test_few_are_kept(lending: SessionPool, ledger_dsn: Dsn):
    lent = [lending.session(ledger_dsn, "test lending") for _ in range(MAX_IDLE + 2)]
    sessions = [each.__enter__() for each in lent]
    for each in lent:
        each.__exit__(None, None, None)
    assert [session.closed for session in sessions].count(False) == MAX_IDLE
