"""What a form sends, as the API's request bodies."""

import pytest

from tenancy.console.api.problems import ProblemError
from tenancy.console.api.requests import CorrectedActionBody, ResetBody
from tenancy.console.pages.forms import action_body, new_tenant, next_key, parse_form
from tenancy.engine.actions.idempotency import KEY_FIELD
from tests.unit.sagas import ACME


def test_a_reason_and_what_was_seen_become_a_body() -> None:
    wish = action_body("cancel", parse_form(b"reason=wrong+customer&seen=17&key=x"), ACME)
    assert (wish.reason, wish.seen, wish.confirm_slug) == ("wrong customer", 17, None)


def test_a_missing_reason_is_a_problem_of_that_field() -> None:
    with pytest.raises(ProblemError) as caught:
        action_body("cancel", {"reason": "  "}, ACME)
    assert (caught.value.status, caught.value.field) == (400, "reason")
    assert "audit log" in caught.value.detail


def test_only_what_differs_is_a_correction() -> None:
    fields = {"reason": "x", "name": ACME.name, "plan": "large", "region": "", "admin_email": " new@acme.test "}
    wish = action_body("retry", fields, ACME)
    assert isinstance(wish, CorrectedActionBody)
    assert wish.corrections.model_dump(exclude_none=True) == {
        "plan": "large",
        "admin_email": "new@acme.test",
        "parameters": {},
    }


@pytest.mark.parametrize(("fields", "forced"), [({}, False), ({"force": "1"}, True)])
def test_a_reset_is_forced_only_when_it_says_so(fields: dict[str, str], forced: bool) -> None:
    wish = action_body("reset", {"reason": "x", **fields}, ACME)
    assert isinstance(wish, ResetBody)
    assert wish.force is forced


def test_a_new_tenant_is_asked_for_with_what_was_typed() -> None:
    wish = new_tenant({"slug": " globex ", "name": "Globex", "plan": "starter", "region": "eu", "admin_email": "a@b.c"})
    assert (wish.slug, wish.reason) == ("globex", "")


@pytest.mark.parametrize("body", [b"\xff\xfe=1", b"&".join(b"a%d=1" % n for n in range(90)), b"a=%ff"])
def test_what_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(ProblemError) as caught:
        parse_form(body)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    "problem",
    [
        ProblemError(503, "The ledger does not respond."),
        ProblemError(409, "The first request is still running.", field=KEY_FIELD, retry_after=2),
    ],
    ids=["unknown", "still running"],
)
def test_a_form_that_may_have_been_performed_keeps_its_key(problem: ProblemError) -> None:
    assert next_key({"key": "k-1"}, problem) == "k-1"


@pytest.mark.parametrize(
    "problem",
    [
        None,
        ProblemError(400, "is wrong", field="name"),
        ProblemError(409, "Refused."),
        ProblemError(400, "was used for another request", field=KEY_FIELD),
    ],
)
def test_any_other_form_gets_a_new_key(problem: ProblemError | None) -> None:
    assert next_key({"key": "k-1"}, problem) not in {"k-1", ""}
