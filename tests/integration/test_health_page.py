"""The page *Platform health*: what it shows, to whom, and that it needs neither ledger nor script."""

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx
import pytest

from tenancy.console.api.app import create_api
from tenancy.console.callers import Caller, NotAuthenticated, Right
from tenancy.console.health_watch import HealthWatch
from tenancy.console.pages.app import create_pages
from tenancy.console.services import Services
from tenancy.engine.health.check_results import CheckResult, Condition, Health, System
from tenancy.engine.tenancy import Tenancy
from tenancy.ledger.ledger import Ledger
from tests import real_systems
from tests.asgi_requests import ask
from tests.products import SAMPLE_ONLY

NOW = datetime(2026, 2, 1, 1, 0, tzinfo=UTC)
EVIL = "<script>alert(1)</script>\"'{{7*7}}"
VIEWER = Caller("viewer", frozenset({Right.READ}))
ILL = Health(
    (
        CheckResult(System.LEDGER, Condition.OK, "It responds.", measured={"sessions": 7}, checked_at=NOW),
        CheckResult(System.ENGINE, Condition.DOWN, "No heartbeat.", part="scheduler", since=NOW - timedelta(hours=1)),
        CheckResult(System.STORAGE, Condition.DOWN, f"It refuses: {EVIL}", "eu-central", since=NOW),
        CheckResult(System.INGRESS, Condition.UNKNOWN, "Its name cannot be resolved.", "eu-central"),
        CheckResult(System.STORAGE, Condition.OK, "It responds.", "us-east"),
        CheckResult(System.QUOTA, Condition.DEGRADED, "Nearly used up.", part="business"),
    ),
    NOW - timedelta(seconds=4),
    0.3,
)
WELL = Health(tuple(replace(check, state=Condition.OK, since=None) for check in ILL.checks), ILL.checked_at)


@dataclass
class HealthConsole:
    """Pages and API of a platform whose health is as it is told."""

    ledger: Ledger
    health: Health = ILL
    caller: Caller | None = VIEWER
    now: datetime = NOW
    looked: list[datetime] = field(default_factory=list)

    def __post_init__(self) -> None:
        nowhere = cast("Any", None)
        tenancy = Tenancy(
            self.ledger, real_systems.platform(), real_systems.KEYRING, nowhere, runs=nowhere, products=SAMPLE_ONLY
        )
        made = Services(lambda: tenancy, lambda: self.now, health=HealthWatch(self._look, fresh_seconds=0))
        self.pages, self.api = create_pages(made, self._authenticate), create_api(made, self._authenticate)

    def _look(self) -> Health:
        self.looked.append(self.now)
        return self.health

    async def _authenticate(self, _request: Any) -> Caller:
        if self.caller is None:
            raise NotAuthenticated("No token")
        return self.caller

    def get(self, path: str, status: int = 200, **more: Any) -> httpx.Response:
        answer = ask(self.pages, "GET", path, **more)
        assert answer.status_code == status, answer.text
        return answer

    def load_health(self, status: int = 200) -> dict[str, Any]:
        answer = ask(self.api, "GET", "/health")
        assert answer.status_code == status, answer.text
        assert answer.headers["Cache-Control"] == "no-store"
        return dict(answer.json())


@pytest.fixture
def console(ledger: Ledger) -> HealthConsole:
    return HealthConsole(ledger)


@pytest.fixture
def without_ledger() -> HealthConsole:
    return HealthConsole(
        cast("Any", None), Health((CheckResult(System.LEDGER, Condition.DOWN, "It does not respond."),), NOW)
    )


def test_every_system_is_under_its_region_with_its_state_and_sentence(console: HealthConsole):
    html = console.get("/health").text
    assert re.findall(r'<h2 id="place-\d">(.*)</h2>', html) == [
        "Ledger and workflow engine",
        "Region eu-central",
        "Region us-east",
        "Plans",
    ]
    assert re.findall(r'data-state="(\w+)"', html) == ["ok", "down", "down", "unknown", "ok", "degraded"]
    assert re.search(r"<b>scheduler</b>.*<p>No heartbeat.</p><small>since 2026-02-01 00:00:00 UTC</small>", html)
    assert "sessions 7" in html
    assert "Down: workflow engine: scheduler and storage of eu-central and quota: business." in html
    assert "2 down, 1 degraded, 1 unknown, 2 ok" in html


def test_what_a_system_says_is_escaped(console: HealthConsole):
    html = console.get("/health").text
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html
    assert "{{7*7}}" in html


def test_the_live_part_alone_is_asked_for_and_not_sent_twice(console: HealthConsole):
    whole, live = console.get("/health").text, console.get("/health?part=live")
    assert live.text.startswith('<div id="live"')
    assert live.text.strip() in whole
    console.get("/health?part=live", 304, headers={"If-None-Match": live.headers["ETag"]})


def test_an_old_picture_says_how_old_it_is(console: HealthConsole):
    assert "old: a newer check is running" not in console.get("/health").text
    console.now = NOW + timedelta(minutes=2)
    assert "This is 2 min 4 s old: a newer check is running." in console.get("/health").text


def test_before_the_first_check_no_state_is_claimed(console: HealthConsole):
    console.health = Health()
    assert "No check has run yet." in console.get("/health").text
    console.health = WELL
    assert "Nothing is wrong that can be seen." in console.get("/health").text


def test_it_needs_a_login_and_the_right_to_read(console: HealthConsole):
    console.caller = Caller("nobody", frozenset())
    assert "You may not read tenants" in console.get("/health", 403).text
    console.caller = None
    assert "You are not logged in" in console.get("/health", 401).text
    assert console.looked == []


def test_it_is_there_when_the_ledger_is_not(without_ledger: HealthConsole):
    assert "Down: ledger." in without_ledger.get("/health").text
    document = without_ledger.load_health()
    assert (document["state"], document["ledger"], document["reconcilers"]) == ("down", None, [])


def test_the_list_leads_there_and_names_what_is_down(console: HealthConsole):
    console.get("/")  # nobody waits there for a look: this one begins it
    console.get("/health")
    html = console.get("/").text
    assert 'href="/health"' in html
    assert "<b>Down: storage of eu-central.</b>" in html
    assert "Down: workflow engine" not in html  # it has a line of its own
    console.health = WELL
    console.get("/health")
    assert "<b>Down:" not in console.get("/").text


def test_the_api_returns_the_same(console: HealthConsole):
    document = console.load_health()
    assert (document["state"], document["age_seconds"], document["looked_at"]) == ("down", 4.0, "2026-02-01T00:59:56Z")
    assert [check["state"] for check in document["checks"]] == ["ok", "down", "down", "unknown", "ok", "degraded"]
    assert document["checks"][1] == {
        "system": "engine",
        "region": None,
        "part": "scheduler",
        "state": "down",
        "said": "No heartbeat.",
        "since": "2026-02-01T00:00:00Z",
        "measured": {},
        "checked_at": None,
        "took_seconds": 0.0,
    }
    assert document["ledger"]["milliseconds"] > 0
    assert [each["name"] for each in document["reconcilers"]] == ["reconciliation", "reality check"]
