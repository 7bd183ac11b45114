"""Every page of the console, whatever it shows: who sees it, nothing hostile, nothing secret, asked again and again."""

import gzip
import re
from dataclasses import replace
from typing import Any

import httpx

from tenancy.console.api.route_guard import GuardedRoute
from tenancy.console.callers import Caller, Right
from tenancy.ledger.envelope import Stamp
from tenancy.saga import commands as c
from tenancy.saga.names import RunId
from tests.acceptance.runs import wait_until
from tests.asgi_requests import ask
from tests.integration.console_client import EVIL, VIEWER, Console, pages_of
from tests.integration.lifecycles import WHOLE_LIFE
from tests.unit.sagas import (
    ACME,
    PROOF,
    VALIDATE,
    begin,
    start,
)


def test_every_page_is_behind_the_gate_and_states_what_it_needs(console: Console):
    routes = [route for route in console.app.routes if getattr(route, "path", "").startswith("/static") is False]
    assert routes
    assert all(isinstance(route, GuardedRoute) and isinstance(route.endpoint.right, Right) for route in routes)  # type: ignore[attr-defined]


def test_nobody_sees_anything_but_the_way_to_log_in(console: Console):
    tenant_id = console.tenant(start())
    console.caller = None
    for path in pages_of(tenant_id):
        answer = console.get(path, 401)
        assert "You are not logged in" in answer.text
        assert "auth/login/?next=" in answer.text
        assert "acme" not in answer.text


def test_a_caller_who_may_not_read_is_refused(console: Console):
    tenant_id = console.tenant(start())
    console.caller = Caller("mallory", frozenset())
    for path in pages_of(tenant_id):
        assert "You may not read tenants" in console.get(path, 403).text


def test_an_airflow_that_cannot_identify_the_caller_is_reported(console: Console):
    async def broken(_request: Any) -> Caller:
        raise RuntimeError("secret words of a driver")

    console.app.state.authenticate = broken
    answer = console.get("/", 503)
    assert "login does not respond" in answer.text
    assert "secret words" not in answer.text


def test_whatever_a_tenant_is_called_it_is_only_text(console: Console):
    evil = replace(ACME, slug=EVIL, name=EVIL, plan=EVIL, region=EVIL, admin_email=EVIL)
    lease = begin(VALIDATE, run_id=RunId(EVIL)).lease
    tenant_id = console.tenant(
        start(RunId(EVIL), evil),
        begin(VALIDATE, run_id=RunId(EVIL)),
        c.FailActivity(lease, EVIL, EVIL),
        c.RecordHold(EVIL),
    )
    with console.ledger.open("test") as session:
        session.record(tenant_id, c.Escalate(), c.Cancel(), stamp=Stamp(EVIL, reason=EVIL))
    console.runs.start("tenant_provisioning", EVIL, {"slug": EVIL})
    for path in (*pages_of(tenant_id)[:4], f"/?q={httpx.QueryParams({'q': EVIL})['q'][:90]}"):
        answer = console.get(path)
        assert "&lt;script&gt;alert(1)" in answer.text or "q=" in path
        assert "<script>alert" not in answer.text
        assert "<img src=x" not in answer.text
        assert "49" not in answer.text.replace(str(tenant_id), "") or "{{7*7}}" in answer.text


def test_a_strict_policy_comes_with_every_page(console: Console):
    tenant_id = console.tenant(start())
    for path in (*pages_of(tenant_id), "/tenants/nobody", "/nowhere"):
        headers = ask(console.app, "GET", path).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
    text = console.get(f"/tenants/{tenant_id}").text
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script>", text)


def test_no_secret_is_on_any_page(console: Console):
    tenant_id = console.tenant(*WHOLE_LIFE)
    for path in pages_of(tenant_id):
        assert PROOF not in console.get(path).text


def test_what_has_not_changed_is_not_sent_again(console: Console):
    tenant_id = console.tenant(start(), c.Cancel(), c.Settle(1))
    for path in ("/?part=live", f"/tenants/{tenant_id}?part=live"):

        def asked_again(path: str = path) -> httpx.Response:
            """With the newest tag; now and then it is drawn anew just between the two."""
            tag = console.get(path).headers["ETag"]
            return ask(console.app, "GET", path, headers={"If-None-Match": f'W/{tag}, "x"'})

        wait_until(lambda asked=asked_again: asked().status_code == 304, "no change", seconds=30)
        tag = console.get(path).headers["ETag"]
        console.tenant(c.Escalate())
        wait_until(
            lambda path=path, tag=tag: console.get(path).headers["ETag"] != tag, "the change to show", seconds=30
        )


def test_a_page_is_small_with_all_it_needs(console: Console):
    tenant_id = console.tenant(*WHOLE_LIFE)
    text = console.get(f"/tenants/{tenant_id}").text
    assets = re.findall(r'(?:href|src)="(/static/[0-9a-f]{12}/[^"]+)"', text)
    assert len(assets) == 6
    kept = [console.get(path) for path in assets]
    assert all("immutable" in answer.headers["Cache-Control"] for answer in kept)
    assert len(gzip.compress(text.encode())) + sum(len(gzip.compress(answer.content)) for answer in kept) < 60_000
    console.get("/static/abc/../app.py", 404)
    console.get("/static/abc/htmx.LICENSE.txt", 404)


def test_a_viewer_who_asks_for_the_form_learns_which_role_has_it(console: Console):
    console.caller = VIEWER
    text = console.get("/new", 403).text
    assert "Ask for the role Tenancy Operator." in text
    assert "Tenancy Viewer" not in text
