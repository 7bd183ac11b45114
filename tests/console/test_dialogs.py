"""The dialogs of the console by HTTP: what they say, who may send them, what a wrong or late one comes to."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from sandbox.access import Access
from tenancy.console.pages import action_dialogs, invitation_dialog, new_page, recover_dialog
from tests.acceptance import runs
from tests.console.conftest import WRITES

ROUTES = [
    (method, route.path)
    for module in (action_dialogs, new_page, recover_dialog, invitation_dialog)
    for route in module.router.routes
    if isinstance(route, APIRoute)
    for method in route.methods
]
ACTIONS = ("cancel", "reset", "retry", "decommission", "recreate", "escalate")


@pytest.fixture
def grace(sandbox: Access) -> Iterator[httpx.Client]:
    with sandbox.client("operator") as client:
        yield client


@pytest.fixture
def created(grace: httpx.Client) -> str:
    """The id of a tenant just asked for by the form."""
    answer = send(grace, "new", **runs.request(runs.new_slug("dia")))
    assert answer.status_code == 201, answer.text
    found = re.search(r'data-goto="/tenancy/tenants/([0-9a-f-]+)"', answer.text)
    assert found
    return found[1]


def get(client: httpx.Client, path: str) -> httpx.Response:
    return client.get(f"/tenancy/{path}")


def send(client: httpx.Client, path: str, /, **fields: Any) -> httpx.Response:
    return client.post(f"/tenancy/{path}", data=fields, headers=WRITES)


def hidden(form: httpx.Response) -> dict[str, str]:
    """What the form carries without being seen."""
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form.text))


def text_of(answer: httpx.Response) -> str:
    """The words of a fragment."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def _path(path: str, ref: str) -> str:
    return path.replace("{ref}", ref).replace("{action}", "cancel").removeprefix("/")


@pytest.mark.parametrize(("method", "path"), [(m, p) for m, p in ROUTES if not p.endswith("/progress")])
def test_a_viewer_gets_no_form_and_can_send_none(sandbox: Access, active: dict[str, Any], method: str, path: str):
    with sandbox.client("viewer") as viewer:
        answer = viewer.request(
            method, f"/tenancy/{_path(path, str(active['id']))}", headers=WRITES, data={"reason": "x"}
        )
    assert answer.status_code == 403
    assert "form" not in answer.text


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_nobody_gets_anything_without_a_login(sandbox: Access, active: dict[str, Any], method: str, path: str):
    with httpx.Client(base_url=sandbox.api_url, trust_env=False) as anonymous:
        answer = anonymous.request(method, f"/tenancy/{_path(path, str(active['id']))}", headers=WRITES)
    assert answer.status_code == 401


@pytest.mark.parametrize("path", [p for m, p in ROUTES if m == "POST"])
def test_a_foreign_page_can_send_nothing(grace: httpx.Client, active: dict[str, Any], path: str):
    """A form of another site cannot set a header."""
    answer = grace.post(f"/tenancy/{_path(path, str(active['id']))}", data={"reason": "x"})
    assert answer.status_code == 428


@pytest.mark.parametrize("action", ACTIONS)
def test_a_dialog_says_what_would_happen_or_why_not(grace: httpx.Client, active: dict[str, Any], action: str):
    dialog = get(grace, f"tenants/{active['id']}/actions/{action}")
    assert dialog.status_code == 200
    assert ("<textarea" in dialog.text) is (action in {"decommission", "escalate"})
    assert "default-src 'none'" in dialog.headers["Content-Security-Policy"]


def test_a_destroying_dialog_wants_the_slug_and_a_reason(grace: httpx.Client, active: dict[str, Any]):
    path = f"tenants/{active['id']}/actions/decommission"
    carried = hidden(get(grace, path))
    untyped = send(grace, path, reason="contract ended", **carried)
    assert (untyped.status_code, "Type the slug" in text_of(untyped)) == (409, True)
    assert "contract ended" in untyped.text, "what was typed is not lost"
    unsaid = send(grace, path, confirm_slug=active["slug"], **hidden(get(grace, path)))
    assert (unsaid.status_code, "give a reason" in text_of(unsaid)) == (400, True)
    assert grace.get(f"/tenancy/api/v1/tenants/{active['id']}").json()["state"] == "Active"


def test_clicking_twice_is_one_escalation(grace: httpx.Client, active: dict[str, Any]):
    path = f"tenants/{active['id']}/actions/escalate"
    carried = hidden(get(grace, path))
    first, second = (send(grace, path, reason="twice", **carried) for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 200)
    facts = grace.get(f"/tenancy/api/v1/tenants/{active['id']}/audit", params={"limit": 1000}).json()["facts"]
    assert [fact["reason"] for fact in facts if fact["kind"].endswith("escalated")].count("twice") == 1


def test_the_second_of_two_operators_learns_who_was_first(sandbox: Access, grace: httpx.Client, created: str):
    path = f"tenants/{created}/actions/cancel"
    with sandbox.client("engineer") as ada:
        grace_saw, ada_saw = hidden(get(grace, path)), hidden(get(ada, path))
        assert send(grace, path, reason="INC-7", **grace_saw).status_code == 200
        late = send(ada, path, reason="INC-8", **ada_saw)
    assert late.status_code == 409
    assert "operator asked to cancel it at" in text_of(late)
    assert "(INC-7)" in text_of(late)
    slug = runs.get(sandbox, f"/tenancy/api/v1/tenants/{created}")["slug"]
    runs.await_phase(sandbox, slug, "Failed settled")
    assert "Nothing is left" in text_of(get(grace, f"{path}/progress"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"slug": "No Slug"}, "3 to 40 characters"),
        ({"slug": ""}, "slug"),
        ({"admin_email": "nobody"}, "admin_email"),
        ({"region": "mars"}, "region"),
        ({"name": "<script>alert(1)</script>", "plan": "platinum"}, "plan"),
    ],
)
def test_a_wrong_field_of_a_new_tenant_is_reported_beside_it(grace: httpx.Client, changes: dict[str, str], words: str):
    answer = send(grace, "new", **{**runs.request(runs.new_slug()), **changes})
    assert answer.status_code in {400, 409}
    field = next(iter(set(changes) - {"name"}))
    assert f'id="wrong-{field}"' in answer.text
    assert words in text_of(answer)
    assert "<script>alert" not in answer.text


def test_recover_waits_for_an_attempt_that_goes_on_until_it_is_active(
    sandbox: Access, grace: httpx.Client, created: str
):
    path, slug = f"tenants/{created}/recover", runs.get(sandbox, f"/tenancy/api/v1/tenants/{created}")["slug"]
    carried = {**hidden(get(grace, path)), "reason": "INC-9"}
    runs.wait_until(lambda: f"{slug} is Active" in text_of(send(grace, path, **carried)), "the attempt", every=0.5)
    row = runs.tenant(sandbox, slug)
    assert row is not None
    assert row["attempt"] == 1
    assert "tenant.provisioning.cancel.requested" not in runs.fact_kinds(sandbox, slug)


def test_recover_stops_when_somebody_else_acts(sandbox: Access, grace: httpx.Client, created: str):
    path = f"tenants/{created}/recover"
    carried = {**hidden(get(grace, path)), "reason": "INC-9"}
    with sandbox.client("engineer") as ada:
        escalate = f"tenants/{created}/actions/escalate"
        assert send(ada, escalate, reason="mine", **hidden(get(ada, escalate))).status_code == 200
    answer = text_of(send(grace, path, **carried))
    assert "engineer escalated it at" in answer
    assert "after this recovery began. Look again, then decide." in answer
    slug = runs.get(sandbox, f"/tenancy/api/v1/tenants/{created}")["slug"]
    runs.await_phase(sandbox, slug, "Active")


def test_only_platform_engineering_can_force(sandbox: Access, grace: httpx.Client, active: dict[str, Any]):
    path = f"tenants/{active['id']}/actions/reset"
    assert get(grace, f"{path}?force=1").status_code == 403
    assert send(grace, path, reason="x", force="1", confirm_slug=active["slug"]).status_code == 403
    with sandbox.client("engineer") as ada:
        forced = get(ada, f"{path}?force=1")
    assert "can orphan what is in flight" in text_of(forced)
