"""The console's pages on a real ledger, without Airflow: what they show, to whom, and what when things are down."""

import gzip
import re
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import httpx
import pytest

from sandbox.ports import any_free
from tenancy.adapters.dsn import Dsn
from tenancy.console.callers import Caller, NotAuthenticated, Right
from tenancy.console.engine_watch import engine_watch
from tenancy.console.pages.app import create_pages
from tenancy.console.pages.gate import PageRoute
from tenancy.console.pages.reads import history
from tenancy.console.parts import Parts
from tenancy.engine.tenancy import Tenancy
from tenancy.ledger import findings, rounds
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.findings import Finding, What
from tenancy.ledger.ledger import Ledger
from tenancy.saga import commands as c
from tenancy.saga.facts import RequestRefused
from tenancy.saga.names import PLATFORM_STREAM, RunId, TenantId
from tests import parts
from tests.acceptance.runs import until
from tests.asgi import ask
from tests.contract.fake_runs import FakeRuns
from tests.integration.lives import FIRST_FAILS, RETRIED_AND_RETAINED, SECOND_RUN, STUCK_THEN_SETTLED, WHOLE_LIFE
from tests.unit.sagas import (
    ACME,
    HANDLE,
    PROOF,
    RUN,
    STORAGE,
    TENANT,
    VALIDATE,
    begin,
    done,
    fail,
    give_up,
    start,
)

SOON = datetime(2026, 2, 1, 0, 0, 30, tzinfo=UTC)
NOW = datetime(2026, 2, 1, 1, 0, tzinfo=UTC)
STAMP = Stamp("ada", reason="because")
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}"
OPERATOR = Caller("operator", frozenset({Right.READ, Right.CREATE, Right.EDIT}))
VIEWER = Caller("viewer", frozenset({Right.READ}))


@dataclass
class Console:
    """The pages, as one caller sees them."""

    ledger: Ledger
    runs: FakeRuns
    caller: Caller | None = OPERATOR
    now: datetime = NOW

    def __post_init__(self) -> None:
        platform, nowhere = parts.platform(), cast("Any", None)
        self.tenancy = Tenancy(self.ledger, platform, parts.KEYRING, nowhere, runs=lambda: self.runs)
        self.app = create_pages(
            Parts(lambda: self.tenancy, lambda: self.now, engine_watch(lambda: self.tenancy)), self._authenticate
        )

    async def _authenticate(self, _request: Any) -> Caller:
        if self.caller is None:
            raise NotAuthenticated("No token")
        return self.caller

    def get(self, path: str, status: int = 200, **more: Any) -> httpx.Response:
        answer = ask(self.app, "GET", path, **more)
        assert answer.status_code == status, answer.text
        return answer

    def tenant(self, *commands: c.Command, number: int = 0) -> TenantId:
        tenant_id = TenantId(UUID(int=TENANT.int + number))
        with self.ledger.open("test") as session:
            session.record(tenant_id, *commands, stamp=STAMP)
        return tenant_id


@pytest.fixture
def console(ledger: Ledger) -> Console:
    return Console(ledger, FakeRuns())


@pytest.fixture
def silence() -> Iterator[int]:
    """The port of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def _looks(html: str) -> list[str]:
    return re.findall(r'data-look="([a-z-]+)"', html)


def _pages(tenant_id: TenantId) -> list[str]:
    return [
        "/",
        "/?part=live",
        f"/tenants/{tenant_id}",
        f"/tenants/{tenant_id}?part=live",
        f"/runs/tenant_provisioning/{RUN}",
    ]


# -- who sees what


def test_every_page_is_behind_the_gate_and_states_what_it_needs(console: Console):
    routes = [route for route in console.app.routes if getattr(route, "path", "").startswith("/static") is False]
    assert routes
    assert all(isinstance(route, PageRoute) and isinstance(route.endpoint.right, Right) for route in routes)  # type: ignore[attr-defined]


def test_nobody_sees_anything_but_the_way_to_log_in(console: Console):
    tenant_id = console.tenant(start())
    console.caller = None
    for path in _pages(tenant_id):
        answer = console.get(path, 401)
        assert "You are not logged in" in answer.text
        assert "auth/login/?next=" in answer.text
        assert "acme" not in answer.text


def test_who_may_not_read_is_told_so(console: Console):
    tenant_id = console.tenant(start())
    console.caller = Caller("mallory", frozenset())
    for path in _pages(tenant_id):
        assert "You may not read tenants" in console.get(path, 403).text


def test_airflow_that_cannot_say_who_calls_is_told_as_such(console: Console):
    async def broken(_request: Any) -> Caller:
        raise RuntimeError("secret words of a driver")

    console.app.state.authenticate = broken
    answer = console.get("/", 503)
    assert "login does not answer" in answer.text
    assert "secret words" not in answer.text


def test_a_viewer_sees_every_action_off_and_an_operator_those_the_law_allows(console: Console):
    console.tenant(start(), *done(VALIDATE), begin(STORAGE))
    allowed = re.compile(r'id="action-(\w+)" data-allowed="yes"')
    assert set(allowed.findall(console.get("/tenants/acme").text)) == {"recover", "cancel", "escalate"}
    console.caller = VIEWER
    text = console.get("/tenants/acme").text
    assert allowed.findall(text) == []
    assert text.count("Your role may read only.") == 7


def test_a_tenants_page_only_reads(console: Console):
    console.tenant(start())
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert ask(console.app, method, "/tenants/acme").status_code == 405


# -- what they show


def test_seven_rows_with_both_labels_and_their_signs(console: Console):
    console.tenant(start(), *done(VALIDATE, STORAGE), begin(HANDLE))
    console.now = SOON
    text = console.get("/tenants/acme").text
    assert _looks(text) == ["done", "done", "running", "idle", "idle", "idle", "idle"]
    for label in (
        "Allocate workflow handle",
        "allocate resources",
        "seed schema",
        "wait for ready",
        "stuck after 10 min",
    ):
        assert label in text


def test_compensations_show_on_the_same_rows(console: Console):
    made = ("connection", "acme_1")
    console.tenant(
        start(), *done(VALIDATE, STORAGE), begin(HANDLE), fail(HANDLE), give_up(HANDLE, 1), c.ReleaseResource(1, *made)
    )
    text = console.get("/tenants/acme").text
    assert _looks(text)[:4] == ["done", "done", "failed", "idle"]
    assert "failed · being undone" in text
    assert "0 of 3 undone" in text
    console.tenant(c.ConfirmReleased(1, *made), c.ReleaseResource(1, "database", "acme_1"))
    text = console.get("/tenants/acme").text
    assert _looks(text)[:4] == ["done", "undoing", "failed", "idle"]
    assert "1 of 3 undone" in text


def test_a_cancelled_activity_does_not_go_on_spinning(console: Console):
    console.tenant(start(), *done(VALIDATE, STORAGE), begin(HANDLE), c.Cancel())
    assert _looks(console.get("/tenants/acme").text)[2] == "stopped"


def test_attempts_stay_as_tabs(console: Console):
    tenant_id = console.tenant(*WHOLE_LIFE)
    text = console.get(f"/tenants/{tenant_id}").text
    assert re.findall(r"Attempt (\d) <small>(\w+)</small>", text) == [("3", "active"), ("2", "failed"), ("1", "failed")]
    first = console.get(f"/tenants/{tenant_id}?attempt=1").text
    assert _looks(first)[3] == "failed"
    assert f"tenants/{tenant_id}?part=live&amp;attempt=1" in first


def test_the_error_and_audit_logs_say_who_what_when_and_why(console: Console):
    tenant_id = console.tenant(*WHOLE_LIFE)
    text = console.get(f"/tenants/{tenant_id}").text
    for said in ("TransientError", "no answer", "tenant.decommissioned", "ada", "Older facts"):
        assert said in text
    older = console.get(f"/tenants/{tenant_id}?below=20").text
    assert "tenant.provisioning.requested" in older
    assert "because" in older


def test_the_next_action_is_the_runbooks(console: Console):
    console.tenant(start(), begin(VALIDATE))
    console.now = SOON
    assert "nothing. Most tenants are active" in console.get("/tenants/acme").text
    console.now = NOW
    late = console.get("/tenants/acme").text
    assert "Validate request is stuck" in late
    assert "cancel, correct the input, and recreate." in late


def test_what_needs_a_person_is_on_top(console: Console):
    console.tenant(start(), begin(VALIDATE), c.Cancel(), c.Settle(1))
    for number, slug in ((1, "beta"), (2, "gamma")):
        console.tenant(
            start(RunId(slug), replace(ACME, slug=slug), TenantId(UUID(int=TENANT.int + number))), number=number
        )
    console.now = datetime(2026, 2, 1, 0, 5, tzinfo=UTC)
    text = console.get("/").text
    assert re.findall(r'<tr id="tenant-(\w+)"', text) == ["acme", "gamma", "beta"]
    assert "Needs a person" in text
    assert re.findall(r'<tr id="tenant-(\w+)"', console.get("/?state=Provisioning&region=&plan=").text) == [
        "gamma",
        "beta",
    ]
    assert re.findall(r'<tr id="tenant-(\w+)"', console.get("/?q=gam").text) == ["gamma"]
    assert "No tenant fits" in console.get("/?region=mars").text


@pytest.mark.parametrize("query", ["state=nonsense", "q=", "q=%20", "attention=true", "substate=stuck", "part=live"])
def test_an_empty_platform_has_a_list(console: Console, query: str):
    assert "<table" not in console.get(f"/?{query}").text


@pytest.mark.parametrize("query", ["cursor=nonsense", "part=x", "q=%00", "attention=perhaps", f"q={'x' * 101}"])
def test_an_address_that_is_none_is_told_so(console: Console, query: str):
    console.get(f"/?{query}", 400)


def test_a_list_is_paged(console: Console):
    for number in range(52):
        slug = f"t-{number:02}"
        tenant_id = TenantId(UUID(int=TENANT.int + number))
        console.tenant(start(RunId(slug), replace(ACME, slug=slug), tenant_id), number=number)
    console.now = datetime(2026, 2, 1, 0, 0, tzinfo=UTC)
    first = console.get("/").text
    found = re.search(r'href="[^"]*\?(cursor=[^"]+)">Next page', first)
    assert found
    second = console.get(f"/?{found[1]}").text
    refs = [re.findall(r'<tr id="tenant-([\w-]+)"', page) for page in (first, second)]
    assert refs[0] + refs[1] == [f"t-{number:02}" for number in reversed(range(52))]
    assert "Next page" not in second


def test_where_ledger_and_world_differ_is_told_on_both_pages(console: Console):
    tenant_id = console.tenant(start())
    finding = Finding(next(iter(What)), "role", "acme_1", "eu", tenant_id, f"{EVIL} is gone; escalate.")
    with console.ledger.open("test") as session:
        findings.confirm(session, [finding])
    for path in ("/", "/tenants/acme"):
        text = console.get(path).text
        assert "The ledger and the world differ" in text
        assert "is gone; escalate." in text
        assert "<script>alert" not in text
    assert "The ledger and the world differ" not in console.get("/?state=Active").text


# -- a run's tab


def test_a_runs_tab_shows_its_tenant_at_its_attempt(console: Console):
    for life in (FIRST_FAILS, STUCK_THEN_SETTLED, RETRIED_AND_RETAINED):
        tenant_id = console.tenant(*life)
    text = console.get(f"/runs/tenant_provisioning/{SECOND_RUN}").text
    assert re.findall(r'aria-current="page">Attempt (\d)', text) == ["2"]
    undone = console.get(f"/runs/tenant_compensation/compensate__{tenant_id}__1__2").text
    assert re.findall(r'aria-current="page">Attempt (\d)', undone) == ["1"]


def test_a_run_without_a_tenant_says_why(console: Console):
    with console.ledger.open("test") as session:
        refused = RequestRefused("acme", RunId("run-x"), "The plan platinum is not offered.")
        session.note(PLATFORM_STREAM, refused, stamp=STAMP)
    assert "The plan platinum is not offered." in console.get("/runs/tenant_provisioning/run-x").text
    assert "No tenant has begun in this run" in console.get("/runs/tenant_provisioning/manual__a+b%2Fc").text
    assert "This run is no tenant" in console.get("/runs/another_dag/run-x").text
    assert "No tenant has begun" in console.get("/runs/tenant_compensation/compensate__x__1__1").text


# -- nothing hostile, nothing secret


def test_whatever_a_tenant_is_called_it_is_only_text(console: Console):
    evil = replace(ACME, slug=EVIL, name=EVIL, plan=EVIL, region=EVIL, admin_email=EVIL)
    lease = begin(VALIDATE, run_id=RunId(EVIL)).lease
    tenant_id = console.tenant(
        start(RunId(EVIL), evil),
        begin(VALIDATE, run_id=RunId(EVIL)),
        c.FailActivity(lease, EVIL, EVIL),
        c.NoteHeld(EVIL),
    )
    with console.ledger.open("test") as session:
        session.record(tenant_id, c.Escalate(), stamp=Stamp(EVIL, reason=EVIL))
    console.runs.start("tenant_provisioning", EVIL, {"slug": EVIL})
    for path in (*_pages(tenant_id)[:4], f"/?q={httpx.QueryParams({'q': EVIL})['q'][:90]}"):
        answer = console.get(path)
        assert "&lt;script&gt;alert(1)" in answer.text or "q=" in path
        assert "<script>alert" not in answer.text
        assert "<img src=x" not in answer.text
        assert "49" not in answer.text.replace(str(tenant_id), "") or "{{7*7}}" in answer.text


def test_a_strict_policy_comes_with_every_page(console: Console):
    tenant_id = console.tenant(start())
    for path in (*_pages(tenant_id), "/tenants/nobody", "/nowhere"):
        headers = ask(console.app, "GET", path).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
    text = console.get(f"/tenants/{tenant_id}").text
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script>", text)


def test_no_secret_is_on_any_page(console: Console):
    tenant_id = console.tenant(*WHOLE_LIFE)
    for path in _pages(tenant_id):
        assert PROOF not in console.get(path).text


# -- asked again and again


def test_what_has_not_changed_is_not_sent_again(console: Console):
    tenant_id = console.tenant(start(), c.Cancel(), c.Settle(1))
    for path in ("/?part=live", f"/tenants/{tenant_id}?part=live"):
        tag = console.get(path).headers["ETag"]
        assert console.get(path, 304, headers={"If-None-Match": f'W/{tag}, "x"'}).content == b""
        console.tenant(c.Escalate())
    assert console.get(f"/tenants/{tenant_id}?part=live", headers={"If-None-Match": tag})


def test_a_page_is_small_with_all_it_needs(console: Console):
    tenant_id = console.tenant(*WHOLE_LIFE)
    text = console.get(f"/tenants/{tenant_id}").text
    wanted = re.findall(r'(?:href|src)="(/static/[0-9a-f]{12}/[^"]+)"', text)
    assert len(wanted) == 5
    kept = [console.get(path) for path in wanted]
    assert all("immutable" in answer.headers["Cache-Control"] for answer in kept)
    assert len(gzip.compress(text.encode())) + sum(len(gzip.compress(answer.content)) for answer in kept) < 60_000
    console.get("/static/abc/../app.py", 404)
    console.get("/static/abc/htmx.LICENSE.txt", 404)


# -- when things are down


def _with_ledger(console: Console, port: int) -> Console:
    dsn: Dsn = console.ledger._dsn
    return Console(Ledger(replace(dsn, host="127.0.0.1", port=port)), console.runs)


@pytest.mark.parametrize("path", ["/", "/tenants/acme", "/runs/tenant_provisioning/run-1"])
def test_a_ledger_that_is_gone_is_named(console: Console, path: str):
    answer = _with_ledger(console, any_free()).get(path, 503)
    assert "The ledger does not answer" in answer.text
    assert "escalate to platform engineering" in answer.text
    assert "Traceback" not in answer.text


def test_a_ledger_that_is_silent_is_named_before_it_times_out(console: Console, silence: int):
    away = _with_ledger(console, silence)
    began = time.monotonic()
    assert "The ledger does not answer" in away.get("/", 503).text
    assert time.monotonic() - began < 4.5  # connecting alone would be given 5 s


def test_a_poll_that_fails_leaves_the_last_picture_and_says_so(console: Console):
    answer = _with_ledger(console, any_free()).get("/tenants/acme?part=live", 503)
    assert (answer.headers["HX-Retarget"], answer.headers["HX-Reswap"]) == ("#notice", "innerHTML")
    assert "last picture" in answer.text
    assert "<html" not in answer.text


def _shows(console: Console, path: str, said: str) -> Callable[[], bool]:
    return lambda: said in console.get(path).text


def test_an_engine_that_is_away_is_no_tenants_fault(console: Console):
    console.tenant(start())
    console.runs.away = True
    until(_shows(console, "/tenants/acme", "The workflow engine does not answer."), "the page to say so", seconds=30)
    assert "not the tenants&#39; fault" in console.get("/").text


def test_paused_dags_and_raw_runs_that_wait_are_listed(console: Console):
    console.tenant(start())
    console.runs.paused = {"tenant_provisioning"}
    console.runs.start("tenant_provisioning", RUN, {"slug": "acme"})
    console.runs.start("tenant_provisioning", "manual__1", {"slug": "raw-one"})
    until(_shows(console, "/", "raw-one"), "the queue to show", seconds=30)
    text = console.get("/").text
    assert "The DAG tenant_provisioning is paused:" in text
    assert f"runs/tenant_provisioning/{RUN}" not in text  # a tenant by now


def test_a_reconciler_at_work_is_not_mentioned(console: Console):
    assert "The reconciler has never run." in console.get("/").text
    with console.ledger.open("test") as session:
        rounds.beat(session, "reconciliation", took_seconds=1, summary="nothing to do")
    console.now = datetime(2026, 2, 1, 0, 1, tzinfo=UTC)
    assert "The reconciler" not in console.get("/").text


def test_what_usually_is_comes_from_history(console: Console):
    for number in range(5):
        run_id, named = RunId(f"run-{number}"), replace(ACME, slug=f"slug-{number}")
        if number == 4:
            assert "usually" not in console.get("/tenants/slug-3").text
        begun = start(run_id, named, TenantId(UUID(int=TENANT.int + number)))
        console.tenant(begun, *done(VALIDATE, run_id=run_id), number=number)
    console.app.state.history = history()
    text = console.get("/tenants/slug-3").text
    assert len(re.findall(r"usually [\d.]+ s, 95 of 100 within", text)) == 1
