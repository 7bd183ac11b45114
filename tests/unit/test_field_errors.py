"""What is wrong with a field is said with its name and its real limit, in our words, whoever asks."""

import json
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from tenancy.activities.validate_request import check_request
from tenancy.console.api.app import create_api
from tenancy.console.api.problems import ProblemError
from tenancy.console.callers import Caller, Right
from tenancy.console.pages import forms
from tenancy.console.services import Services
from tenancy.engine.tenancy import Tenancy
from tenancy.orchestration.run_starts import unstorable_in
from tenancy.saga.errors import Refused
from tests import real_systems
from tests.asgi_requests import ask
from tests.products import SAMPLE, SAMPLE_ONLY

PYDANTICS = ("after validation", "Value error", "Value should", "Input should", "String should", "Field required")
HALF = "\ud800"
REQUEST = real_systems.request()
WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"name": "a\0b"}, "name", "must not contain the character NUL"),
    ({"admin_email": "a\0@acme.test"}, "admin_email", "must not contain the character NUL"),
    ({"slug": "ac\0me"}, "slug", "must not contain the character NUL"),
    ({"name": f"a{HALF}"}, "name", "must be valid Unicode"),
    ({"admin_email": f"{HALF}@acme.test"}, "admin_email", "must be valid Unicode"),
    ({"name": "x" * 101}, "name", "is longer than 100 characters"),
    ({"name": "x" * 300}, "name", "is longer than 100 characters"),
    ({"slug": "x" * 41}, "slug", "40 characters"),
    ({"slug": "x" * 300}, "slug", "40 characters"),
    ({"admin_email": "x" * 250 + "@acme.test"}, "admin_email", "is longer than 254 characters"),
    ({"plan": "x" * 300}, "plan", "is not offered"),
    ({"region": f"{HALF}x"}, "region", "must be valid Unicode"),
]


def api() -> Any:
    async def authenticate(_request: Any) -> Caller:
        return Caller("ada", frozenset(Right))

    nothing = cast("Any", None)
    tenancy = Tenancy(nothing, real_systems.platform(), real_systems.KEYRING, nothing, nothing, products=SAMPLE_ONLY)
    return create_api(Services(lambda: tenancy, lambda: datetime.now(UTC)), authenticate)


def post(body: Any) -> dict[str, Any]:
    """As a client that escapes what is no UTF-8, as JSON can."""
    headers = {"X-Tenancy-Request": "1", "Content-Type": "application/json"}
    answer = ask(api(), "POST", "/tenants", content=json.dumps(body), headers=headers)
    assert answer.status_code == 400, answer.text
    problem: dict[str, Any] = answer.json()
    return problem


def assert_plain(sentence: str) -> None:
    assert not any(words in sentence for words in PYDANTICS), sentence


@pytest.mark.parametrize(("change", "field", "words"), WRONG)
def test_the_api_names_the_field_and_its_limit(change: dict[str, Any], field: str, words: str):
    problem = post({**REQUEST, **change})
    assert (problem["field"], problem["detail"].startswith(f"{field}: ")) == (field, True)
    assert words in problem["detail"]
    assert_plain(problem["detail"])


@pytest.mark.parametrize(("change", "field", "words"), WRONG)
def test_a_run_of_the_dag_gets_the_same_message(change: dict[str, Any], field: str, words: str):
    with pytest.raises(Refused) as refused:
        check_request({**REQUEST, **change}, real_systems.platform(), SAMPLE)
    assert (refused.value.field, words in str(refused.value)) == (field, True)


@pytest.mark.parametrize(("change", "field", "words"), [each for each in WRONG if each[2].startswith("must")])
def test_airflow_answers_with_the_field_before_its_database_does(change: dict[str, Any], field: str, words: str):
    sentence = unstorable_in({**REQUEST, **change})
    assert sentence.startswith(f"{field}: ")
    assert words in sentence
    sentence.encode()  # it can be answered
    assert unstorable_in(REQUEST) == ""
    assert unstorable_in({"quota\0": 1}).startswith("quota\\x00: must not contain")


@pytest.mark.parametrize(("change", "field", "words"), [each for each in WRONG if each[1] in {"name", "slug"}])
def test_the_consoles_form_says_it_beside_the_field(change: dict[str, Any], field: str, words: str):
    with pytest.raises(ProblemError) as caught:
        forms.new_tenant({**REQUEST, **change})
    assert caught.value.field == field
    assert words in caught.value.detail
    assert_plain(caught.value.detail)


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({**REQUEST, "slug": 7}, "slug", "must be a text"),
        ({**REQUEST, "surprise": 1}, "surprise", "there is no such field"),
        ({key: value for key, value in REQUEST.items() if key != "plan"}, "plan", "is missing"),
        ({**REQUEST, "reason": "x" * 501}, "reason", "is longer than 500 characters"),
        ([], None, "must be an object"),
    ],
)
def test_whatever_else_is_wrong_is_reported_plainly(body: Any, field: str | None, words: str):
    problem = post(body)
    assert problem.get("field") == field
    assert words in problem["detail"]
    assert_plain(problem["detail"])
