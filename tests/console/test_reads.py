"""What the API answers to those who read, against the real api-server and a tenant that went all the way."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sandbox.access import Access
from tenancy.engine.health.check_results import System
from tenancy.saga.states import State
from tests.acceptance import runs
from tests.console.conftest import assert_problem
from tests.products import PLAN


def test_a_tenant_shows_all_that_an_operator_decides_by(viewer: httpx.Client, sandbox: Access, quiet: dict[str, Any]):
    shown = viewer.get(f"/tenants/{quiet['slug']}").json()
    assert (shown["id"], shown["state"], shown["substate"]) == (str(quiet["id"]), "Active", None)
    assert (shown["activity"], shown["attempt"], shown["needs_attention"]) == (None, 1, False)
    assert shown["next_action"].startswith("Verify that it answers at its address")
    assert shown["progress"]["in_flight"] == ""
    assert len(shown["progress"]["left"]) == 6
    allowed = {action for action, permission in shown["actions"].items() if permission["allowed"]}
    assert allowed == {"decommission", "escalate"}
    assert shown["actions"]["decommission"]["confirm_slug"]
    assert shown["url"] == sandbox.tenant_url(f"{quiet['slug']}.eu.tenants.localhost")


def test_the_address_it_shows_answers(viewer: httpx.Client, sandbox: Access, quiet: dict[str, Any]):
    url = httpx.URL(viewer.get(f"/tenants/{quiet['id']}").json()["url"])
    answer = httpx.get(url.copy_with(host="127.0.0.1"), headers={"Host": url.netloc.decode()}, trust_env=False)
    assert answer.status_code == 200


def test_a_timeline_has_every_activity_with_its_time_and_limit(viewer: httpx.Client, quiet: dict[str, Any]):
    (attempt,) = viewer.get(f"/tenants/{quiet['id']}/timeline").json()["attempts"]
    assert attempt["run_id"] == quiet["run_id"]
    assert [row["label"] for row in attempt["rows"]] == [activity.label for activity in PLAN]
    assert {(row["status"], row["undo"]) for row in attempt["rows"]} == {("done", "no")}
    assert all(0 <= row["seconds"] < row["limit_seconds"] for row in attempt["rows"])
    made = [mark["kind"] for row in attempt["rows"] for mark in row["resources"]]
    assert made == [kind for activity in PLAN for kind in activity.resources]


def test_resources_are_named_without_what_is_secret(viewer: httpx.Client, quiet: dict[str, Any]):
    resources = viewer.get(f"/tenants/{quiet['id']}/resources").json()["resources"]
    assert {resource["state"] for resource in resources} == {"present"}
    assert set(resources[0]) == {"kind", "name", "state", "activity"}


def test_the_audit_log_is_read_in_pages_and_is_whole(viewer: httpx.Client, quiet: dict[str, Any]):
    path, facts, after = f"/tenants/{quiet['id']}/audit", [], 0
    while after is not None:
        page = viewer.get(path, params={"after": after, "limit": 7}).json()
        assert page["chain"] == "whole"
        facts += page["facts"]
        after = page["next"]
    assert [fact["seq"] for fact in facts] == list(range(1, quiet["seq"] + 1))
    assert facts[0]["actor"] == "operator"


def test_a_tenant_without_trouble_has_no_errors(viewer: httpx.Client, quiet: dict[str, Any]):
    assert viewer.get(f"/tenants/{quiet['id']}/errors").json() == {"errors": []}


def test_lists_are_searched_and_paged(viewer: httpx.Client, sandbox: Access, quiet: dict[str, Any]):
    found = viewer.get("/tenants", params={"q": quiet["slug"]}).json()
    assert [row["id"] for row in found["tenants"]] == [str(quiet["id"])]
    assert set(found["counts"]) == {state.value for state in State}
    everything, cursor = [], None
    while True:
        page = viewer.get("/tenants", params={"limit": 1, **({"cursor": cursor} if cursor else {})}).json()
        everything += [row["id"] for row in page["tenants"]]
        cursor = page["next"]
        if cursor is None:
            break
    rows = runs.ledger(sandbox, "select id from ledger.tenant order by created_at desc, id desc")
    assert everything == [str(row["id"]) for row in rows]


def test_the_products_are_listed_with_what_a_request_may_have(viewer: httpx.Client):
    (product,) = viewer.get("/products").json()["products"]
    assert (product["name"], product["default"], product["mistakes"]) == ("sample", True, [])
    assert product["activities"] == [activity.name for activity in PLAN]
    assert product["parameters"]["properties"] == {}


def test_the_platform_lists_what_a_request_may_name(viewer: httpx.Client):
    assert viewer.get("/platform").json() == {
        "name": "sandbox",
        "regions": ["eu-central", "us-east"],
        "plans": ["starter", "business"],
        "products": ["sample"],
        "default_product": "sample",
        "retired_regions": [],
        "retired_plans": [],
    }


def test_health_reports_the_ledger_and_each_reconciler(viewer: httpx.Client):
    health = viewer.get("/health").json()
    assert health["ledger"]["milliseconds"] < 1000
    assert {"reconciliation", "reality check"} <= {reconciler["name"] for reconciler in health["reconcilers"]}


def test_health_reports_every_system_and_no_secret(viewer: httpx.Client, sandbox: Access):
    answer = viewer.get("/health")
    health = answer.json()
    assert {check["system"] for check in health["checks"]} == set(System)
    assert {check["region"] for check in health["checks"]} == {None, "eu-central", "us-east"}
    assert health["age_seconds"] < 60
    secrets = [sandbox.password(user) for user in ("viewer", "operator")] + [sandbox.storage_admin_dsn_of("x")]
    assert [secret for secret in ("postgresql", "127.0.0.1", *secrets) if secret in answer.text] == []


@pytest.fixture
def findings(sandbox: Access, quiet: dict[str, Any]) -> Iterator[None]:
    """One finding of the quiet tenant and 500 of nobody's, in a region where no reality check will ever look."""
    insert = """
        insert into ledger.finding (what, kind, name, region, tenant_id, said, opened_at, confirmed_at)
        select 'orphan', 'database', 'left_' || number, 'nowhere', %s, 'Look at it.', to_timestamp(%s), now()
          from generate_series(1, %s) as number returning id"""
    runs.ledger(sandbox, insert, quiet["id"], 1, 1)
    runs.ledger(sandbox, insert.replace("left_", "other_"), None, 2, 500)
    yield
    runs.ledger(sandbox, "delete from ledger.finding where region = 'nowhere' returning id")


def test_findings_are_reported_oldest_first_and_when_they_are_cut(
    viewer: httpx.Client, quiet: dict[str, Any], findings: None
):
    document = viewer.get("/findings").json()
    assert (len(document["findings"]), document["cut"]) == (500, True)
    first = document["findings"][0]
    assert (first["what"], first["kind"], first["name"], first["region"]) == ("orphan", "database", "left_1", "nowhere")
    assert (first["tenant"], first["slug"], first["said"]) == (str(quiet["id"]), quiet["slug"], "Look at it.")
    assert first["since"] == "1970-01-01T00:00:01Z"
    assert (document["findings"][1]["tenant"], document["findings"][1]["slug"]) == (None, "")
    assert document["check"]["name"] == "reality check"


def test_a_tenant_shows_what_was_found_of_it(viewer: httpx.Client, quiet: dict[str, Any], findings: None):
    assert [found["name"] for found in viewer.get(f"/tenants/{quiet['slug']}").json()["findings"]] == ["left_1"]


@pytest.mark.parametrize(
    "ref",
    [
        "nobody",
        "00000000-0000-0000-0000-000000000000",
        "a%00b",
        "%ff%fe",
        "..%2f..%2fetc",
        "a" * 6000,
        "%F0%9F%92%A9",
        "*",
    ],
)
@pytest.mark.parametrize("part", ["", "/timeline", "/errors", "/action-history", "/audit", "/resources"])
def test_a_missing_tenant_is_not_found(viewer: httpx.Client, ref: str, part: str):
    assert viewer.get(f"/tenants/{ref}{part}").status_code == 404


def test_a_missing_path_is_a_problem_document_too(viewer: httpx.Client):
    assert_problem(viewer.get("/nowhere"), 404)
    assert_problem(viewer.get("/tenants/nobody"), 404)
    assert_problem(viewer.delete("/tenants"), 405)


def test_no_answer_is_kept_by_anybody_on_the_way(viewer: httpx.Client):
    assert viewer.get("/platform").headers["Cache-Control"] == "no-store"
