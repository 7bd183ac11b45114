"""The actions by the API: created, undone, reset, retried, decommissioned, recreated, on the real platform."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest

from sandbox.access import Access
from tests.acceptance import runs
from tests.console.conftest import WRITES, assert_problem

WHY = {"reason": "a test"}


def _post(client: httpx.Client, path: str, body: dict[str, Any], **more: str) -> httpx.Response:
    return client.post(path, json=body, headers={**WRITES, **more})


def _facts(client: httpx.Client, tenant_id: str, kind: str) -> list[dict[str, Any]]:
    facts = client.get(f"/tenants/{tenant_id}/audit", params={"limit": 1000}).json()["facts"]
    return [fact for fact in facts if fact["kind"] == kind]


@pytest.fixture
def created(operator: httpx.Client) -> dict[str, Any]:
    """A tenant just asked for."""
    answer = _post(operator, "/tenants", runs.request(runs.new_slug("act")))
    assert answer.status_code == 201, answer.text
    tenant: dict[str, Any] = answer.json()["tenant"]
    return tenant


def test_a_tenant_lives_its_whole_life_by_the_api(
    operator: httpx.Client, engineer: httpx.Client, sandbox: Access, created: dict[str, Any]
):
    path, slug = f"/tenants/{created['id']}", created["slug"]
    assert created["state"] == "Provisioning"
    cancelled = _post(operator, f"{path}/cancel", {"reason": "wrong customer"})
    assert (cancelled.status_code, cancelled.json()["tenant"]["state"]) == (202, "Cancelling")
    (asked,) = _facts(operator, created["id"], "tenant.provisioning.cancel.requested")
    assert (asked["actor"], asked["reason"]) == ("operator", "wrong customer")
    runs.await_phase(sandbox, slug, "Failed settled")
    reset = _post(operator, f"{path}/reset", WHY)
    assert (reset.status_code, reset.json()["tenant"]["substate"]) == (200, "ready")
    retried = _post(operator, f"{path}/retry", {**WHY, "corrections": {"name": "Acme & Sons"}})
    assert (retried.status_code, retried.json()["tenant"]["name"]) == (200, "Acme & Sons")
    assert retried.json()["tenant"]["attempt"] == 2
    runs.await_phase(sandbox, slug, "Active")
    untyped = _post(operator, f"{path}/decommission", WHY)
    assert_problem(untyped, 409, field="confirm_slug")
    gone = _post(operator, f"{path}/decommission", {**WHY, "confirm_slug": slug})
    assert gone.status_code == 202
    runs.await_phase(sandbox, slug, "Decommissioned")
    anew = _post(operator, f"{path}/recreate", WHY)
    assert anew.status_code == 201
    assert (anew.json()["tenant"]["slug"], anew.json()["tenant"]["predecessor"]) == (slug, created["id"])
    runs.await_phase(sandbox, slug, "Active")


def test_a_refusal_says_when_asking_again_helps(operator: httpx.Client, sandbox: Access, created: dict[str, Any]):
    answer = _post(operator, f"/tenants/{created['id']}/reset", WHY)
    problem = assert_problem(answer, 409)
    assert (answer.headers["Retry-After"], problem["retry_after"]) == ("120", 120)
    assert "Cancel first" in problem["detail"]
    assert operator.get(f"/tenants/{created['id']}/errors").json()["errors"][-1]["message"] == problem["detail"]
    runs.await_phase(sandbox, created["slug"], "Active")


def test_an_action_that_was_decided_before_another_persons_action_is_refused(
    operator: httpx.Client, engineer: httpx.Client, sandbox: Access, created: dict[str, Any]
):
    """Two operators look at the same page; the second one's Cancel would kill what the first one's is undoing."""
    path, seq = f"/tenants/{created['id']}", created["seq"]
    assert _post(operator, f"{path}/cancel", {"reason": "INC-7", "seen": seq}).status_code == 202
    late = assert_problem(_post(engineer, f"{path}/cancel", {"reason": "INC-8", "seen": seq}), 409, field="seen")
    assert late["detail"].startswith("operator asked to cancel it at ")
    assert "(INC-7)" in late["detail"]
    newer = engineer.get(path).json()["seq"]
    assert _post(engineer, f"{path}/escalate", {"reason": "INC-8", "seen": newer}).status_code == 200
    runs.await_phase(sandbox, created["slug"], "Failed settled")


def test_what_somebody_saw_does_not_disturb_the_repetition_of_a_request(operator: httpx.Client, active: dict[str, Any]):
    path, key = f"/tenants/{active['id']}/escalate", {"Idempotency-Key": runs.new_slug("key")}
    wish = {"reason": "please look", "seen": operator.get(f"/tenants/{active['id']}").json()["seq"]}
    assert _post(operator, path, wish, **key).status_code == 200
    again = _post(operator, path, wish, **key)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (200, "true")


def test_an_escalation_changes_no_state(operator: httpx.Client, active: dict[str, Any]):
    answer = _post(operator, f"/tenants/{active['id']}/escalate", {"reason": "please look"})
    assert (answer.status_code, answer.json()["tenant"]["state"]) == (200, "Active")
    assert _facts(operator, str(active["id"]), "tenant.provisioning.escalated")[-1]["reason"] == "please look"


@pytest.mark.parametrize(
    ("action", "allowed"),
    [
        ("cancel", False),
        ("reset", False),
        ("retry", False),
        ("decommission", True),
        ("recreate", False),
        ("escalate", True),
    ],
)
def test_a_dry_run_only_says_what_would_be(operator: httpx.Client, active: dict[str, Any], action: str, allowed: bool):
    path = f"/tenants/{active['id']}"
    before = operator.get(f"{path}/audit", params={"limit": 1000}).json()["facts"]
    wish = {**WHY, "confirm_slug": active["slug"]}
    answer = operator.post(f"{path}/{action}", params={"dry_run": True}, json=wish, headers=WRITES)
    assert answer.status_code == 200
    preview = answer.json()
    assert (preview["action"], preview["allowed"], bool(preview["refusal"])) == (action, allowed, not allowed)
    assert operator.get(f"{path}/audit", params={"limit": 1000}).json()["facts"] == before


def test_a_dry_run_of_decommission_names_what_would_be_undone_in_order(operator: httpx.Client, active: dict[str, Any]):
    path = f"/tenants/{active['id']}"
    made = operator.get(f"{path}/resources").json()["resources"]
    preview = operator.post(f"{path}/decommission?dry_run=true", json=WHY, headers=WRITES).json()
    kinds = [resource["kind"] for resource in preview["undone"]]
    assert kinds == ["release", "namespace", "connection", "database", "schema", "role"]
    assert sorted(map(str, preview["undone"])) == sorted(map(str, made))
    assert (preview["kept"], preview["confirm_slug"]) == ([], True)


def test_a_dry_run_of_create_makes_nothing_and_knows_what_is_taken(operator: httpx.Client, active: dict[str, Any]):
    free, taken = runs.request(runs.new_slug()), runs.request(active["slug"])
    first = operator.post("/tenants?dry_run=true", json=free, headers=WRITES).json()
    assert (first["allowed"], first["refusal"]) == (True, "")
    assert operator.get(f"/tenants/{free['slug']}").status_code == 404
    second = operator.post("/tenants?dry_run=true", json=taken, headers=WRITES).json()
    assert (second["allowed"], "taken" in second["refusal"]) == (False, True)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("slug", "No Slug"),
        ("slug", "ok\n"),
        ("slug", "x" * 1000),
        ("name", " "),
        ("name", "a\u202eb"),
        ("name", "a\u0000b"),
        ("plan", "platinum"),
        ("region", "mars"),
        ("admin_email", "nobody"),
        ("admin_email", ["a@b.example"]),
    ],
)
def test_a_request_that_is_not_well_formed_is_refused_with_its_field(operator: httpx.Client, field: str, value: Any):
    request = {**runs.request(runs.new_slug()), field: value}
    assert_problem(_post(operator, "/tenants", request), 400, field=field)
    assert_problem(_post(operator, "/tenants?dry_run=true", request), 400, field=field)


def test_a_reserved_slug_is_refused_with_what_it_is_reserved_for(operator: httpx.Client):
    problem = assert_problem(_post(operator, "/tenants", runs.request("admin")), 409, field="slug")
    assert "reserved for web" in problem["detail"]


def test_a_taken_slug_is_refused_by_the_state_machine(operator: httpx.Client, active: dict[str, Any]):
    problem = assert_problem(_post(operator, "/tenants", runs.request(active["slug"])), 409, field="slug")
    assert "taken" in problem["detail"]


def test_a_correction_that_is_not_offered_is_refused_with_its_field(operator: httpx.Client, active: dict[str, Any]):
    body = {**WHY, "corrections": {"region": "mars"}}
    assert_problem(_post(operator, f"/tenants/{active['id']}/retry", body), 400, field="region")


def test_nobody_can_be_acted_on(operator: httpx.Client):
    assert_problem(_post(operator, "/tenants/nobody/cancel", WHY), 404)


def test_a_key_makes_a_repetition_the_same_answer(operator: httpx.Client, active: dict[str, Any]):
    path, key = f"/tenants/{active['id']}/escalate", {"Idempotency-Key": uuid4().hex}
    first, again = _post(operator, path, WHY, **key), _post(operator, path, WHY, **key)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    assert (first.headers.get("Idempotency-Replayed"), again.headers["Idempotency-Replayed"]) == (None, "true")
    reasons = _facts(operator, str(active["id"]), "tenant.provisioning.escalated")
    _post(operator, path, WHY)
    assert len(_facts(operator, str(active["id"]), "tenant.provisioning.escalated")) == len(reasons) + 1


def test_of_requests_with_one_key_at_once_one_acts(operator: httpx.Client, active: dict[str, Any]):
    path, key = f"/tenants/{active['id']}/escalate", {"Idempotency-Key": uuid4().hex}
    why = {"reason": f"at once {uuid4().hex}"}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: _post(operator, path, why, **key), range(8)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers if answer.status_code == 409)
    escalated = _facts(operator, str(active["id"]), "tenant.provisioning.escalated")
    assert [fact["reason"] for fact in escalated].count(why["reason"]) == 1
    assert _post(operator, path, why, **key).headers["Idempotency-Replayed"] == "true"


def test_a_key_makes_a_refusal_the_same_answer_too(operator: httpx.Client, active: dict[str, Any]):
    path, key = f"/tenants/{active['id']}/cancel", {"Idempotency-Key": uuid4().hex}
    first, again = _post(operator, path, WHY, **key), _post(operator, path, WHY, **key)
    assert assert_problem(first, 409) == assert_problem(again, 409)
    assert again.headers["Idempotency-Replayed"] == "true"


def test_a_refusal_that_says_when_to_ask_again_may_be_asked_again(
    operator: httpx.Client, sandbox: Access, created: dict[str, Any]
):
    path, key = f"/tenants/{created['id']}/reset", {"Idempotency-Key": uuid4().hex}
    assert_problem(_post(operator, path, WHY, **key), 409)
    _post(operator, f"/tenants/{created['id']}/cancel", WHY)
    runs.await_phase(sandbox, created["slug"], "Failed settled")
    assert _post(operator, path, WHY, **key).status_code == 200


def test_a_key_for_another_request_is_refused(operator: httpx.Client, active: dict[str, Any]):
    path, key = f"/tenants/{active['id']}/escalate", {"Idempotency-Key": uuid4().hex}
    assert _post(operator, path, WHY, **key).status_code == 200
    assert_problem(_post(operator, path, {"reason": "another"}, **key), 400, field="Idempotency-Key")


def test_a_key_belongs_to_its_user(operator: httpx.Client, engineer: httpx.Client, active: dict[str, Any]):
    path, key = f"/tenants/{active['id']}/escalate", {"Idempotency-Key": uuid4().hex}
    assert _post(operator, path, WHY, **key).status_code == 200
    other = _post(engineer, path, {"reason": "another"}, **key)
    assert (other.status_code, other.headers.get("Idempotency-Replayed")) == (200, None)


@pytest.mark.parametrize("key", ["", "a b", "x" * 201, "ä"])
def test_a_key_is_short_and_plain(operator: httpx.Client, active: dict[str, Any], key: str):
    headers = {**WRITES, "Idempotency-Key": key.encode()}
    answer = operator.post(f"/tenants/{active['id']}/escalate", json=WHY, headers=headers)  # type: ignore[arg-type]
    assert_problem(answer, 400, field="Idempotency-Key")
