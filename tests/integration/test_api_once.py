"""What idempotency keys and the API do when something fails on the way, on a real ledger."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse

from sandbox.ports import any_free
from tenancy.adapters.dsn import Dsn
from tenancy.console.api.app import create_api
from tenancy.console.api.asked import Asked
from tenancy.console.api.idempotency import once as once_or_told
from tenancy.console.api.problems import ProblemError
from tenancy.console.api.requests import Wish
from tenancy.console.callers import Caller, Right
from tenancy.console.parts import Parts
from tenancy.ledger.ledger import Ledger
from tenancy.saga.errors import PermanentError, Refused, TransientError
from tests.asgi_requests import ask
from tests.integration.engine_harness import EngineHarness

ADA = Caller("ada", frozenset(Right))
WISH = Wish(reason="a test")


def once(asked: Asked, wish: Wish, perform: Callable[[], JSONResponse]) -> JSONResponse:
    """Nothing here is recorded, so no answer to it is lost (test_api_lost_answers.py)."""
    return once_or_told(asked, wish, perform, lambda tenant_id: JSONResponse({"id": str(tenant_id)}))


class Performance:
    """An action that fails as it is told to, and counts."""

    def __init__(self, *outcomes: Exception | None) -> None:
        self._outcomes = list(outcomes)
        self.done = 0

    def __call__(self) -> JSONResponse:
        self.done += 1
        outcome = self._outcomes.pop(0) if self._outcomes else None
        if outcome:
            raise outcome
        return JSONResponse({"number": self.done}, 202)


@pytest.fixture
def asked(harness: EngineHarness) -> Asked:
    """A cancel with a key."""
    scope = {
        "type": "http", "method": "POST", "path": "/tenants/acme/cancel", "query_string": b"", "headers": [],
        "server": ("api.test", 80), "scheme": "http", "root_path": "",
    }  # fmt: skip
    parts = Parts(lambda: harness.tenancy, lambda: datetime.now(UTC))
    return Asked(Request(scope), parts, ADA, "1", key="k-1")


def test_a_repetition_is_answered_and_not_performed(asked: Asked):
    action = Performance()
    first, again = once(asked, WISH, action), once(asked, WISH, action)
    assert (first.status_code, first.body) == (again.status_code, again.body)
    assert action.done == 1


@pytest.mark.parametrize(
    "failure",
    [TransientError("The ledger does not answer."), PermanentError("Wrong."), ZeroDivisionError("a defect"),
     Refused("Not now.", retry_after=120)],
)  # fmt: skip
def test_what_may_succeed_later_is_performed_again(asked: Asked, failure: Exception):
    action = Performance(failure)
    with pytest.raises(type(failure)):
        once(asked, WISH, action)
    assert once(asked, WISH, action).status_code == 202
    assert action.done == 2


@pytest.mark.parametrize("refusal", [Refused("Not at all."), ProblemError(400, "slug: is wrong.", field="slug")])
def test_a_refusal_for_good_is_repeated(asked: Asked, refusal: Exception):
    action = Performance(refusal)
    with pytest.raises(type(refusal)):
        once(asked, WISH, action)
    again = once(asked, WISH, action)
    assert (again.status_code // 100, action.done) == (4, 1)
    assert again.headers["Content-Type"] == "application/problem+json"


def test_a_repetition_while_the_first_is_at_work_is_told_to_wait(asked: Asked):
    def meanwhile() -> JSONResponse:
        with pytest.raises(ProblemError) as told:
            once(asked, WISH, Performance())
        assert (told.value.status, told.value.retry_after) == (409, 2)
        return JSONResponse({}, 202)

    assert once(asked, WISH, meanwhile).status_code == 202


@pytest.mark.parametrize(
    ("changed", "body"),
    [
        (lambda asked: asked, Wish(reason="another")),
        (lambda asked: _at(asked, path="/tenants/beta/cancel"), WISH),
        (lambda asked: _at(asked, query_string=b"x=1"), WISH),
    ],
)
def test_a_key_stands_for_path_query_and_body(asked: Asked, changed: Callable[[Asked], Asked], body: Wish):
    once(asked, WISH, Performance())
    with pytest.raises(ProblemError) as refused:
        once(changed(asked), body, Performance())
    assert (refused.value.status, refused.value.field) == (400, "Idempotency-Key")


def test_without_a_key_every_request_is_performed(asked: Asked):
    action = Performance()
    for _ in range(2):
        once(replace(asked, key=None), WISH, action)
    assert action.done == 2


def test_a_ledger_that_is_away_is_told_at_once_with_when_to_ask_again(harness: EngineHarness, ledger_dsn: Dsn):
    away = replace(harness.tenancy, ledger=Ledger(replace(ledger_dsn, port=any_free())))

    async def authenticate(_request: Any) -> Caller:
        return ADA

    api = create_api(Parts(lambda: away, lambda: datetime.now(UTC)), authenticate)
    assert ask(api, "GET", "/health").json()["ledger"] is None
    for path in ("/tenants", "/tenants/acme", "/tenants/acme/audit"):
        answer = ask(api, "GET", path)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5"), path
        assert "The ledger does not answer" in answer.json()["detail"]


def _at(asked: Asked, **scope: Any) -> Asked:
    return replace(asked, request=Request({**asked.request.scope, **scope}))
