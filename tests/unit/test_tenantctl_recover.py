"""`recover` as an operator sees it: explained steps, waits, and an end that says why."""

import httpx
import pytest

from tests.contract.fake_documents import problem
from tests.contract.fake_tenancy_api import FakeTenancy
from tests.contract.fake_tenant import FakeTenant, Moment
from tests.unit.tenantctl_runner import SleepingClock, run

WHY = ["--reason", "stuck"]
SAME: tuple[str, str, str] = ("Failed unwinding", "deploy_workloads", "no quota for 3 pods")


def with_tenant(phase: str, **facts: object) -> FakeTenancy:
    return FakeTenancy(FakeTenant("acme", phase, **facts))  # type: ignore[arg-type]


def remaining_steps(api: FakeTenancy) -> list[str]:
    return api.writes


def test_a_stuck_tenant_is_cancelled_reset_and_retried_each_step_explained():
    api = with_tenant("Provisioning", stalled=True)
    ended = run(api, "recover", "acme", *WHY)
    assert ended.code == 0
    assert remaining_steps(api) == ["cancel", "reset", "retry"]
    told = [line for line in ended.out.splitlines() if line.startswith("→")]
    assert told == [
        "→ cancel acme: it is stalled at Deploy tenant workloads for 7:01 min.",
        "→ reset acme: nothing is left behind.",
        "→ retry acme: it is clean and ready.",
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
    assert remaining_steps(api) == expected


def test_an_unwinding_of_somebody_else_is_waited_for():
    api = with_tenant("Cancelling", script=["Cancelling", "Cancelling", "Failed settled"])
    assert run(api, "recover", "acme", *WHY).code == 0
    assert remaining_steps(api) == ["reset", "retry"]


def test_a_retry_that_fails_as_before_ends_it_and_says_that_it_is_not_transient():
    failed = [{"attempt": 1, "activity": "deploy_workloads", "message": "no quota for 2 pods"}]
    again: list[Moment] = ["Provisioning", SAME, "Failed settled"]
    api = with_tenant("Failed settled", failures=failed, after={"retry": [again]})
    ended = run(api, "recover", "acme", *WHY)
    assert ended.code == 1
    assert remaining_steps(api) == ["reset", "retry"]
    assert "failed at deploy_workloads with the same error as before: no quota for 3 pods." in ended.err
    assert "escalate" in ended.err


def test_a_refusal_that_waiting_helps_is_waited_out():
    api, clock = with_tenant("Failed settled"), SleepingClock()
    refusals = [problem(409, "A cancel has not completed.", headers={"Retry-After": "120"})]
    api.before.append(lambda r: refusals.pop() if refusals and r.url.path.endswith("/reset") else None)
    ended = run(api, "recover", "acme", *WHY, clock=clock)
    assert ended.code == 0
    assert 120 in clock.slept
    assert "Waiting 2 minutes." in ended.err


def test_a_refusal_that_waiting_does_not_help_ends_it():
    api = with_tenant("Failed settled")
    api.before.append(lambda r: problem(409, "Not yours.") if r.url.path.endswith("/reset") else None)
    ended = run(api, "recover", "acme", *WHY)
    assert ended.code == 3
    assert "Not yours." in ended.err


def test_a_colleague_who_is_quicker_is_noticed_and_not_undone():
    api = with_tenant("Failed settled")

    def quicker(request: httpx.Request) -> httpx.Response | None:
        if request.url.path.endswith("/reset") and api.tenants[0].attempt == 1:
            api.tenants[0].act("retry")
        return None

    api.before.append(quicker)
    ended = run(api, "recover", "acme", *WHY)
    assert (ended.code, remaining_steps(api)) == (0, ["reset"])
    assert "somebody else has changed it" in ended.err


def test_an_unavailable_api_is_polled_and_reported_once():
    api = with_tenant("Failed ready")
    away = [httpx.ConnectError("refused")] * 3

    def flaky(request: httpx.Request) -> httpx.Response | None:
        if away and api.tenants[0].phase == "Provisioning":
            raise away.pop()
        return None

    api.before.append(flaky)
    ended = run(api, "recover", "acme", *WHY)
    assert ended.code == 0
    assert ended.err.count("cannot be reached") == 1
    assert "Tenancy responds again." in ended.err


def test_an_unwinding_that_hangs_is_cancelled_again_after_two_minutes():
    hangs: list[list[Moment]] = [["Cancelling"] * 200, ["Cancelling", "Failed settled"]]
    api, clock = with_tenant("Provisioning", stalled=True, after={"cancel": hangs}), SleepingClock()
    assert run(api, "recover", "acme", *WHY, clock=clock).code == 0
    assert remaining_steps(api) == ["cancel", "cancel", "reset", "retry"]
    assert 120 <= clock.now < 150


def test_out_of_time_it_says_where_the_tenant_is():
    api = with_tenant("Failed ready", after={"retry": [["Provisioning"] * 99]})
    ended = run(api, "recover", "acme", *WHY, "--timeout", "60", clock=SleepingClock())
    assert ended.code == 6
    assert "acme is Provisioning: attempt 2 runs: Deploy tenant workloads." in ended.err


def test_a_fourth_attempt_wants_the_slug_typed_before_anything_is_undone():
    failures = [{"attempt": n, "activity": "deploy_workloads", "message": "x"} for n in (1, 2, 3)]
    api = with_tenant("Provisioning", stalled=True, attempt=3, failures=failures)
    ended = run(api, "recover", "acme", *WHY, "--yes")
    assert ended.code == 2
    assert "decommission + recreate" in ended.err
    assert remaining_steps(api) == []
    assert run(api, "recover", "acme", *WHY, "--confirm", "acme").code == 0


@pytest.mark.parametrize("facts", [{}, {"seconds": 25.0}, {"past_no_return": True}, {"held": "The cluster is down."}])
def test_a_healthy_attempt_is_waited_for_and_never_cancelled(facts: dict[str, object]):
    api = with_tenant("Provisioning", script=["Provisioning", "Provisioning", "Active"], **facts)
    ended = run(api, "recover", "acme", *WHY)
    assert (ended.code, remaining_steps(api)) == (0, [])
    assert "nothing is cancelled" in ended.out
    assert "acme is Active" in ended.out


def test_a_held_attempt_is_not_cancelled_however_late_it_is():
    api = with_tenant(
        "Provisioning", stalled=True, held="The cluster is down.", script=["Provisioning", "Provisioning", "Active"]
    )
    ended = run(api, "recover", "acme", *WHY)
    assert (ended.code, remaining_steps(api)) == (0, [])
    assert "it is held: The cluster is down." in ended.out


def test_a_stalled_attempt_past_the_point_of_no_return_is_not_cancelled_even_with_the_slug():
    api = with_tenant("Provisioning", stalled=True, past_no_return=True)
    ended = run(api, "recover", api.tenants[0].id, *WHY, "--yes", "--confirm", "acme")
    assert (ended.code, remaining_steps(api)) == (3, [])
    assert "it has passed its point of no return" in ended.err


def test_an_attempt_that_stalls_while_it_is_waited_for_is_cancelled():
    api = with_tenant("Provisioning")
    looks: list[str] = []

    def stall_later(request: httpx.Request) -> None:
        looks.append(request.url.path)
        api.tenants[0].stalled = len(looks) == 4

    api.before.append(stall_later)
    assert run(api, "recover", "acme", *WHY).code == 0
    assert remaining_steps(api) == ["cancel", "reset", "retry"]


def test_a_decommissioned_tenant_is_not_recovered():
    ended = run(with_tenant("Decommissioned"), "recover", "acme", *WHY)
    assert ended.code == 3
    assert "there is nothing to recover" in ended.err


def test_a_dry_run_lists_the_steps():
    api = with_tenant("Provisioning", stalled=True)
    ended = run(api, "recover", "acme", "--dry-run")
    assert (ended.code, api.tenants[0].phase) == (0, "Provisioning")
    assert "1.  role acme_1" in ended.out
    assert "It would cancel, then reset, then retry." in ended.out
    waits = run(with_tenant("Provisioning"), "recover", "acme", "--dry-run")
    assert "It is not stalled, so it is waited for. It would wait." in waits.out


def test_a_warning_is_printed_once_however_many_answers_repeat_it():
    api = with_tenant("Failed settled", warnings=["Not transient: it failed twice."])
    ended = run(api, "recover", "acme", *WHY)
    assert remaining_steps(api) == ["reset", "retry"]
    assert ended.err.count("Not transient") == 1


def test_a_recovery_that_continues_with_a_destructive_cancel_wants_the_slug_typed_before_anything_is_done():
    api = with_tenant("Failed stuck", past_no_return=True)
    assert run(api, "recover", "acme", *WHY, "--yes").code == 2
    assert run(api, "recover", "acme", *WHY, "--yes", "--confirm", "acme").code == 2, "which tenant is not said"
    assert remaining_steps(api) == []
    assert run(api, "recover", api.tenants[0].id, *WHY, "--yes", "--confirm", "acme").code == 0
    assert (api.body(0)["tenant_id"], api.body(0)["confirm_slug"]) == (api.tenants[0].id, "acme")


def test_a_recovery_that_keeps_resources_needs_no_confirmation():
    api = with_tenant("Failed retained", past_no_return=True)
    assert run(api, "recover", "acme", *WHY).code == 0
