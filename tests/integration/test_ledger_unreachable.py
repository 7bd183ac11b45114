"""A ledger that does not respond: one clear sentence with system and place, within the time-out, worth a retry."""

import socket
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from sandbox.ports import any_free
from sandbox.postgres import PostgresServer
from tenancy.adapters.dsn import Dsn
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import Ledger
from tenancy.saga.errors import PlatformError, TransientError
from tests.real_systems import superuser
from tests.unit.sagas import TENANT, start

"""As the Airflow connection's extra would say; libpq takes no less."""


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def _open(dsn: Dsn) -> None:
    with Ledger(dsn).open("test"):
        pass


def test_a_closed_port_is_reported_at_once(ledger_dsn: Dsn):
    dsn = replace(ledger_dsn, port=any_free())
    begun = time.monotonic()
    with pytest.raises(TransientError, match=rf"The ledger does not respond at 127\.0\.0\.1:{dsn.port}/{dsn.dbname}"):
        _open(dsn)
    assert time.monotonic() - begun < 2


def test_a_server_that_never_answers_is_reported_within_the_time_out(ledger_dsn: Dsn, silent: int):
    begun = time.monotonic()
    with pytest.raises(TransientError, match=rf"The ledger does not respond at 127\.0\.0\.1:{silent}/"):
        _open(replace(ledger_dsn, port=silent, connect_seconds=2))
    assert time.monotonic() - begun < 4


def test_a_wrong_password_is_not_worth_a_retry_and_is_not_repeated(ledger_dsn: Dsn):
    with pytest.raises(PlatformError, match="The ledger at") as refused:
        _open(replace(ledger_dsn, password="wrong-pass"))
    assert "wrong-pass" not in str(refused.value)


def test_a_missing_database_is_not_worth_a_retry(ledger_dsn: Dsn):
    with pytest.raises(PlatformError, match='database "no_such_ledger" does not exist'):
        _open(ledger_dsn.to_database("no_such_ledger"))


def test_a_session_that_is_cut_is_worth_a_retry(fast_server: PostgresServer, ledger: Ledger):
    def cut() -> None:
        with superuser(fast_server) as connection:
            connection.execute(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'cut'"
            )

    def use() -> None:
        with ledger.open("cut") as session:
            cut()
            session.record(TENANT, start(), stamp=Stamp("ada"))

    with pytest.raises(TransientError, match="The ledger at"):
        use()


def test_a_lock_that_somebody_keeps_is_worth_a_retry(fast_server: PostgresServer, ledger_dsn: Dsn):
    hasty = replace(ledger_dsn, options={"options": "-c lock_timeout=100ms"})
    with superuser(fast_server, ledger_dsn.dbname) as connection, connection.transaction():
        connection.execute("lock table ledger.fact in exclusive mode")
        with pytest.raises(TransientError, match="lock timeout"), Ledger(hasty).open("hasty") as session:
            session.record(TENANT, start(), stamp=Stamp("ada"))
