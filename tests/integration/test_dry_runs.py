"""A dry run is the action's own decision: for every action, body and state it answers what the action then answers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, cast
from uuid import uuid4

import httpx
import pytest

from tenancy.console.api.app import create_api
from tenancy.console.callers import Caller, Right
from tenancy.console.health_watch import HealthWatch
from tenancy.console.services import Services
from tenancy.engine.actions.actions import ACTIONS
from tenancy.engine.health.check_results import Health
from tenancy.engine.tenancy import Tenancy
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import Ledger, LedgerSession
from tenancy.saga import commands as c
from tenancy.saga.names import ActivityName, RunId, TenantId
from tenancy.saga.tenant import Parameters
from tests import real_systems
from tests.asgi_requests import ask
from tests.contract.fake_runs import FakeRuns
from tests.products import SAMPLE_ONLY
from tests.unit.sagas import (
    HANDLE,
    INTENTS,
    MARK_ACTIVE,
    ORDER,
    PHASES,
    STORAGE,
    VALIDATE,
    complete,
    fail,
    give_up,
    lease,
    start,
)

OPERATOR = Caller("grace", frozenset({Right.READ, Right.CREATE, Right.EDIT}))
ENGINEER = Caller("linus", frozenset(Right))
WRITES = {"X-Tenancy-Request": "1"}
WHY = {"reason": "a test"}
STALE, SLUG = "a seq before somebody acted", "the tenant's slug"
CORRECTIONS: tuple[dict[str, Any], ...] = (
    {"name": "Acme & Sons"},
    {"plan": "business"},
    {"plan": "golden"},
    {"slug": "another"},
    {"admin_email": "nobody"},
)
ID: dict[str, Any] = {"tenant_id": "the tenant's id"}
NAMED: tuple[dict[str, Any], ...] = (ID, {"tenant_id": str(uuid4())}, {**ID, "confirm_slug": SLUG})
TYPED: tuple[dict[str, Any], ...] = ({"confirm_slug": SLUG}, {"confirm_slug": "another"}, {"confirm_slug": ""})
BODIES: dict[str, tuple[dict[str, Any], ...]] = {
    "cancel": ({}, *NAMED, {"seen": STALE}, {"reason": " "}),
    "reset": ({}, {"force": True}, {"force": True, **ID}, {"seen": STALE}, {"surprise": 1}),
    "retry": ({}, *TYPED, *({"confirm_slug": SLUG, "corrections": each} for each in CORRECTIONS)),
    "decommission": ({}, *TYPED, *NAMED, {"confirm_slug": SLUG, "seen": STALE}),
    "recreate": ({}, *NAMED, *({"corrections": each} for each in CORRECTIONS)),
    "escalate": ({}, *NAMED, {"seen": STALE}),
}


class Api:
    """The JSON API on a ledger of its own, its engine played; and tenants brought into any state."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.caller, self._numbers = ledger, OPERATOR, count(1)
        self.ahead = timedelta()
        """By how much the console's clock is ahead."""
        self.health = Health()
        """What health checks find."""
        platform = real_systems.platform(capacity=1000, quota=1)
        tenancy = Tenancy(ledger, platform, real_systems.KEYRING, cast("Any", None), FakeRuns, SAMPLE_ONLY)
        health = HealthWatch(lambda: self.health, fresh_seconds=0)
        services = Services(lambda: tenancy, lambda: datetime.now(UTC) + self.ahead, health=health)
        self.app = create_api(services, self._authenticate)
        self.post("/tenants", real_systems.request("first", plan="business"))  # no other one fits on that plan

    async def _authenticate(self, _request: Any) -> Caller:
        return self.caller

    def post(self, path: str, body: dict[str, Any], *, dry_run: bool = False, key: str = "") -> httpx.Response:
        headers = {**WRITES, "Idempotency-Key": key} if key else WRITES
        return ask(self.app, "POST", path, json=body, headers=headers, params={"dry_run": "1"} if dry_run else {})

    def record(self, tenant_id: TenantId, *commands: c.Command) -> None:
        """What tasks and the reconciler record."""
        with self.ledger.open("test") as session:
            session.record(tenant_id, *commands, stamp=Stamp("ada"))

    def tenant(self, phase: str, *, failures: int = 1) -> tuple[TenantId, str]:
        """A tenant in this phase; those that failed have failed so often."""
        tenant_id, slug = TenantId(uuid4()), f"acme-{next(self._numbers)}"
        with self.ledger.open("test") as session:
            _Life(session, tenant_id, slug).reach(phase, failures)
        return tenant_id, slug

    def facts(self, tenant_id: TenantId) -> int:
        with self.ledger.open("test") as session:
            return len(session.envelopes(tenant_id))


class _Life:
    def __init__(self, session: LedgerSession, tenant_id: TenantId, slug: str) -> None:
        self._session, self._tenant_id = session, tenant_id
        self._parameters = Parameters(slug, "Acme", "starter", real_systems.REGION, "ada@acme.test")

    def reach(self, phase: str, failures: int) -> None:
        for number in range(1, failures):
            self._fail(number)
            self._unwind()
            self._ask(c.Reset())
        if phase in {"Failed retained", "Active", "Decommissioning", "Decommissioned"}:
            return self._finish(phase, failures)
        self._begin(failures)
        if phase == "Cancelling":
            self._ask(c.Cancel())
        if phase in {"Provisioning", "Cancelling"}:
            return None
        self._ask(fail(HANDLE, failures, self._run(failures)), give_up(HANDLE, failures, self._run(failures)))
        if phase == "Failed stuck":
            self._ask(c.ExhaustUnwinding(self._saga.generation, "no answer"))
        if phase in {"Failed settled", "Failed ready"}:
            self._unwind()
        if phase == "Failed ready":
            self._ask(c.Reset())
        return None

    def _finish(self, phase: str, number: int) -> None:
        self._ask(self._start(number), *self._done(number, *ORDER[:-1]))
        self._ask(self._begun(MARK_ACTIVE, number))
        if phase == "Failed retained":
            return self._ask(
                fail(MARK_ACTIVE, number, self._run(number)), give_up(MARK_ACTIVE, number, self._run(number))
            )
        self._ask(complete(MARK_ACTIVE, number, self._run(number)))
        if phase != "Active":
            self._ask(c.Decommission())
        if phase == "Decommissioned":
            self._unwind()
        return None

    def _begin(self, number: int) -> None:
        self._ask(self._start(number), *self._done(number, VALIDATE, STORAGE))
        self._ask(self._begun(HANDLE, number))

    def _fail(self, number: int) -> None:
        self._begin(number)
        self._ask(fail(HANDLE, number, self._run(number)), give_up(HANDLE, number, self._run(number)))

    def _done(self, number: int, *activities: ActivityName) -> tuple[c.Command, ...]:
        steps = ((self._begun(each, number), complete(each, number, self._run(number))) for each in activities)
        return tuple(command for step in steps for command in step)

    def _begun(self, activity: ActivityName, number: int) -> c.BeginActivity:
        own = (replace(intent, name=self._parameters.slug) for intent in INTENTS.get(activity, ()))
        return c.BeginActivity(lease(activity, number, self._run(number)), 1, tuple(own))

    def _unwind(self) -> None:
        saga = self._saga
        for resource in reversed(saga.live_resources):
            named = (saga.generation, resource.kind, resource.name)
            self._ask(c.ReleaseResource(*named), c.ConfirmReleased(*named))
        self._ask(c.Settle(saga.generation))

    def _start(self, number: int) -> c.StartAttempt:
        return start(self._run(number), self._parameters, self._tenant_id)

    def _run(self, number: int) -> RunId:
        return RunId(f"run-{self._parameters.slug}-{number}")

    def _ask(self, *commands: c.Command) -> None:
        self._session.record(self._tenant_id, *commands, stamp=Stamp("ada"))

    @property
    def _saga(self) -> Any:
        return self._session.saga(self._tenant_id)


@pytest.fixture
def api(ledger: Ledger) -> Api:
    return Api(ledger)


def filled(body: dict[str, Any], tenant_id: TenantId, slug: str) -> dict[str, Any]:
    """The body as it is sent for this tenant."""
    named = {"tenant_id": str(tenant_id)} if body.get("tenant_id") == ID["tenant_id"] else {}
    last_seen = {"seen": 0} if body.get("seen") == STALE else {}
    typed = {"confirm_slug": slug} if body.get("confirm_slug") == SLUG else {}
    return {**WHY, **body, **last_seen, **typed, **named}


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("action", ACTIONS)
def test_a_dry_run_answers_what_the_action_then_answers(api: Api, action: str, phase: str):
    for caller in (OPERATOR, ENGINEER) if action == "reset" else (OPERATOR,):
        api.caller = caller
        for failures in (1, 3) if action == "retry" else (1,):
            for body in BODIES[action]:
                _assert_same(api, phase, failures, action, body)


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("action", ["cancel", "decommission", "recreate"])
def test_it_does_so_too_where_the_path_has_the_slug(api: Api, action: str, phase: str):
    for body in ({}, *NAMED):
        _assert_same(api, phase, 1, action, body, by_slug=True)


def _assert_same(
    api: Api, phase: str, failures: int, action: str, body: dict[str, Any], *, by_slug: bool = False
) -> None:
    tenant_id, slug = api.tenant(phase, failures=failures)
    ref = slug if by_slug else tenant_id
    path, sent, before = f"/tenants/{ref}/{action}", filled(body, tenant_id, slug), api.facts(tenant_id)
    rehearsal = api.post(path, sent, dry_run=True)
    assert api.facts(tenant_id) == before, "a dry run records nothing"
    answer = api.post(path, sent)
    case = (phase, failures, action, sent, rehearsal.text, answer.text)
    if rehearsal.status_code != 200:
        assert (rehearsal.status_code, rehearsal.json()["detail"]) == (
            answer.status_code,
            answer.json()["detail"],
        ), case
        return
    foreseen = rehearsal.json()
    assert foreseen["allowed"] == answer.is_success, case
    if answer.is_success:
        assert (foreseen["refusal"], foreseen["field"]) == ("", None), case
        return
    problem = answer.json()
    refusal = tuple(problem.get(key) for key in ("detail", "field", "retry_after"))
    assert (foreseen["refusal"], foreseen["field"], foreseen["retry_after"]) == refusal, case


@pytest.mark.parametrize(
    "changes",
    [{}, {"slug": "taken"}, {"slug": "Bad"}, {"plan": "business"}, {"region": "nowhere"}, {"name": " "}],
    ids=str,
)
def test_a_dry_run_of_create_answers_what_the_creation_then_answers(api: Api, changes: dict[str, str]):
    api.post("/tenants", real_systems.request("taken"))
    request = {**real_systems.request("fresh"), **changes}
    rehearsal, answer = api.post("/tenants", request, dry_run=True), api.post("/tenants", request)
    if rehearsal.status_code == 200:
        assert rehearsal.json()["allowed"] == answer.is_success
        assert rehearsal.json()["refusal"] == (answer.json()["detail"] if answer.is_client_error else "")
    else:
        assert rehearsal.json() == answer.json()


def test_the_dry_run_of_a_forced_reset_is_allowed_where_the_reset_is(api: Api):
    api.caller = ENGINEER
    tenant_id, _ = api.tenant("Provisioning")
    forced = {**WHY, "force": True}
    assert api.post(f"/tenants/{tenant_id}/reset", forced, dry_run=True).json()["allowed"]
    assert api.post(f"/tenants/{tenant_id}/reset", forced).status_code == 200


@pytest.mark.parametrize("phase", [phase for phase in PHASES if phase != "Failed ready"])
@pytest.mark.parametrize("failures", [1, 3])
def test_a_retry_that_is_not_its_turn_is_refused_for_the_tenants_own_state(api: Api, phase: str, failures: int):
    """Neither "the slug is taken", which is by itself, nor first a question for the typed slug."""
    tenant_id, slug = api.tenant(phase, failures=failures)
    problem = api.post(f"/tenants/{tenant_id}/retry", WHY).json()
    assert "another slug" not in problem["detail"]
    assert "Type the slug" not in problem["detail"]
    assert slug not in problem["detail"]
    assert problem.get("field") is None
