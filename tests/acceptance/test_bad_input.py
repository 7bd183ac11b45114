"""Bad input is refused at once with the field and the reason. Nothing is allocated and no slug is reserved."""

from typing import Any

import pytest

from sandbox.access import Access
from tests.acceptance import runs
from tests.acceptance.tenant_objects import find_objects

# Refused by the trigger's JSON schema, before there is a run: (what is changed, field, words of the answer).
AT_THE_DOOR = [
    ({"slug": "Has Blanks"}, "slug", "does not match"),
    ({"slug": "-leading"}, "slug", "does not match"),
    ({"slug": "ab"}, "slug", "does not match"),
    ({"slug": "a" * 41}, "slug", "does not match"),
    ({"slug": "acme'; drop table x; --"}, "slug", "does not match"),
    ({"slug": "$(reboot)"}, "slug", "does not match"),
    ({"slug": "аcme"}, "slug", "does not match"),  # noqa: RUF001 - a Cyrillic a
    ({"slug": 7}, "slug", "is not of type"),
    ({"plan": "gold"}, "plan", "is not one of"),
    ({"region": "mars-north"}, "region", "is not one of"),
    ({"admin_email": "nobody"}, "admin_email", "is not a"),
    ({"name": None}, "name", "No value passed"),
    ({"name": "x" * 101}, "name", "is too long"),
]
# Refused by validate_request, as a failed task with the sentence: (what is changed, field, words of the sentence).
BY_THE_TASK = [
    ({"slug": "admin"}, "slug", "is reserved"),
    ({"slug": "two--hyphens"}, "slug", "single hyphens"),
    ({"slug": "newline\n"}, "slug", "must be 3 to 40"),
    ({"name": "pay\u202elaper"}, "name", "direction-changing"),
    ({"name": " padded "}, "name", "must not be blank"),
    ({"admin_email": "a@b@c.example"}, "admin_email", "is not an e-mail address"),
    ({"admin_email": "ädmin@acme.example"}, "admin_email", "plain ASCII"),
    ({"quota": "1000"}, "quota", "no such field"),
]


@pytest.mark.parametrize(("change", "field", "words"), AT_THE_DOOR)
def test_the_triggers_schema_refuses(sandbox: Access, change: dict[str, Any], field: str, words: str):
    with sandbox.client("operator") as client:
        conf = runs.request(runs.new_slug("bad"), **change)
        answer = client.post(f"{runs.DAG}/dagRuns", json={"logical_date": None, "conf": conf})

    assert answer.status_code == 400
    assert f"param {field}" in answer.json()["detail"]
    assert words in answer.json()["detail"]


@pytest.mark.parametrize(("change", "field", "words"), BY_THE_TASK)
def test_validate_request_refuses_and_nothing_is_held(sandbox: Access, change: dict[str, Any], field: str, words: str):
    conf = runs.request(runs.new_slug("bad"), **change)
    run_id = runs.trigger(sandbox, conf)

    assert runs.await_end(sandbox, run_id) == "failed"
    assert words in runs.task_log(sandbox, run_id, "validate_request")
    (refusal,) = runs.ledger(sandbox, "select data, actor from ledger.fact where data ->> 'run_id' = %s", run_id)
    assert refusal["data"]["field"] == field
    assert words in refusal["data"]["message"]
    assert refusal["actor"] == "operator"
    assert runs.ledger(sandbox, "select from ledger.tenant where slug = %s", conf["slug"]) == []
    assert find_objects(sandbox, conf["slug"]).is_empty


def test_a_taken_slug_is_refused_and_its_tenant_is_untouched(sandbox: Access):
    slug = runs.new_slug("taken")
    assert runs.await_end(sandbox, runs.trigger(sandbox, runs.request(slug))) == "success"
    before = find_objects(sandbox, slug)

    second = runs.trigger(sandbox, runs.request(slug, name="Somebody else"))

    assert runs.await_end(sandbox, second) == "failed"
    assert "taken by an active tenant" in runs.task_log(sandbox, second, "validate_request")
    assert runs.phase(sandbox, slug) == "Active"
    assert find_objects(sandbox, slug) == before
    assert runs.fact_kinds(sandbox, slug)[-1] == "tenant.provisioning.refused"


def test_two_requests_at_once_for_one_slug_make_one_tenant(sandbox: Access):
    slug = runs.new_slug("race")
    both = [runs.trigger(sandbox, runs.request(slug)) for _ in range(2)]

    assert sorted(runs.await_end(sandbox, run_id) for run_id in both) == ["failed", "success"]
    assert runs.phase(sandbox, slug) == "Active"
