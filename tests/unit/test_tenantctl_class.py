"""`recover --class` as an operator sees it: one tenant first, then a few at a time, nobody twice, and a report."""

import json
from collections import Counter

import httpx
import pytest

from tests.contract.fake_tenancy_api import FakeTenancy
from tests.contract.fake_tenant import FakeTenant, Moment
from tests.unit.tenantctl_runner import SleepingClock, run

WHY = ["--reason", "storage is back"]
AGAIN: tuple[Moment, ...] = ("Provisioning", ("Failed settled", "deploy_workloads", "no quota"))
FAILED_ONCE = {"attempt": 1, "activity": "deploy_workloads", "message": "no quota"}


def failed(slug: str, phase: str = "Failed settled", **facts: object) -> FakeTenant:
    return FakeTenant(slug, phase, failures=[dict(FAILED_ONCE)], **facts)  # type: ignore[arg-type]


def with_class(*tenants: FakeTenant) -> FakeTenancy:
    api = FakeTenancy(*tenants)
    api.classes = {7: list(tenants)}
    return api


def acted(api: FakeTenancy) -> list[tuple[str, str]]:
    """The actions that recoveries took on each tenant."""
    return [(each.slug, action) for each in api.tenants for action in each.recovered]


def stop_at_a_second_failure(api: FakeTenancy) -> None:
    """As the real policy does."""

    def stop(_: httpx.Request) -> None:
        for each in api.tenants:
            if len(each.failures) > 1:
                each.stop = "Attempt 2 failed with the same error as before."

    api.before.append(stop)


def report(out: str) -> dict[str, str]:
    rows = json.loads(out.splitlines()[-1])["tenants"]
    return {row["slug"]: row["outcome"] for row in rows}


def test_all_are_brought_back_and_nobody_is_touched_twice():
    api = with_class(*(failed(f"t{number:02}") for number in range(12)))
    ended = run(api, "recover", "--class", "7", *WHY, "--json")
    assert ended.code == 0, ended.err
    assert {each.phase for each in api.tenants} == {"Active"}
    assert Counter(acted(api)) == {(f"t{n:02}", action): 1 for n in range(12) for action in ("reset", "retry")}
    assert set(report(ended.out).values()) == {"recovered"}


def test_the_first_one_is_active_before_anybody_else_is_touched_and_then_only_so_many_are_under_way():
    most = 0
    api = with_class(
        *(failed(f"t{number}", after={"retry": [["Provisioning"] * 4 + ["Active"]]}) for number in range(8))
    )

    def watch(request: httpx.Request) -> None:
        nonlocal most
        touched = [each for each in api.tenants if each.phase in {"Failed ready", "Provisioning"}]
        most = max(most, len(touched))
        if not request.url.params and any(each.recovered for each in api.tenants[1:]):
            assert api.tenants[0].phase == "Active"

    api.before.append(watch)
    assert run(api, "recover", "--class", "7", *WHY, "--at-once", "2").code == 0
    assert most == 2


def test_what_is_needed_differs_from_tenant_to_tenant_and_a_dry_run_lists_it():
    hung, again = FakeTenant("hung", stalled=True), failed("again", "Provisioning", attempt=2)
    thrice = FakeTenant("thrice", "Failed settled", attempt=3)
    api = with_class(
        hung, failed("reset-me"), failed("ready", "Failed ready"), again, FakeTenant("well", "Active"), thrice
    )
    ended = run(api, "recover", "--class", "7", "--dry-run", "--json")
    assert (ended.code, acted(api)) == (0, [])
    report = json.loads(ended.out)
    assert report["first"] == "again"
    assert {each["slug"]: each["would"] for each in report["tenants"]} == {
        "hung": ["cancel", "reset", "retry"],
        "reset-me": ["reset", "retry"],
        "ready": ["retry"],
        "again": [],
        "well": [],
        "thrice": [],
    }
    drawn = run(api, "recover", "--class", "7", "--dry-run").out
    assert "Dry run, nothing was done. again would be recovered first" in drawn
    assert "3 attempts did not end Active" in drawn


def test_it_stops_at_the_first_failure_and_begins_nobody_else():
    tenants = [failed(f"t{number}") for number in range(6)]
    tenants[1].after = {"retry": [list(AGAIN)]}
    for slow in tenants[2:]:
        slow.after = {"retry": [["Provisioning"] * 50 + ["Active"]]}
    api = with_class(*tenants)
    stop_at_a_second_failure(api)
    ended = run(api, "recover", "--class", "7", *WHY, "--json")
    assert ended.code == 1
    assert report(ended.out) == {
        "t0": "recovered",
        "t1": "failed",
        "t2": "left under way",
        "t3": "left under way",
        "t4": "not begun",
        "t5": "not begun",
    }
    assert "with the same error as before" in ended.err
    assert {slug for slug, _ in acted(api)} == {"t0", "t1", "t2", "t3"}


def test_a_canary_that_fails_is_the_end():
    canary = failed("t0", after={"retry": [list(AGAIN)]})
    api = with_class(canary, failed("t1"))
    stop_at_a_second_failure(api)
    assert run(api, "recover", "--class", "7", *WHY).code == 1
    assert {slug for slug, _ in acted(api)} == {"t0"}


def test_run_again_it_continues_where_it_stopped():
    tenants = [failed(f"t{number}") for number in range(5)]
    tenants[2].after = {"retry": [["Provisioning"] * 90 + ["Active"]]}
    api = with_class(*tenants)
    assert run(api, "recover", "--class", "7", *WHY, "--timeout", "20", clock=SleepingClock()).code == 6
    ended = run(api, "recover", "--class", "7", *WHY, "--json")
    assert ended.code == 0, ended.err
    assert Counter(acted(api)) == {(f"t{n}", action): 1 for n in range(5) for action in ("reset", "retry")}
    assert report(ended.out)["t0"] == "skipped"


def test_a_person_is_asked_first_and_shown_what_became_of_each():
    api = with_class(failed("t0"), failed("t1"))
    assert run(api, "recover", "--class", "7", *WHY, typed=["n"]).code == 1
    assert acted(api) == []
    ended = run(api, "recover", "--class", "7", *WHY, typed=["y"])
    assert "Recover 2 tenants, first t0, then 3 at a time? [y/N]" in ended.err
    assert "t1    recovered  reset, retry" in ended.out


@pytest.mark.parametrize("words", [[], ["acme", "--class", "7"]])
def test_a_tenant_or_a_class_is_named(words: list[str]):
    ended = run(FakeTenancy(), "recover", *words)
    assert ended.code == 2
    assert "tenantctl classes" in ended.err


def test_the_list_of_classes_says_what_to_do():
    api = with_class(failed("t0"), failed("t1"), failed("t2"))
    printed = run(api, "classes").out
    assert "class 7  3 tenants  storage.blocked" in printed
    assert "recover --class 7" in printed
    assert "There is no open incident group." in run(FakeTenancy(), "classes").out
    assert run(FakeTenancy(), "recover", "--class", "7", *WHY).code == 4


def test_tenants_whose_cancel_destroys_customer_data_are_left_out():
    kept, hung = FakeTenant("kept", stalled=True, past_no_return=True), FakeTenant("hung", stalled=True)
    api = with_class(kept, hung)
    ended = run(api, "recover", "--class", "7", *WHY, "--yes", "--json")
    assert report(ended.out) == {"hung": "recovered", "kept": "skipped"}
    assert {slug for slug, _ in acted(api)} == {"hung"}
