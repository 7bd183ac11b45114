"""PostgreSQL's errors in our words: what is worth a retry, what is not, and which system said it."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from sandbox.postgres import PostgresServer
from tenancy.adapters import sessions, sqlstate_connection
from tenancy.adapters.dsn import Dsn
from tenancy.adapters.postgres_errors import translated_error
from tenancy.adapters.sessions import Session, session
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PlatformError, TransientError
from tests.notification_receivers import closed_port
from tests.real_systems import superuser


def test_the_sentence_names_system_and_place_and_is_one_line(storage_dsn: Dsn):
    sentence = str(translated_error(psycopg.errors.DiskFull("no space\nDETAIL:  none"), storage_dsn))
    place = f"{storage_dsn.host}:{storage_dsn.port}/{storage_dsn.dbname}"
    assert sentence == f"The storage of region eu-central at {place} refused: no space DETAIL: none [53100]"


def _select_one(dsn: Dsn) -> None:
    with session(dsn, application="test") as opened:
        opened.execute("select 1")


@pytest.mark.parametrize(
    ("change", "code", "cause"),
    [
        ({"password": "wrong"}, "28P01", Cause.STORAGE_CREDENTIALS),
        ({"user": "nobody_at_all"}, "28P01", Cause.STORAGE_CREDENTIALS),
        ({"dbname": "no_such_database"}, "3D000", Cause.STORAGE_CONNECTION),
        ({"options": {"options": "-c no_such_setting=1"}}, "42704", Cause.STORAGE_CONNECTION),
        ({"options": {"options": "-c shared_buffers=1"}}, "55P02", Cause.STORAGE_CONNECTION),
        ({"options": {"options": "-c work_mem=lots"}}, "22023", Cause.STORAGE_CONNECTION),
        ({"options": {"options": "-c session_replication_role=replica"}}, "42501", Cause.STORAGE_PERMISSION),
    ],
)
def test_a_server_that_refuses_our_login_is_the_platforms_fault_and_its_code_is_reported(
    storage_dsn: Dsn, change: dict[str, Any], code: str, cause: Cause
):
    with pytest.raises(
        PlatformError, match=rf"^The storage of region eu-central at .* refused: .* \[{code}\]$"
    ) as refused:
        _select_one(replace(storage_dsn, **change))
    assert refused.value.cause is cause


def test_the_code_of_a_refusal_does_not_depend_on_the_servers_language(fast_server: PostgresServer, storage_dsn: Dsn):
    """The embedded server has no translations: the test makes the message in another language."""
    message = 'connection to server at "::1", port 5432 failed: VERHÄNGNISVOLL:  28P01: Passwort-Authentifizierung'
    assert sqlstate_connection._CODE.findall(message) == ["28P01"]
    assert sqlstate_connection._CODE.findall("FATAL:  ERROR: no code at all") == []


def test_of_several_hosts_the_last_answer_counts(storage_dsn: Dsn):
    both = replace(storage_dsn, host=f"{storage_dsn.host},{storage_dsn.host}", password="wrong")
    with pytest.raises(PlatformError, match="password authentication failed"):
        _select_one(both)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "127.0.0.1"])
def test_an_error_without_a_server_response_counts_as_silence(storage_dsn: Dsn, host: str):
    with pytest.raises(TransientError, match="does not respond at") as silent:
        _select_one(replace(storage_dsn, host=host, port=closed_port()))
    assert silent.value.cause is Cause.STORAGE_UNREACHABLE


def test_a_read_only_server_is_tried_again_and_is_nobodys_fault(storage_dsn: Dsn):
    read_only = replace(storage_dsn, options={"options": "-c default_transaction_read_only=on"})
    with pytest.raises(TransientError, match=r"read-only transaction \[25006\]") as refused:  # noqa: SIM117
        with session(read_only, application="t") as opened:
            opened.execute("create role never_made")
    assert refused.value.cause is Cause.STORAGE_READ_ONLY


def test_a_role_out_of_connections_is_worth_a_retry(fast_server: PostgresServer, storage_dsn: Dsn):
    with superuser(fast_server) as connection:
        connection.execute("create role crowded login connection limit 0 password 'crowded'")
        try:
            with pytest.raises(TransientError, match=r"accepts no sessions now: .* too many connections"):
                _select_one(replace(storage_dsn, user="crowded", password="crowded"))
        finally:
            connection.execute("drop role crowded")


def test_a_database_that_lets_the_role_not_in_is_not_worth_a_retry(fast_server: PostgresServer, storage_dsn: Dsn):
    with superuser(fast_server) as connection:
        connection.execute("create role stranger login password 'stranger'")
        connection.execute("create database closed")
        connection.execute("revoke all on database closed from public")
        try:
            with pytest.raises(PlatformError, match=r"permission denied for database .* \[42501\]"):
                _select_one(replace(storage_dsn, user="stranger", password="stranger", dbname="closed"))
        finally:
            connection.execute("drop database closed")
            connection.execute("drop role stranger")


def _sleep_in_the_server(opened: Session) -> None:
    opened.execute("select pg_sleep(5)")


def _sleep_in_a_transaction(opened: Session) -> None:
    with opened.transaction():
        opened.execute("select 1")
        time.sleep(0.3)
        opened.execute("select 1")


@pytest.mark.parametrize(
    ("bound", "deed"),
    [
        ("statement_timeout", _sleep_in_the_server),
        ("idle_in_transaction_session_timeout", _sleep_in_a_transaction),
    ],
)
def test_every_session_is_bounded_by_the_server(storage_dsn: Dsn, bound: str, deed: Callable[[Session], None]):
    begun = time.monotonic()
    with pytest.raises(TransientError), session(storage_dsn, application="t", settings={bound: "100ms"}) as opened:
        deed(opened)
    assert time.monotonic() - begun < 3


@contextmanager
def _stopped(opened: Session) -> Iterator[None]:
    """Its server process answers nothing, while the kernel continues taking what is sent."""
    backend = opened.info.backend_pid
    os.kill(backend, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(backend, signal.SIGCONT)


@pytest.mark.parametrize("begin", [lambda opened: nullcontext(), lambda opened: opened.transaction()])
def test_a_server_that_falls_silent_is_given_up(
    storage_dsn: Dsn, monkeypatch: pytest.MonkeyPatch, begin: Callable[[Session], AbstractContextManager[Any]]
):
    monkeypatch.setattr(sessions, "SILENCE_SECONDS", 0.5)
    begun = time.monotonic()
    with (
        pytest.raises(TransientError, match=r"does not respond at 127\.0\.0\.1:.*: not a word for 0\.5 s"),
        session(storage_dsn, application="t") as opened,
        _stopped(opened),
        begin(opened),
    ):
        opened.execute("select 1")
    assert time.monotonic() - begun < 5


def test_a_server_is_given_more_time_than_it_gives_a_statement():
    assert sessions.STATEMENT_TIMEOUT_SECONDS < sessions.SILENCE_SECONDS


def test_a_session_has_its_bounds_and_its_name_from_the_start(storage_dsn: Dsn):
    with session(storage_dsn, application="tenancy run ti-1") as opened:
        bounds = [
            opened.execute(f"show {name}".encode()).fetchone()
            for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "application_name")
        ]
    shown = [value for row in bounds if row for value in row.values()]
    assert shown[-1] == "tenancy run ti-1"
    assert "0" not in shown


def test_a_password_is_neither_in_a_dsns_text_nor_in_its_errors(storage_dsn: Dsn):
    assert storage_dsn.password not in repr(storage_dsn)
    with pytest.raises(PlatformError) as refused:
        _select_one(replace(storage_dsn, dbname="no_such_database"))
    assert storage_dsn.password not in str(refused.value)
