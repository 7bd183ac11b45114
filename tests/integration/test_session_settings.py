"""Our sessions on a server, a database and a role whose settings are all hostile: each pins what its code relies on."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.postgres import PostgresServer
from tenancy.adapters.dsn import Dsn
from tenancy.adapters.session_pool import SessionPool
from tenancy.adapters.session_settings import CLIENT_ENCODING
from tenancy.adapters.sessions import Session, connected, session, session_settings
from tenancy.engine.actions import invitation
from tenancy.ledger.envelope import Stamp
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PlatformError, TransientError
from tenancy.saga.states import State
from tests.integration.engine_harness import EngineHarness
from tests.real_systems import superuser

HOSTILE = {
    "TimeZone": "Asia/Kolkata",
    "DateStyle": "German, DMY",
    "IntervalStyle": "sql_standard",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
    "standard_conforming_strings": "off",
    "client_min_messages": "error",
    "default_transaction_isolation": "serializable",
    "default_transaction_deferrable": "on",
    "search_path": "evil, pg_catalog",
    "statement_timeout": "1h",
    "lock_timeout": "1h",
    "idle_in_transaction_session_timeout": "1h",
    "idle_session_timeout": "1h",
    "client_connection_check_interval": "1h",
    "client_encoding": "LATIN1",
}


@contextmanager
def set_for(server: PostgresServer, whom: str) -> Iterator[None]:
    """Every hostile setting, for a role (`role x`), a database (`database x`) or the server (`system`)."""
    with superuser(server) as connection:
        for name, value in HOSTILE.items():
            listed = value if name in {"search_path", "DateStyle"} else f"'{value}'"
            verb = "alter system" if whom == "system" else f"alter {whom}"
            if (whom, name) != ("system", "client_encoding"):
                connection.execute(f"{verb} set {name} = {listed}")
        connection.execute("select pg_reload_conf()")
        try:
            yield
        finally:
            connection.execute("alter system reset all" if whom == "system" else f"alter {whom} reset all")
            connection.execute("select pg_reload_conf()")


@pytest.fixture(params=["system", "database storage_admin", "role storage_admin"])
def hostile(request: pytest.FixtureRequest, fast_server: PostgresServer, storage_dsn: Dsn) -> Iterator[str]:
    with set_for(fast_server, request.param):
        yield request.param


def settings(opened: Session) -> dict[str, Any]:
    rows = opened.execute("select name, current_setting(name) as value from pg_catalog.pg_settings")
    return {row["name"]: row["value"] for row in rows}


def shown(opened: Session) -> dict[str, str]:
    found = settings(opened)
    return {name: found[name] for name in session_settings("t")}


def test_a_session_has_its_own_settings_on_a_hostile_server(storage_dsn: Dsn, hostile: str):
    with session(storage_dsn, application="tenancy run ti-1") as opened:
        found = settings(opened)
    expected = session_settings("tenancy run ti-1")
    assert {name: found[name] for name in expected} == expected
    assert found["client_encoding"] == CLIENT_ENCODING


def test_a_lent_session_has_its_own_settings_too(storage_dsn: Dsn, hostile: str):
    with SessionPool().session(storage_dsn, "t") as opened:
        assert shown(opened) == session_settings("t")


def test_values_are_read_as_they_are_on_a_hostile_server(storage_dsn: Dsn, hostile: str):
    query = r"""
        select timestamptz '2026-03-04 05:06:07.8+00' as at, interval '1 day 2 hours -3 seconds' as span,
               '\x00ff'::bytea as bytes, 0.1::float8 + 0.2::float8 as sum, 'a\b' as backslash, 'ü€𝄞' as letters,
               date '2026-03-04' as day
    """
    with session(storage_dsn, application="t") as opened:
        row = opened.execute(query).fetchone()
    assert row == {
        "at": datetime(2026, 3, 4, 5, 6, 7, 800000, tzinfo=UTC),
        "span": timedelta(days=1, hours=2, seconds=-3),
        "bytes": b"\x00\xff",
        "sum": 0.1 + 0.2,
        "backslash": "a\\b",
        "letters": "ü€𝄞",
        "day": datetime(2026, 3, 4, tzinfo=UTC).date(),
    }
    assert row["at"].utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "options",
    [
        "-c statement_timeout=0 -c search_path=evil",
        "--statement-timeout=0 --SEARCH_PATH=evil",
        "-cSTATEMENT_TIMEOUT=0",
        "-c work_mem=77MB",
    ],
)
def test_options_of_the_connection_are_merged_and_ours_win(storage_dsn: Dsn, options: str):
    dsn = Dsn(**{**vars(storage_dsn), "options": {"options": options}})
    with connected(dsn, application="t") as opened:
        found = settings(opened)
    assert found["statement_timeout"] == "30s"
    assert found["search_path"] == "pg_catalog"
    assert ("work_mem" not in options) or found["work_mem"] == "77MB"


@pytest.mark.parametrize(("variable", "value"), [("PGTZ", "Asia/Kolkata"), ("PGDATESTYLE", "German")])
def test_an_environment_that_overrides_a_setting_is_named(
    storage_dsn: Dsn, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
):
    monkeypatch.setenv(variable, value)
    with pytest.raises(PlatformError, match=f"did not take the settings .*{value}.*{variable}"):
        connected(storage_dsn, application="t")


def test_options_of_the_environment_change_nothing(storage_dsn: Dsn, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PGOPTIONS", "-c statement_timeout=0")
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    with connected(storage_dsn, application="t") as opened:
        assert shown(opened) == session_settings("t")
        assert settings(opened)["client_encoding"] == CLIENT_ENCODING


def test_a_tenant_is_provisioned_alike_on_a_hostile_server(fast_server: PostgresServer, harness: EngineHarness):
    """The times that people are shown are of UTC, whatever the server's own zone."""
    with set_for(fast_server, "system"):
        before = datetime.now(UTC)
        harness.run_all()
        shown = invitation.show(harness.tenancy, harness.tenant_id, by=Stamp("ada"))
        times = [shown.expires_at, *(each.at for each in harness.envelopes)]
    assert harness.saga.state is State.ACTIVE
    assert timedelta(days=7) - timedelta(minutes=1) < shown.expires_at - before < timedelta(days=7, minutes=10)
    assert {at.utcoffset() for at in times} == {timedelta(0)}


def test_a_read_only_server_is_tried_again_and_harms_no_tenant(fast_server: PostgresServer, harness: EngineHarness):
    with superuser(fast_server) as connection:
        connection.execute("alter role storage_admin set default_transaction_read_only = on")
        try:
            with pytest.raises(TransientError, match=r"\[25006\]") as refused:
                harness.run_all()
        finally:
            connection.execute("alter role storage_admin reset default_transaction_read_only")
    assert refused.value.cause is Cause.STORAGE_READ_ONLY
    assert harness.saga.state is State.PROVISIONING
    harness.run_all()
    assert harness.saga.state is State.ACTIVE
