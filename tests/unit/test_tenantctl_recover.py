"""`recover` as an operator sees it: explained steps, waits, and an end that says why. The server decides each step."""

import json

import httpx
import pytest

from tests.contract.fake_documents import problem
from tests.contract.fake_tenancy_api import FakeTenancy
from tests.contract.fake_tenant import FakeTenant, Moment
from tests.unit.tenantctl_runner import SleepingClock, run

WHY = ["--reason", "stuck"]


def with_tenant(phase: str, **facts: object) -> FakeTenancy:
    return FakeTenancy(FakeTenant("acme", phase, **facts))  # type: ignore[arg-type]


def actions(api: FakeTenancy) -> list[str]:
    """The actions that the server took in recoveries."""
    assert set(api.writes) <= {"recover"}, "tenantctl takes no action itself"
    return api.tenants[0].recovered


def steps(api: FakeTenancy) -> list[httpx.Request]:
    """The requests for a step, without dry runs."""
    return [each for each in api.requests if each.url.path.endswith("/recover") and not each.url.params]


def test_a_stalled_tenant_is_cancelled_reset_and_retried_each_step_explained():
    api = with_tenant("Provisioning", stalled=True)
    ended = run(api, "recover", "acme", *WHY)
    assert ended.code == 0
    assert actions(api) == ["cancel", "reset", "retry"]
    steps = [line for line in ended.out.splitlines() if line.startswith("→")]
    assert steps == [
        "→ cancel acme: It is Provisioning.",
        "→ reset acme: It is Failed settled.",
        "→ retry acme: It is Failed ready.",
    ]
    assert "acme is Active: attempt 2 succeeded." in ended.out


@pytest.mark.parametrize(
    ("phase", "expected"),
    [
        ("Failed settled", ["reset", "retry"]),
        ("Failed retained", ["reset", "retry"]),
        ("Failed ready", ["retry"]),
        ("Active", []),
    ],
)
def test_what_is_already_so_is_skipped(phase: str, expected: list[str]):
    api = with_tenant(phase)
    assert run(api, "recover", "acme", *WHY).code == 0
    assert actions(api) == expected


@pytest.mark.parametrize("facts", [{}, {"past_no_return": True}, {"stalled": True, "held": "The cluster is down."}])
def test_an_attempt_that_the_server_waits_for_is_waited_for(facts: dict[str, object]):
    api = with_tenant("Provisioning", script=["Provisioning", "Provisioning", "Active"], **facts)
    ended = run(api, "recover", "acme", *WHY)
    assert (ended.code, actions(api)) == (0, [])
    assert ended.out.count("… Attempt 1 runs") == 1
    assert "acme is Active: attempt 1 succeeded." in ended.out


def test_a_wait_needs_no_confirmation_and_an_action_does():
    waits = with_tenant("Provisioning", script=["Active"])
    assert run(waits, "recover", "acme", *WHY, typed=[]).code == 0
    acts = with_tenant("Provisioning", stalled=True)
    ended = run(acts, "recover", "acme", *WHY, typed=["n"])
    assert (ended.code, actions(acts)) == (1, [])
    assert "Cancel, then reset, then retry? [y/N]" in ended.err


def test_every_request_continues_the_recovery_that_the_first_one_began():
    api = with_tenant("Failed settled")
    run(api, "recover", "acme", *WHY)
    bodies = [json.loads(each.content) for each in steps(api)]
    assert "began_at" not in bodies[0]
    assert {each["began_at"] for each in bodies[1:]} == {1}
    assert {each["tenant_id"] for each in bodies} == {api.tenants[0].id}


def test_it_asks_again_when_the_server_says():
    api, clock = with_tenant("Cancelling", script=["Cancelling", "Failed settled"]), SleepingClock()
    assert run(api, "recover", "acme", *WHY, clock=clock).code == 0
    assert set(clock.slept) == {2.0}


def test_a_recovery_that_stops_says_why():
    api = with_tenant("Failed settled", stop="Attempt 2 failed with the same error as before.")
    for words in ([], ["--dry-run"]):
        ended = run(api, "recover", "acme", *WHY, *words)
        assert (ended.code, actions(api)) == (1, [])
        assert "tenantctl: acme: Attempt 2 failed with the same error as before." in ended.err


def test_a_kind_of_step_that_a_newer_server_sends_ends_it():
    api = with_tenant("Failed settled")
    body = {"kind": "later", "why": "It is scheduled.", "tenant": {"slug": "acme"}}
    api.before.append(lambda r: httpx.Response(200, json=body) if r.url.path.endswith("/recover") else None)
    ended = run(api, "recover", "acme", *WHY)
    assert ended.code == 1
    assert "It is scheduled." in ended.err


def test_a_refusal_ends_it():
    api = with_tenant("Failed settled")
    api.before.append(lambda r: problem(409, "Not yours.") if r.url.path.endswith("/recover") else None)
    ended = run(api, "recover", "acme", *WHY)
    assert ended.code == 3
    assert "Not yours." in ended.err


def test_an_unavailable_api_is_polled_and_reported_once():
    api = with_tenant("Failed ready")
    away = [httpx.ConnectError("refused")] * 3

    def flaky(_: httpx.Request) -> httpx.Response | None:
        if away and api.tenants[0].phase == "Provisioning":
            raise away.pop()
        return None

    api.before.append(flaky)
    ended = run(api, "recover", "acme", *WHY)
    assert ended.code == 0
    assert ended.err.count("cannot be reached") == 1
    assert "Tenancy responds again." in ended.err


def test_out_of_time_it_says_where_the_tenant_is():
    api = with_tenant("Failed ready", after={"retry": [["Provisioning"] * 99]})
    ended = run(api, "recover", "acme", *WHY, "--timeout", "60", clock=SleepingClock())
    assert ended.code == 6
    assert "acme is Provisioning. Attempt 2 runs" in ended.err


def test_a_fourth_attempt_wants_the_slug_typed_before_anything_is_undone():
    api = with_tenant("Provisioning", stalled=True, attempt=3)
    ended = run(api, "recover", "acme", *WHY, "--yes")
    assert ended.code == 2
    assert "decommission + recreate" in ended.err
    assert actions(api) == []
    assert run(api, "recover", "acme", *WHY, "--confirm", "acme").code == 0


def test_a_decommissioned_tenant_is_not_recovered():
    ended = run(with_tenant("Decommissioned"), "recover", "acme", *WHY)
    assert ended.code == 3
    assert "There is nothing to recover" in ended.err


def test_a_dry_run_lists_the_steps():
    api = with_tenant("Provisioning", stalled=True)
    ended = run(api, "recover", "acme", "--dry-run")
    assert (ended.code, api.tenants[0].phase, steps(api)) == (0, "Provisioning", [])
    assert "1.  role acme_1" in ended.out
    assert "It would cancel, then reset, then retry." in ended.out
    waits = run(with_tenant("Provisioning"), "recover", "acme", "--dry-run")
    assert "it is not stalled. It would wait." in waits.out


def test_json_is_the_tenant_as_it_ended():
    api = with_tenant("Failed ready")
    ended = run(api, "recover", "acme", *WHY, "--json")
    assert json.loads(ended.out)["state"] == "Active"
    assert json.loads(run(with_tenant("Failed ready"), "recover", "acme", "-n", "--json").out)["substate"] == "ready"


def test_a_warning_is_printed_once_however_many_answers_repeat_it():
    api = with_tenant("Failed settled", warnings=["Not transient: it failed twice."])
    ended = run(api, "recover", "acme", *WHY)
    assert actions(api) == ["reset", "retry"]
    assert ended.err.count("Not transient") == 1


def test_a_cancel_that_destroys_a_customers_data_wants_the_slug_typed_and_the_id():
    api = with_tenant("Failed stuck", past_no_return=True)
    assert run(api, "recover", "acme", *WHY, "--yes").code == 2
    assert run(api, "recover", "acme", *WHY, "--yes", "--confirm", "acme").code == 2, "which tenant is not said"
    assert actions(api) == []
    assert run(api, "recover", api.tenants[0].id, *WHY, "--yes", "--confirm", "acme").code == 0
    sent = json.loads(steps(api)[0].content)
    assert (sent["tenant_id"], sent["confirm_slug"]) == (api.tenants[0].id, "acme")


def test_a_slug_that_becomes_necessary_on_the_way_is_asked_for():
    stuck: list[Moment] = ["Cancelling", "Failed stuck", "Failed stuck"]
    api = with_tenant("Cancelling", past_no_return=True, script=stuck)
    assert run(api, "recover", "acme", *WHY, "--yes").code == 2
    api.tenants[0].script = list(stuck)
    api.tenants[0].phase = "Cancelling"
    assert run(api, "recover", "acme", *WHY, typed=["acme"]).code == 0


def test_a_recovery_that_keeps_resources_needs_no_confirmation():
    api = with_tenant("Failed retained", past_no_return=True)
    assert run(api, "recover", "acme", *WHY).code == 0
