"""A pooler before the storage or the ledger is noticed at the first session and told with what to do."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from sandbox.postgres import PostgresServer
from tenancy.adapters import pooler_check
from tenancy.adapters.dsn import Dsn
from tenancy.adapters.session_pool import SessionPool
from tenancy.adapters.sessions import session
from tenancy.ledger.ledger import Ledger
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PlatformError
from tests.poolers import PoolingMode, pooler

MESSAGES = {
    PoolingMode.REFUSE: "unsupported startup parameter: options",
    PoolingMode.IGNORE: "application_name is '' instead of 'tenancy run ti-1'.*ignore_startup_parameters",
    PoolingMode.REPORT: "statement_timeout is '0' instead of '30s'; lock_timeout is '0' instead of '10s'",
    PoolingMode.HONOUR: "shares one server session among several of ours, so locks on tenants do not work",
}


@pytest.fixture(autouse=True)
def _nobody_was_checked_servers_yet() -> Iterator[None]:
    before = set(pooler_check._checked_servers)
    pooler_check._checked_servers.clear()
    yield
    pooler_check._checked_servers.update(before)


@pytest.mark.parametrize("way", PoolingMode)
def test_a_pooler_is_refused_at_the_first_session(fast_server: PostgresServer, storage_dsn: Dsn, way: PoolingMode):
    plain = {"sslmode": "disable", "gssencmode": "disable"}
    with pooler(fast_server.superuser_dsn(), way) as port:
        through = replace(storage_dsn, port=port, options=plain)
        for _ in range(2):
            with pytest.raises(PlatformError, match=MESSAGES[way]) as refused:  # noqa: SIM117 - the inner one raises
                with session(through, application="tenancy run ti-1"):
                    pass
            assert refused.value.cause is Cause.STORAGE_POOLER
        with pytest.raises(PlatformError), SessionPool().session(through, "t"):
            pass


def test_a_pooler_before_the_ledger_is_refused_too(fast_server: PostgresServer, ledger_dsn: Dsn):
    with pooler(fast_server.superuser_dsn(), PoolingMode.IGNORE) as port:
        through = replace(
            ledger_dsn, port=port, is_ledger=True, options={"sslmode": "disable", "gssencmode": "disable"}
        )
        with pytest.raises(PlatformError, match="The ledger did not take the settings") as refused:  # noqa: SIM117
            with Ledger(through).open("t"):
                pass
        assert refused.value.cause is Cause.LEDGER_REFUSES


def test_postgresql_itself_is_checked_servers_once(storage_dsn: Dsn):
    for _ in range(2):
        with session(storage_dsn, application="t", settings={"statement_timeout": "3600s"}) as opened:
            assert opened.execute("select 1 as one").fetchone() == {"one": 1}
    assert len(pooler_check._checked_servers) == 1


@pytest.mark.parametrize(
    ("found", "expected"),
    [("1h", "3600s"), ("90s", "90000ms"), ("2min", "120s"), ("0", "0s"), ("pg_catalog", "pg_catalog")],
)
def test_times_are_compared_in_whatever_unit(found: str, expected: str):
    assert pooler_check._same(found, expected)
    assert not pooler_check._same("1ms", expected)
    assert not pooler_check._same(None, expected)
