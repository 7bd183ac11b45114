"""Who may do what: every route of the API, by every kind of caller, against the real api-server."""

import re
from typing import Any, NamedTuple

import httpx
import pytest
from fastapi.routing import APIRoute

from tenancy.console.api import actions, incident_groups, invitation, notes, platform, tenants
from tenancy.console.api.route_guard import right_of
from tenancy.console.callers import Right
from tests.console.conftest import API, WRITES, assert_problem


class Route(NamedTuple):
    method: str
    path: str
    right: Right


ROUTES = [
    Route(method, route.path, right_of(route))
    for module in (tenants, incident_groups, platform, actions, notes, invitation)
    for route in module.router.routes
    if isinstance(route, APIRoute)
    for method in route.methods
]
READS = [route for route in ROUTES if route.method == "GET"]
WRITE_ROUTES = [route for route in ROUTES if route.method != "GET"]


def _call(client: httpx.Client, route: Route, ref: str = "acme", **more: Any) -> httpx.Response:
    body = {} if route.method == "GET" else {"json": {"reason": "a test"}}
    path = route.path.replace("{ref}", ref).replace("{class_id}", "999999999")
    return client.request(route.method, path, **{**body, **more})


def test_there_are_routes_of_both_kinds_and_each_states_what_it_needs():
    assert (len(READS), len(WRITE_ROUTES)) == (13, 10)
    assert {route.right for route in READS} == {Right.READ}
    assert {route.right for route in WRITE_ROUTES} == {Right.CREATE, Right.EDIT}


@pytest.mark.parametrize("route", ROUTES)
def test_nobody_gets_anything_without_logging_in(anonymous: httpx.Client, route: Route):
    answer = _call(anonymous, route, headers=WRITES)
    assert_problem(answer, 401)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("route", ROUTES)
def test_a_made_up_token_is_nobody(anonymous: httpx.Client, route: Route):
    assert_problem(_call(anonymous, route, headers={**WRITES, "Authorization": "Bearer made.up.token"}), 401)
    assert_problem(_call(anonymous, route, headers={**WRITES, "Cookie": "_token=made.up.token"}), 401)


@pytest.mark.parametrize("route", READS)
def test_a_viewer_reads_everything(viewer: httpx.Client, route: Route, active: dict[str, Any]):
    there_is_none = route.path == "/classes/{class_id}"
    assert _call(viewer, route, str(active["id"])).status_code == (404 if there_is_none else 200)


@pytest.mark.parametrize("route", WRITE_ROUTES)
def test_a_viewer_changes_nothing(viewer: httpx.Client, route: Route, active: dict[str, Any]):
    assert_problem(_call(viewer, route, str(active["id"]), headers=WRITES), 403)


@pytest.mark.parametrize("route", WRITE_ROUTES)
def test_a_write_without_the_header_is_refused(operator: httpx.Client, route: Route, active: dict[str, Any]):
    assert_problem(_call(operator, route, str(active["id"])), 428, field="X-Tenancy-Request")


@pytest.mark.parametrize("route", WRITE_ROUTES)
def test_a_caller_without_the_right_is_refused_before_the_body_is_read(
    anonymous: httpx.Client, viewer: httpx.Client, operator: httpx.Client, route: Route
):
    broken = {"content": b"{", "json": None}
    assert_problem(_call(anonymous, route, **broken, headers=WRITES), 401)
    assert_problem(_call(viewer, route, **broken, headers=WRITES), 403)
    assert_problem(_call(operator, route, **broken), 428, field="X-Tenancy-Request")
    assert_problem(_call(operator, route, **broken, headers=WRITES), 400)


def test_airflows_own_cookie_logs_in_as_well(anonymous: httpx.Client, viewer: httpx.Client):
    token = viewer.headers["Authorization"].removeprefix("Bearer ")
    assert anonymous.get("/platform", headers={"Cookie": f"_token={token}"}).status_code == 200


def test_a_forced_reset_is_platform_engineerings(
    operator: httpx.Client, engineer: httpx.Client, active: dict[str, Any]
):
    path, body = f"/tenants/{active['id']}/reset", {"reason": "a test", "force": True}
    problem = assert_problem(operator.post(path, json=body, headers=WRITES), 403)
    assert "can_edit on Plugins" in problem["detail"]
    refused = assert_problem(engineer.post(path, json=body, headers=WRITES), 409)
    assert "Active" in refused["detail"]


def test_the_openapi_document_is_open_to_everybody(anonymous: httpx.Client):
    document = anonymous.get("/openapi.json")
    assert document.status_code == 200
    assert document.json()["info"]["title"] == "Tenancy"
    assert document.json()["servers"] == [{"url": API}]


def test_the_page_that_draws_it_is_behind_the_login_and_loads_nothing_from_elsewhere(
    anonymous: httpx.Client, viewer: httpx.Client
):
    assert anonymous.get("/docs").status_code == 401
    page = viewer.get("/docs")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert all(path in page.text for path in {route.path for route in ROUTES})
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page.text)


@pytest.mark.parametrize("path", ["/openapi.json", "/tenants", "/nowhere", "/metrics"])
def test_no_answer_is_kept_or_taken_for_something_else(anonymous: httpx.Client, viewer: httpx.Client, path: str):
    for client in (anonymous, viewer):
        headers = client.get(path).headers
        assert (headers["Cache-Control"], headers["X-Content-Type-Options"]) == ("no-store", "nosniff")
