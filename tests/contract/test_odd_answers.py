"""Anybody may answer in the place of Airflow, and anything: no call believes it, each ends in an error of ours."""

import gzip
import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenancy.adapters import engine_health, ingress_health, webhook
from tenancy.adapters.airflow_api import AirflowApi, Handle
from tenancy.adapters.airflow_client import LARGEST_BYTES, AirflowClient
from tenancy.adapters.airflow_runs import AirflowRuns
from tenancy.saga.errors import PermanentError, PlatformError, TenancyError, TransientError

SHORT = 0.4
HANDLE = Handle("tenant_x", "proof", "host", 5432, "db", "user", "secret")
PAGE = b"<!doctype html><title>Sign in</title><form action='/login'>"


def message(status: str, body: bytes, *headers: str) -> bytes:
    head = "".join(f"{header}\r\n" for header in (*headers, f"Content-Length: {len(body)}", "Connection: close"))
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


def ok(body: bytes, kind: str = "application/json", *headers: str) -> bytes:
    return message("200 OK", body, f"Content-Type: {kind}", *headers)


LOGIN = message("201 Created", b'{"access_token": "token"}')
NO_ANSWER = {
    "closed at once": b"",
    "no HTTP": b"SSH-2.0-OpenSSH_9.9\r\n",
    "TLS": b"\x15\x03\x01\x00\x02\x02\x46",
    "body cut off": b'HTTP/1.1 200 OK\r\nContent-Length: 900\r\nConnection: close\r\n\r\n{"connec',
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "no end": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
}
SOMEBODY_ELSE = {
    "login page": ok(PAGE, "text/html"),
    "login page as JSON": ok(PAGE),
    "empty": ok(b""),
    "truncated": ok(b'{"connections": [{"connection_id": "x"'),
    "null": ok(b"null"),
    "list": ok(b"[]"),
    "number": ok(b"42"),
    "text": ok(b'"ok"'),
    "empty object": ok(b"{}"),
    "not UTF-8": ok(b'{"name": "\xff\xfe"}'),
    "deep": ok(b"[" * 200_000),
    "deep object": ok(b'{"a":' * 100_000),
    "GraphQL": ok(b'{"data": null, "errors": [{"message": "unauthorised"}]}') ,
    "no gzip": ok(b"{}", "application/json", "Content-Encoding: gzip"),
    "too large": ok(b"[" + b"1," * (LARGEST_BYTES // 2) + b"1]"),
    "bomb": ok(gzip.compress(b" " * (LARGEST_BYTES * 4)), "application/json", "Content-Encoding: gzip"),
    "redirect": message("302 Found", PAGE, "Location: https://sso.example/login?next=/"),
    "redirect for good": message("308 Permanent Redirect", b"", "Location: /login"),
    "redirect to nowhere": message("303 See Other", b""),
    "not modified": message("304 Not Modified", b""),
    "no content": message("206 Partial Content", b"{}"),
    "router": message("404 Not Found", b"404 page not found\n"),
    "FastAPI": message("404 Not Found", b'{"detail": "Not Found"}'),
    "gone": message("410 Gone", PAGE),
    "proxy's login": message("407 Proxy Authentication Required", PAGE),
    "teapot": message("418 I'm a teapot", b""),
    "refused": message("403 Forbidden", PAGE),
    "unknown user": message("401 Unauthorized", b'{"detail": "Invalid credentials"}'),
}  # fmt: skip

CALLS: dict[str, Callable[[AirflowClient], Any]] = {
    "handle": lambda client: AirflowApi(client).handle("tenant_x"),
    "identity": lambda client: AirflowApi(client).identity(),
    "make identity": lambda client: AirflowApi(client).identity(make=True),
    "handles": lambda client: list(AirflowApi(client).handles()),
    "create_handle": lambda client: AirflowApi(client).create_handle(HANDLE),
    "update_handle": lambda client: AirflowApi(client).update_handle(HANDLE),
    "delete_handle": lambda client: AirflowApi(client).delete_handle("tenant_x"),
    "has_pool": lambda client: AirflowApi(client).has_pool("pool"),
    "find": lambda client: AirflowRuns(client).find("dag", "run"),
    "start": lambda client: AirflowRuns(client).start("dag", "run", {}),
    "fail": lambda client: AirflowRuns(client).fail("dag", "run"),
    "clear_history": lambda client: AirflowRuns(client).clear_history("dag", "run"),
    "rerun": lambda client: AirflowRuns(client).rerun("dag", "run"),
    "tasks": lambda client: AirflowRuns(client).tasks("dag", "run"),
    "marks": lambda client: AirflowRuns(client).marks("dag", "run"),
    "is_paused": lambda client: AirflowRuns(client).is_paused("dag"),
    "queued": lambda client: AirflowRuns(client).queued("dag"),
    "delete_ended": lambda client: AirflowRuns(client).delete_ended("dag", before=datetime.now(UTC), limit=5),
    "unhealthy_components": lambda client: AirflowRuns(client).unhealthy_components(),
    "heartbeats": engine_health.load_component_heartbeats,
    "work": lambda client: engine_health.load_work(client, ["dag"], ["dag"]),
}


class Impostor:
    """A server that says the same to every request; whoever logs in is let in, unless `lets_in` is false."""

    def __init__(self) -> None:
        self.says = b""
        self.lets_in = True

    @contextmanager
    def serving(self) -> Iterator[str]:
        impostor = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with suppress(ConnectionError):
                    first = self.rfile.readline()
                    length = 0
                    while (line := self.rfile.readline()) not in {b"\r\n", b""}:
                        name, _, value = line.partition(b":")
                        length = int(value) if name.lower() == b"content-length" else length
                    self.rfile.read(length)
                    is_login = first.startswith(b"POST /auth/token")
                    self.wfile.write(LOGIN if is_login and impostor.lets_in else impostor.says)

        class OddServer(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        with OddServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_address[1]}"
            finally:
                server.shutdown()
                thread.join()


@pytest.fixture(scope="module")
def impostor() -> Iterator[tuple[Impostor, str]]:
    server = Impostor()
    with server.serving() as url:
        yield server, url


def client_of(url: str) -> AirflowClient:
    return AirflowClient(url, user="tenancy-service", password="pass-word", read_seconds=SHORT)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("says", SOMEBODY_ELSE.values(), ids=SOMEBODY_ELSE)
def test_somebody_elses_answer_is_the_platforms_fault(
    impostor: tuple[Impostor, str], says: bytes, call: Callable[[AirflowClient], Any]
):
    server, url = impostor
    server.says, server.lets_in = says, True
    with pytest.raises(PlatformError) as raised:
        call(client_of(url))
    assert "tenancy_airflow_api" in str(raised.value)
    assert "pass-word" not in str(raised.value)


@pytest.mark.parametrize("says", [*SOMEBODY_ELSE.values(), *NO_ANSWER.values()], ids=[*SOMEBODY_ELSE, *NO_ANSWER])
def test_so_it_is_at_the_login(impostor: tuple[Impostor, str], says: bytes):
    server, url = impostor
    server.says, server.lets_in = says, False
    with pytest.raises((PlatformError, TransientError)) as raised:
        AirflowApi(client_of(url)).handle("tenant_x")
    assert "pass-word" not in str(raised.value)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("says", NO_ANSWER.values(), ids=NO_ANSWER)
def test_no_answer_is_worth_a_retry(impostor: tuple[Impostor, str], says: bytes, call: Callable[[AirflowClient], Any]):
    server, url = impostor
    server.says, server.lets_in = says, True
    with pytest.raises(TransientError, match="does not respond"):
        call(client_of(url))


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599, 408, 425, 429])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_failing_engine_is_tried_again(
    impostor: tuple[Impostor, str], status: int, call: Callable[[AirflowClient], Any]
):
    server, url = impostor
    server.says, server.lets_in = message(f"{status} Oops", PAGE), True
    with pytest.raises(TransientError, match=str(status)):
        call(client_of(url))


KEYS = (
    "connection_id description extra port total_entries connections name dag_run_id state end_date task_instances "
    "event_logs event owner when is_paused dag_runs conf queued_at slug dags dag_id pools slots occupied_slots "
    "queued_slots scheduled_slots open_slots metadatabase scheduler triggerer status latest_scheduler_heartbeat "
    "start_date queued_when scheduled_when detail"
).split()
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["failed", "2026-01-01T00:00:00", "2026-01-01T00:00:00Z", "99999-01-01", "tenant_x", "{}", "[1]"]),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=8),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(st.sampled_from(KEYS), VALUES, min_size=1, max_size=len(KEYS))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=DOCUMENTS, status=st.sampled_from(["200 OK", "201 Created", "404 Not Found"]))
def test_no_document_is_more_than_an_error_of_ours(
    impostor: tuple[Impostor, str], document: dict[str, Any], status: str
):
    server, url = impostor
    server.says, server.lets_in = message(status, json.dumps(document).encode()), True
    client = client_of(url)
    for call in CALLS.values():
        with suppress(TenancyError):
            call(client)


@pytest.mark.parametrize(
    "url",
    [
        "http://airflow:None",
        "http://None:8080x",
        "http://",
        "http:///path",
        "",
        "airflow.example:8080",
        "ftp://airflow.example",
        "http://[::1",
        "http://air flow:8080",
        "http://air\x00flow",
        "http://" + "a" * 300,
        "http://a..b",
        "http://xn--\u00e9:80",
        "http://https://airflow.example",
        "http://127.0.0.1:99999",
    ],
)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_an_address_that_is_none_is_an_error_of_ours(url: str, call: Callable[[AirflowClient], Any]):
    with pytest.raises((PlatformError, TransientError)):
        call(client_of(url))


@pytest.mark.parametrize("token", ["a\r\nX-Header: b", "\u00e9", "", "x" * 100_000])
def test_an_odd_token_is_an_error_of_ours(impostor: tuple[Impostor, str], token: str):
    server, url = impostor
    server.says, server.lets_in = message("201 Created", json.dumps({"access_token": token}).encode()), False
    with pytest.raises(TenancyError):
        AirflowApi(client_of(url)).handle("tenant_x")


# -- the others that speak HTTP


@pytest.mark.parametrize("says", [*SOMEBODY_ELSE.values(), *NO_ANSWER.values()], ids=[*SOMEBODY_ELSE, *NO_ANSWER])
def test_a_webhook_takes_the_alert_or_fails_with_an_error_of_ours(impostor: tuple[Impostor, str], says: bytes):
    server, url = impostor
    server.says = says
    with suppress(TransientError, PermanentError):
        webhook.post(url, {"text": "hello"}, {})


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("http://a b/", {}),
        ("http://host:x/", {}),
        ("https://" + "a" * 300, {}),
        ("http://xn--\u00e9/", {}),
        ("http://[::1/", {}),
        ("", {}),
        ("http://127.0.0.1:9/", {"Authorization": "Bearer \u00e9"}),
        ("http://127.0.0.1:9/", {"Authorization": "Bearer a\r\nb"}),
    ],
)
def test_a_webhooks_odd_address_is_never_reported(url: str, headers: dict[str, str]):
    with pytest.raises((TransientError, PermanentError)) as raised:
        webhook.post(url, {}, headers)
    assert "Bearer" not in str(raised.value)


@pytest.mark.parametrize("says", [*SOMEBODY_ELSE.values(), *NO_ANSWER.values()], ids=[*SOMEBODY_ELSE, *NO_ANSWER])
def test_an_ingress_is_judged_by_its_status_or_does_not_answer(impostor: tuple[Impostor, str], says: bytes):
    server, url = impostor
    server.says = says
    with suppress(TransientError):
        ingress_health.check_ingress("example.localhost", int(url.rpartition(":")[2]), "The ingress")


@pytest.mark.parametrize("domain", ["a" * 80 + ".example", "..", "\u00e9" * 70, "exa mple.test", ""])
def test_an_ingresss_odd_domain_is_an_error_of_ours(domain: str):
    with pytest.raises((TransientError, PermanentError)):
        ingress_health.check_ingress(domain, 9, "The ingress")
