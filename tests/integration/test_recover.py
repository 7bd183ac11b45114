"""`POST /tenants/{ref}/recover` on a real ledger: it decides one step, takes it in the same request, and says why."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tenancy.adapters.dsn import Dsn
from tenancy.console.callers import Caller, Right
from tenancy.engine.health.check_results import CheckResult, Condition, Health, System
from tenancy.ledger.ledger import Ledger
from tenancy.saga import commands as c
from tenancy.saga.causes import Cause
from tenancy.saga.names import TenantId
from tests import real_systems
from tests.integration.test_dry_runs import ENGINEER, OPERATOR, WHY, Api
from tests.unit.sagas import PHASES, STORAGE, VALIDATE, done, lease

LATE = timedelta(minutes=6)
QUIET = timedelta(minutes=2, seconds=1)
RECOVERABLE = [phase for phase in PHASES if not phase.startswith("Decommission")]


@pytest.fixture
def api(ledger_dsn: Dsn) -> Api:
    return Api(Ledger(ledger_dsn))  # its clock and the console's agree


def recover(api: Api, tenant_id: TenantId, /, **body: Any) -> dict[str, Any]:
    answer = api.post(f"/tenants/{tenant_id}/recover", {**WHY, **body})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def acted(api: Api, tenant_id: TenantId) -> list[str]:
    """The operators' actions in the audit log."""
    names = {"cancel.requested": "cancel", "provisioning.reset": "reset", "retried": "retry", "action.refused": "no"}
    with api.ledger.open("test") as session:
        kinds = [each.fact.kind for each in session.envelopes(tenant_id)]
    return [name for kind in kinds for end, name in names.items() if kind.endswith(end)]


def unwind(api: Api, tenant_id: TenantId) -> None:
    with api.ledger.open("test") as session:
        saga = session.saga(tenant_id)
    assert saga is not None
    for each in reversed(saga.live_resources):
        named = (saga.generation, each.kind, each.name)
        api.record(tenant_id, c.ReleaseResource(*named), c.ConfirmReleased(*named))
    api.record(tenant_id, c.Settle(saga.generation))


def test_an_attempt_that_goes_on_is_waited_for_and_nothing_is_recorded(api: Api):
    tenant_id, _ = api.tenant("Provisioning")
    before = api.facts(tenant_id)
    answer = recover(api, tenant_id)
    assert (answer["kind"], answer["action"], answer["retry_after"]) == ("wait", "", 2)
    assert answer["why"].endswith("it is not stalled, so nothing is cancelled.")
    assert (answer["done"], answer["remaining"], answer["preview"]) == ([], [], None)
    assert api.facts(tenant_id) == before


def test_a_stalled_attempt_is_cancelled_reset_and_retried_one_step_a_request(api: Api):
    tenant_id, _ = api.tenant("Provisioning")
    api.record(tenant_id, c.Escalate())  # the stalled activity's advice
    api.ahead = LATE
    first = recover(api, tenant_id)
    assert (first["kind"], first["action"]) == ("act", "cancel")
    assert first["why"] == "Attempt 1 is stalled at Allocate workflow handle."
    assert [each["kind"] for each in first["preview"]["undone"]] == ["connection", "database", "role"]
    assert (first["tenant"]["state"], first["done"], first["remaining"]) == (
        "Cancelling",
        ["cancel"],
        ["reset", "retry"],
    )
    api.ahead = timedelta()
    began = {"began_at": first["began_at"]}
    assert recover(api, tenant_id, **began)["kind"] == "wait"
    unwind(api, tenant_id)
    assert [recover(api, tenant_id, **began)["action"] for _ in range(2)] == ["reset", "retry"]
    last = recover(api, tenant_id, **began)
    assert (last["kind"], last["done"]) == ("wait", ["cancel", "reset", "retry"])
    assert last["why"].startswith("Attempt 2 runs")
    assert acted(api, tenant_id) == ["cancel", "reset", "retry"]


def test_what_is_to_be_escalated_first_keeps_its_evidence(api: Api):
    tenant_id, _ = api.tenant("Provisioning")
    api.ahead = LATE
    answer = recover(api, tenant_id)
    assert answer["kind"] == "stop"
    assert "escalate" in answer["why"]
    assert acted(api, tenant_id) == []


def test_a_tenant_that_a_platform_fault_holds_is_waited_for_however_late_it_is(api: Api):
    tenant_id, _ = api.tenant("Provisioning")
    api.record(tenant_id, c.RecordHold("Our login is refused.", Cause.PLATFORM_CREDENTIALS, platform=True))
    for ahead in (timedelta(), LATE, timedelta(hours=1)):
        api.ahead = ahead
        answer = recover(api, tenant_id)
        assert answer["kind"] == "wait"
        assert "Our login is refused. It continues by itself, so nothing is cancelled." in answer["why"]
    assert acted(api, tenant_id) == []


def test_a_stall_is_waited_for_while_a_system_that_the_activity_needs_is_down(api: Api):
    tenant_id, _ = api.tenant("Failed settled")
    for _ in range(2):  # reset, retry
        recover(api, tenant_id)
    api.ahead = LATE
    down = CheckResult(System.STORAGE, Condition.DOWN, "It refuses connections.", region=real_systems.REGION)
    now = datetime.now(UTC) + LATE
    api.health = Health((replace(down, checked_at=now),), checked_at=now)
    api.record(tenant_id, *_up_to_storage(api, tenant_id))
    answer = recover(api, tenant_id)
    assert answer["kind"] == "wait"
    assert "is down: It refuses connections. It continues by itself, so nothing is cancelled." in answer["why"]
    api.health = Health()
    assert recover(api, tenant_id)["action"] == "cancel"


def _up_to_storage(api: Api, tenant_id: TenantId) -> tuple[c.Command, ...]:
    """The newest attempt hangs at the storage."""
    with api.ledger.open("test") as session:
        saga = session.saga(tenant_id)
    assert saga is not None
    return (*done(VALIDATE, number=2, run_id=saga.run_id), c.BeginActivity(lease(STORAGE, 2, saga.run_id), 1))


def test_an_attempt_past_its_point_of_no_return_is_never_cancelled(api: Api):
    tenant_id, slug = api.tenant("Failed retained")
    for _ in range(2):  # reset, retry
        recover(api, tenant_id)
    sure = {"tenant_id": str(tenant_id), "confirm_slug": slug}
    assert recover(api, tenant_id, **sure)["kind"] == "wait"
    api.ahead = LATE
    answer = recover(api, tenant_id, **sure)
    assert answer["kind"] == "stop"
    assert "point of no return" in answer["why"]
    assert acted(api, tenant_id) == ["reset", "retry"]


def test_an_unwinding_without_progress_is_cancelled_again(api: Api):
    tenant_id, _ = api.tenant("Cancelling")
    assert recover(api, tenant_id)["kind"] == "wait"
    api.ahead = QUIET
    assert recover(api, tenant_id)["action"] == "cancel"


def test_it_stops_when_somebody_else_acts_and_goes_on_when_asked_anew(api: Api):
    tenant_id, _ = api.tenant("Failed settled")
    began_at = recover(api, tenant_id)["began_at"]
    api.caller = ENGINEER
    assert api.post(f"/tenants/{tenant_id}/escalate", WHY).status_code == 200
    api.caller = OPERATOR
    stopped = recover(api, tenant_id, began_at=began_at)
    assert stopped["kind"] == "stop"
    assert stopped["why"].startswith("linus escalated it at")
    assert recover(api, tenant_id)["action"] == "retry"


@pytest.mark.parametrize("phase", RECOVERABLE)
@pytest.mark.parametrize("ahead", [timedelta(), LATE], ids=["in time", "late"])
def test_a_dry_run_says_what_is_then_done_and_records_nothing(api: Api, phase: str, ahead: timedelta):
    tenant_id, slug = api.tenant(phase)
    sure, before = {**WHY, "tenant_id": str(tenant_id), "confirm_slug": slug}, api.facts(tenant_id)
    api.ahead = ahead
    foreseen = api.post(f"/tenants/{tenant_id}/recover", sure, dry_run=True).json()
    assert api.facts(tenant_id) == before
    did = recover(api, tenant_id, **sure)
    for name in ("kind", "action", "why", "began_at", "preview", "confirm_slug"):
        assert foreseen[name] == did[name], name
    assert api.facts(tenant_id) > before if did["kind"] == "act" else api.facts(tenant_id) == before


@pytest.mark.parametrize("phase", ["Decommissioning", "Decommissioned"])
def test_a_tenant_that_is_to_go_is_refused(api: Api, phase: str):
    tenant_id, _ = api.tenant(phase)
    answer = api.post(f"/tenants/{tenant_id}/recover", WHY)
    assert answer.status_code == 409
    assert "There is nothing to recover" in answer.json()["detail"]


def test_a_fourth_attempt_wants_the_slug_before_anything_is_done(api: Api):
    tenant_id, slug = api.tenant("Failed settled", failures=3)
    before = acted(api, tenant_id)
    assert api.post(f"/tenants/{tenant_id}/recover", WHY, dry_run=True).json()["confirm_slug"]
    refused = api.post(f"/tenants/{tenant_id}/recover", WHY)
    assert (refused.status_code, refused.json()["field"]) == (409, "confirm_slug")
    assert acted(api, tenant_id) == before
    assert recover(api, tenant_id, confirm_slug=slug)["action"] == "reset"


def test_a_request_that_is_sent_twice_with_one_key_takes_one_step(api: Api):
    tenant_id, _ = api.tenant("Failed settled")
    first, again = (api.post(f"/tenants/{tenant_id}/recover", WHY, key="k-1") for _ in range(2))
    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert acted(api, tenant_id) == ["reset"]


def test_two_recoveries_at_once_take_each_step_once_and_none_is_refused(api: Api):
    tenant_id, _ = api.tenant("Failed settled")
    began_at = api.facts(tenant_id)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: recover(api, tenant_id, began_at=began_at), range(4)))
    assert {each["kind"] for each in answers} <= {"act", "wait"}
    assert [each for each in acted(api, tenant_id) if each != "no"] in (["reset"], ["reset", "retry"])


@pytest.mark.parametrize(
    ("body", "field"), [({"began_at": 10_000}, "began_at"), ({"began_at": 0}, "began_at"), ({"reason": " "}, "reason")]
)
def test_a_wrong_field_is_named(api: Api, body: dict[str, Any], field: str):
    tenant_id, _ = api.tenant("Failed settled")
    answer = api.post(f"/tenants/{tenant_id}/recover", {**WHY, **body})
    assert (answer.status_code, answer.json()["field"]) == (400, field)


LACKING = (
    Caller("viewer", frozenset({Right.READ})),
    Caller("starter", frozenset({Right.READ, Right.CREATE})),
    Caller("editor", frozenset({Right.READ, Right.EDIT})),
)


@pytest.mark.parametrize("caller", LACKING, ids=lambda caller: caller.name)
def test_who_may_not_cancel_and_retry_may_not_recover(api: Api, caller: Caller):
    tenant_id, _ = api.tenant("Failed settled")
    api.caller = caller
    assert api.post(f"/tenants/{tenant_id}/recover", WHY).status_code == 403
    assert acted(api, tenant_id) == []
