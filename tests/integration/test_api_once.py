"""What idempotency keys and the API do when something fails on the way, on a real ledger."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.requests import Request

from sandbox.ports import any_free
from tenancy.adapters.dsn import Dsn
from tenancy.console.api.action_requests import idempotency_key
from tenancy.console.api.app import create_api
from tenancy.console.api.problems import problem_of
from tenancy.console.api.requests import ActionBody
from tenancy.console.callers import Caller, Right
from tenancy.console.services import Services
from tenancy.engine.actions.idempotency import ActionAnswer, InvalidRequestError, RepeatedRefusalError, answer_once
from tenancy.ledger.ledger import Ledger
from tenancy.saga.errors import PermanentError, Refused, TransientError
from tests.asgi_requests import ask
from tests.integration.engine_harness import EngineHarness

ADA = Caller("ada", frozenset(Right))
BODY = ActionBody(reason="a test")


@dataclass(frozen=True)
class Keyed:
    """A cancel with a key."""

    harness: EngineHarness
    path: str = "/tenants/acme/cancel"
    query_string: bytes = b""
    key: str | None = "k-1"


def once(request: Keyed, body: ActionBody, perform: Callable[[], dict[str, Any]]) -> ActionAnswer:
    """Nothing here is recorded, so no answer to it is lost (test_api_lost_answers.py)."""
    scope = {
        "type": "http", "method": "POST", "path": request.path, "query_string": request.query_string, "headers": [],
        "server": ("api.test", 80), "scheme": "http", "root_path": "",
    }  # fmt: skip
    key = idempotency_key(Request(scope), ADA, request.key, body)
    return answer_once(
        request.harness.tenancy.ledger,
        key,
        lambda: datetime.now(UTC),
        perform=perform,
        describe=lambda tenant_id: {"id": str(tenant_id)},
    )


class Performance:
    """An action that fails as it is told to, and counts."""

    def __init__(self, *outcomes: Exception | None) -> None:
        self._outcomes = list(outcomes)
        self.done = 0

    def __call__(self) -> dict[str, Any]:
        self.done += 1
        outcome = self._outcomes.pop(0) if self._outcomes else None
        if outcome:
            raise outcome
        return {"number": self.done}


@pytest.fixture
def keyed(harness: EngineHarness) -> Keyed:
    return Keyed(harness)


def test_a_repetition_is_answered_and_not_performed(keyed: Keyed):
    action = Performance()
    first, again = once(keyed, BODY, action), once(keyed, BODY, action)
    assert first.body == again.body
    assert (first.is_repeated, again.is_repeated) == (False, True)
    assert action.done == 1


@pytest.mark.parametrize(
    "failure",
    [TransientError("The ledger does not respond."), PermanentError("Wrong."), ZeroDivisionError("a defect"),
     Refused("Not now.", retry_after=120)],
)  # fmt: skip
def test_what_may_succeed_later_is_performed_again(keyed: Keyed, failure: Exception):
    action = Performance(failure)
    with pytest.raises(type(failure)):
        once(keyed, BODY, action)
    assert not once(keyed, BODY, action).is_repeated
    assert action.done == 2


@pytest.mark.parametrize("refusal", [Refused("Not at all."), InvalidRequestError("slug: is wrong.", field="slug")])
def test_a_refusal_for_good_is_repeated(keyed: Keyed, refusal: Exception):
    action = Performance(refusal)
    with pytest.raises(type(refusal)):
        once(keyed, BODY, action)
    with pytest.raises(RepeatedRefusalError) as again:
        once(keyed, BODY, action)
    first, repeated = problem_of(refusal), problem_of(again.value)
    assert (repeated.status, repeated.detail, repeated.field) == (first.status, first.detail, first.field)
    assert (repeated.is_replay, action.done) == (True, 1)


def test_a_repetition_has_to_wait_while_the_first_request_runs(keyed: Keyed):
    def meanwhile() -> dict[str, Any]:
        with pytest.raises(Refused) as refused:
            once(keyed, BODY, Performance())
        problem = problem_of(refused.value)
        assert (problem.status, problem.retry_after) == (409, 2)
        return {}

    assert not once(keyed, BODY, meanwhile).is_repeated


@pytest.mark.parametrize(
    ("changed", "body"),
    [
        (lambda keyed: keyed, ActionBody(reason="another")),
        (lambda keyed: replace(keyed, path="/tenants/beta/cancel"), BODY),
        (lambda keyed: replace(keyed, query_string=b"x=1"), BODY),
    ],
)
def test_a_key_covers_path_query_and_body(keyed: Keyed, changed: Callable[[Keyed], Keyed], body: ActionBody):
    once(keyed, BODY, Performance())
    with pytest.raises(InvalidRequestError) as refused:
        once(changed(keyed), body, Performance())
    problem = problem_of(refused.value)
    assert (problem.status, problem.field) == (400, "Idempotency-Key")


def test_without_a_key_every_request_is_performed(keyed: Keyed):
    action = Performance()
    for _ in range(2):
        once(replace(keyed, key=None), BODY, action)
    assert action.done == 2


def test_an_unavailable_ledger_is_reported_at_once_with_retry_after(harness: EngineHarness, ledger_dsn: Dsn):
    away = replace(harness.tenancy, ledger=Ledger(replace(ledger_dsn, port=any_free())))

    async def authenticate(_request: Any) -> Caller:
        return ADA

    api = create_api(Services(lambda: away, lambda: datetime.now(UTC)), authenticate)
    assert ask(api, "GET", "/health").json()["ledger"] is None
    for path in ("/tenants", "/tenants/acme", "/tenants/acme/audit"):
        answer = ask(api, "GET", path)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5"), path
        assert "The ledger does not respond" in answer.json()["detail"]
