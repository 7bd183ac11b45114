"""The tenant admin's invitation in the sandbox: what an operator is shown lets the admin in, once."""

import json
from typing import Any

import httpx
import pytest

from sandbox.access import Access
from tests.console.conftest import WRITES, assert_problem, provisioned


@pytest.fixture
def invited(sandbox: Access) -> dict[str, Any]:
    return provisioned(sandbox, "inv")


def _sign_in(sandbox: Access, shown: dict[str, Any]) -> tuple[httpx.Response, httpx.Response]:
    """At the tenant's own page, as its admin: what it says of the invitation, and whether it lets in."""
    url = httpx.URL(shown["sign_in"])
    address = url.copy_with(host="127.0.0.1")
    with httpx.Client(headers={"Host": url.netloc.decode()}, trust_env=False, timeout=30) as admin:
        body = {"email": shown["admin_email"], "invitation": shown["invitation"]}
        return admin.get(address), admin.post(address, content=json.dumps(body))


def test_the_admin_signs_in_with_what_the_operator_was_shown(
    sandbox: Access, operator: httpx.Client, engineer: httpx.Client, invited: dict[str, Any]
):
    path = f"/tenants/{invited['id']}/invitation"
    answer = operator.post(path, json={}, headers=WRITES)
    assert answer.status_code == 200
    late = assert_problem(engineer.post(path, json={}, headers=WRITES), 409)
    assert "It was shown to operator at" in late["detail"]
    state, entered = _sign_in(sandbox, answer.json())
    assert (state.json()["invitation"], entered.status_code) == ("open", 200)
    assert _sign_in(sandbox, answer.json())[1].status_code == 401
    used = assert_problem(engineer.post(path, json={"renew": True, "reason": "lost"}, headers=WRITES), 409)
    assert "The admin signed in with it" in used["detail"]
    kinds = [fact["kind"] for fact in operator.get(f"/tenants/{invited['id']}/audit").json()["facts"]]
    assert kinds.count("tenant.invitation.shown") == 1


def test_a_renewed_invitation_is_the_one_that_lets_in(sandbox: Access, operator: httpx.Client, invited: dict[str, Any]):
    path = f"/tenants/{invited['id']}/invitation"
    lost = operator.post(path, json={}, headers=WRITES).json()
    renewed = operator.post(path, json={"renew": True, "reason": "lost"}, headers=WRITES).json()
    assert _sign_in(sandbox, lost)[1].status_code == 401
    assert _sign_in(sandbox, renewed)[1].status_code == 200
