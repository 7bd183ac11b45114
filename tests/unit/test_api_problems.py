"""Every error of the API is a problem with a sentence, whatever was raised; who may not, learns nothing more."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import FastAPI

from tenancy.console.api.app import create_api
from tenancy.console.callers import Caller, Right
from tenancy.console.services import Services
from tenancy.engine.tenancy import Tenancy
from tenancy.saga.errors import LedgerOutdatedError, PlatformFileError, Refused, StaleLease, TransientError
from tests.asgi_requests import ask

ADA = Caller("ada", frozenset(Right))
NOW = datetime(2026, 1, 31, tzinfo=UTC)
WRITES = {"X-Tenancy-Request": "1"}


def _api(raised: Exception, caller: Caller = ADA) -> FastAPI:
    def tenancy() -> Tenancy:
        raise raised

    async def authenticate(_request: Any) -> Caller:
        return caller

    return create_api(Services(tenancy, lambda: NOW), authenticate)


@pytest.mark.parametrize(
    ("raised", "status", "retry_after"),
    [
        (TransientError("The ledger does not respond."), 503, "5"),
        (LedgerOutdatedError("The ledger is old."), 503, None),
        (PlatformFileError("The platform file is wrong."), 503, None),
        (Refused("Not now.", retry_after=120), 409, "120"),
        (Refused("Not at all."), 409, None),
        (StaleLease("Overtaken."), 409, None),
    ],
)
def test_our_errors_are_reported_with_their_own_message(raised: Exception, status: int, retry_after: str | None):
    answer = ask(_api(raised), "GET", "/platform")
    assert (answer.status_code, answer.headers.get("Retry-After")) == (status, retry_after)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"] == str(raised)


def test_a_refusal_names_the_field_at_fault():
    assert ask(_api(Refused("region: is full.", field="region")), "GET", "/platform").json()["field"] == "region"


def test_an_internal_error_reveals_no_details():
    answer = ask(_api(ZeroDivisionError("the secret of the house")), "GET", "/platform")
    assert answer.status_code == 500
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "secret" not in answer.text


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("PUT", "/tenants", 405)])
def test_a_missing_path_is_a_problem_document_too(method: str, path: str, status: int):
    answer = ask(_api(ZeroDivisionError()), method, path)
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_body_that_says_no_length_is_not_read():
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 1024

    answer = ask(_api(ZeroDivisionError()), "POST", "/tenants", content=endless(), headers=WRITES)
    assert (answer.status_code, "Content-Length" in answer.text) == (400, True)


@pytest.mark.parametrize("length", ["65537", "9" * 400, "-1", "x"])
def test_a_body_beyond_the_bound_is_not_read(length: str):
    answer = ask(_api(ZeroDivisionError()), "POST", "/tenants", headers={**WRITES, "Content-Length": length})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", None),
        (b"{", None),
        (b"[" * 30_000, None),
        (b"9" * 10_000, None),
        (b"\xff", None),
        (b"null", None),
        (b"[]", None),
        (b"{}", "reason"),
        (b'{"reason": ""}', "reason"),
        (b'{"reason": "  "}', "reason"),
        (b'{"reason": 1}', "reason"),
        (b'{"reason": "a\\u0000b"}', "reason"),
        (b'{"reason": "\\ud800"}', "reason"),
        (b'{"reason": "' + b"x" * 501 + b'"}', "reason"),
        (b'{"reason": "r", "forse": true}', "forse"),
        (b'{"reason": "r", "force": true}', "force"),
        (b'{"reason": "r", "confirm_slug": {}}', "confirm_slug"),
    ],
)
def test_a_body_that_is_not_well_formed_is_refused_with_its_field(body: bytes, field: str | None):
    headers = {**WRITES, "Content-Type": "application/json"}
    answer = ask(_api(ZeroDivisionError()), "POST", "/tenants/acme/cancel", content=body, headers=headers)
    assert (answer.status_code, answer.json().get("field")) == (400, field)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=1e3", "limit"),
        ("limit=" + "9" * 5000, "limit"),
        ("state=active", "state"),
        ("attention=perhaps", "attention"),
        ("q=", "q"),
        ("q=a%00b", "q"),
        ("region=%00", "region"),
        ("cursor=" + "A" * 60_000, "cursor"),
        ("cursor=A", "cursor"),
    ],
)
def test_a_parameter_that_is_not_well_formed_is_refused_with_its_field(query: str, field: str):
    answer = ask(_api(ZeroDivisionError()), "GET", f"/tenants?{query}")
    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert len(answer.content) < 2000


def test_what_was_sent_is_not_repeated():
    answer = ask(
        _api(ZeroDivisionError()), "POST", "/tenants/acme/cancel", json={"reason": ["a password"]}, headers=WRITES
    )
    assert "password" not in answer.text


@pytest.mark.parametrize("lacking", list(Right))
def test_each_right_opens_its_routes_only(lacking: Right):
    caller = replace(ADA, rights=frozenset(Right) - {lacking})
    api = _api(Refused("asked"), caller)
    asked: dict[Right, tuple[str, str, dict[str, Any]]] = {
        Right.READ: ("GET", "/tenants", {}),
        Right.CREATE: ("POST", "/tenants/acme/retry", {"json": {"reason": "r"}, "headers": WRITES}),
        Right.EDIT: ("POST", "/tenants/acme/cancel", {"json": {"reason": "r"}, "headers": WRITES}),
        Right.FORCE: ("POST", "/tenants/acme/reset", {"json": {"reason": "r", "force": True}, "headers": WRITES}),
    }
    statuses = {right: ask(api, method, path, **more).status_code for right, (method, path, more) in asked.items()}
    refused = {lacking, Right.FORCE} if lacking is Right.EDIT else {lacking}  # a forced reset is a reset
    assert {right for right, status in statuses.items() if status == 403} == refused
    assert {status for right, status in statuses.items() if right not in refused} == {409}
