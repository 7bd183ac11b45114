"""What an operator is asked, what is sent, and what is told: the verbs that change something."""

import json
import shlex
from pathlib import Path

import pytest

from tests.contract.fake_tenancy_api import FakeTenancy
from tests.contract.fake_tenant import FakeTenant
from tests.unit.tenantctl_runner import CommandResult, SleepingClock, run

FAILURES = [{"attempt": n, "activity": "deploy_workloads", "message": f"error {n}"} for n in (1, 2, 3)]
CREATE = ["--name", "Globex", "--plan", "starter", "--region", "us-east", "--admin-email", "admin@globex.example"]


def with_tenant(phase: str, **facts: object) -> FakeTenancy:
    return FakeTenancy(FakeTenant("acme", phase, **facts))  # type: ignore[arg-type]


def test_create_sends_the_request_and_says_how_to_follow_it():
    api = FakeTenancy()
    ended = run(api, "create", "globex", *CREATE)
    assert ended.code == 0
    assert "tenantctl watch globex" in ended.out
    assert api.body() == {
        "slug": "globex",
        "name": "Globex",
        "plan": "starter",
        "region": "us-east",
        "admin_email": "admin@globex.example",
    }


def test_create_and_recreate_send_the_product_that_was_named():
    api = FakeTenancy(FakeTenant("acme", "Decommissioned"))
    run(api, "create", "globex", *CREATE, "--product", "crm")
    assert api.body()["product"] == "crm"
    run(api, "recreate", "acme", "--product", "crm", "-m", "they want another one", "--yes")
    assert api.body()["product"] == "crm"


def test_create_asks_for_missing_values_and_offers_the_possible_ones():
    api = FakeTenancy()
    ended = run(api, "create", "globex", typed=["Globex", "business", "us-east", "admin@globex.example"])
    assert ended.code == 0
    assert "Plan (starter, business): " in ended.err
    assert api.body()["plan"] == "business"


def test_create_without_an_operator_names_the_missing_option():
    ended = run(FakeTenancy(), "create", "globex", "--name", "Globex")
    assert ended.code == 2
    assert "--plan is missing" in ended.err


def test_create_sends_the_products_parameters_as_texts():
    """The server reads numbers, true and false from them: it has the product's schema."""
    api = FakeTenancy()
    assert run(api, "create", "globex", *CREATE, "--set", "seats=5", "--set", "motto=a=b", "--set", "tier=").code == 0
    assert api.body()["parameters"] == {"seats": "5", "motto": "a=b", "tier": ""}


@pytest.mark.parametrize("setting", ["seats", "=5", ""])
def test_a_setting_without_key_or_value_is_wrong_usage(setting: str):
    ended = run(FakeTenancy(), "create", "globex", *CREATE, "--set", setting)
    assert (ended.code, "write key=value, such as --set seats=5" in ended.err) == (2, True)


TOML = """
slug = "globex"
name = "Globex"
plan = "starter"
region = "us-east"
admin_email = "admin@globex.example"
reason = "INC-7"
[parameters]
seats = 5
starts_on = 2026-01-31
"""


def test_create_reads_all_fields_from_a_file_and_options_win(tmp_path: Path):
    file = tmp_path / "globex.toml"
    file.write_text(TOML)
    api = FakeTenancy()
    assert run(api, "create", "--from", str(file), "--plan", "business", "--set", "seats=7").code == 0
    assert api.body() == {
        "slug": "globex",
        "name": "Globex",
        "plan": "business",
        "region": "us-east",
        "admin_email": "admin@globex.example",
        "reason": "INC-7",
        "parameters": {"seats": "7", "starts_on": "2026-01-31"},
    }


def test_create_reads_a_json_file_and_asks_for_what_is_missing(tmp_path: Path):
    file = tmp_path / "globex.json"
    file.write_text(
        json.dumps({"name": "Globex", "plan": "starter", "region": "us-east", "parameters": {"trial": True}})
    )
    api = FakeTenancy()
    assert run(api, "create", "--from", str(file), typed=["globex", "admin@globex.example"]).code == 0
    assert (api.body()["slug"], api.body()["parameters"]) == ("globex", {"trial": True})


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("a.json", None, "cannot be read: No such file or directory"),
        ("a.json", "{", "is not JSON: "),
        ("a.json", "\xff", "is not JSON: "),
        ("a.toml", "= 1", "is not TOML: "),
        ("a.json", "[]", "must be an object with the fields of a request"),
        ("a.json", '{"parameters": 5}', "and so must `parameters`"),
    ],
)
def test_a_file_that_is_no_request_is_wrong_usage(tmp_path: Path, name: str, text: str | None, sentence: str):
    file = tmp_path / name
    if text is not None:
        file.write_bytes(text.encode("latin-1"))
    ended = run(FakeTenancy(), "create", "globex", "--from", str(file))
    assert ended.code == 2
    assert sentence in " ".join(ended.err.split())


@pytest.mark.parametrize("verb", ["retry", "recreate"])
def test_parameters_can_be_corrected(verb: str):
    api = with_tenant("Failed ready" if verb == "retry" else "Decommissioned")
    assert run(api, verb, "acme", "--set", "seats=8", "--reason", "typo").code == 0
    assert api.body()["corrections"] == {"parameters": {"seats": "8"}}


def test_a_reason_is_asked_for_and_without_an_operator_it_is_wrong_usage():
    api = with_tenant("Failed settled")
    assert run(api, "reset", "acme").code == 2
    assert api.writes == []
    assert run(api, "reset", "acme", typed=["storage is back"]).code == 0
    assert api.body()["reason"] == "storage is back"


@pytest.mark.parametrize("reason", ["  ", "x" * 501])
def test_a_reason_that_the_audit_log_cannot_keep_is_wrong_usage(reason: str):
    assert run(with_tenant("Failed settled"), "reset", "acme", "--reason", reason).code == 2


def test_a_refusal_is_the_sentence_the_next_action_and_the_wait():
    ended = run(with_tenant("Provisioning"), "reset", "acme", "--reason", "why")
    assert ended.code == 3
    assert ended.err == (
        "tenantctl: Reset is refused while the tenant is Provisioning. "
        "Cancel first: it releases the resources cleanly. Try again in 2 minutes.\n"
    )


def test_a_refusal_whose_sentence_does_not_say_what_helps_gets_the_next_action():
    api = FakeTenancy(FakeTenant("acme", "Active"))
    ended = run(api, "create", "acme", *CREATE)
    assert (ended.code, "is taken" in ended.err) == (3, True)


def test_an_operator_is_asked_before_a_cancel_and_a_script_is_not():
    api = with_tenant("Provisioning")
    assert run(api, "cancel", "acme", "-m", "stuck", typed=["n"]).code == 1
    assert api.writes == []
    assert run(api, "cancel", "acme", "-m", "stuck", typed=["y"]).code == 0
    assert run(with_tenant("Provisioning"), "cancel", "acme", "-m", "stuck").code == 0
    assert run(with_tenant("Provisioning"), "cancel", "acme", "-m", "stuck", "--yes", typed=[]).code == 0


def test_a_dry_run_lists_what_would_be_undone_in_order_and_does_nothing():
    api = with_tenant("Provisioning")
    ended = run(api, "cancel", "acme", "--dry-run")
    assert ended.code == 0
    assert ended.out.index("1.  role acme_1") < ended.out.index("2.  database acme_1")
    assert api.tenants[0].phase == "Provisioning"


def test_a_dry_run_of_what_is_refused_says_so_and_exits_as_the_action_would():
    ended = run(with_tenant("Active"), "cancel", "acme", "--dry-run")
    assert ended.code == 3
    assert "It would be refused: cancel is refused now." in ended.out


def test_cancel_with_wait_shows_the_three_facts_as_they_change():
    api = with_tenant("Provisioning")
    ended = run(api, "cancel", "acme", "--wait", "-m", "stuck")
    assert ended.code == 0
    lines = [line for line in ended.out.splitlines() if "compensations" in line]
    assert [line.split(";")[1].strip() for line in lines] == ["compensations 0 of 2", "compensations 2 of 2"]
    assert "resources left 2: database acme_1, role acme_1" in lines[0]
    assert "resources left none" in lines[-1]


def test_cancel_with_wait_fails_when_something_is_stuck():
    api = with_tenant("Provisioning", after={"cancel": [["Cancelling", "Failed stuck"]]})
    ended = run(api, "cancel", "acme", "--wait", "-m", "stuck")
    assert ended.code == 1
    assert "remove the cause" in ended.err


def test_cancel_with_wait_gives_up_in_time_and_says_what_is_still_so():
    api = with_tenant("Provisioning", after={"cancel": [["Cancelling"] * 99]})
    ended = run(api, "cancel", "acme", "--wait", "--timeout", "20", "-m", "stuck", clock=SleepingClock())
    assert ended.code == 6
    assert "Not done within 20 seconds. The operation continues. acme is Cancelling." in ended.err


def test_decommission_wants_the_slug_typed_and_yes_does_not_replace_it():
    api = with_tenant("Failed settled")
    assert run(api, "decommission", "acme", "--yes", "-m", "gone").code == 2
    assert run(api, "decommission", "acme", "-m", "gone", typed=["acne"]).code == 2
    assert api.writes == []
    assert run(api, "decommission", "acme", "-m", "gone", typed=["acme"]).code == 0
    assert api.body()["confirm_slug"] == "acme"


def test_decommission_in_a_script_takes_the_id_and_the_slug_as_an_option_and_waits():
    api = with_tenant("Failed settled")
    ended = run(api, "decommission", api.tenants[0].id, "--confirm", "acme", "--wait", "-m", "gone")
    assert ended.code == 0
    assert "acme is Decommissioned: nothing is left." in ended.out


def named_command(refused: CommandResult) -> list[str]:
    """The words of the command that the refusal names, after `tenantctl`."""
    return shlex.split(" ".join(refused.err.split()).partition("To confirm: tenantctl ")[2])


@pytest.mark.parametrize(
    ("phase", "words", "facts"),
    [
        ("Failed settled", ["decommission"], {}),
        ("Provisioning", ["cancel"], {"past_no_return": True}),
        ("Failed ready", ["retry", "--plan", "business", "--set", "seats=5"], {"attempt": 3, "failures": FAILURES}),
        ("Failed stuck", ["recover"], {"past_no_return": True}),
    ],
)
def test_a_script_that_must_confirm_is_told_the_command_that_works(
    phase: str, words: list[str], facts: dict[str, object]
):
    api = with_tenant(phase, **facts)
    refused = run(api, words[0], "acme", *words[1:], "-m", "the contract's end")
    assert (refused.code, api.tenants[0].phase) == (2, phase)
    assert run(api, *named_command(refused)).code == 0
    sent = api.body()
    assert sent["confirm_slug"] == "acme"
    assert sent["reason"] == "the contract's end"
    assert sent.get("corrections", {}) == ({"plan": "business", "parameters": {"seats": "5"}} if len(words) > 1 else {})


@pytest.mark.parametrize(
    ("phase", "what"),
    [("Failed settled", "frees its slug; it has nothing left."), ("Active", "deletes all that it has, for good.")],
)
def test_decommission_says_what_it_deletes(phase: str, what: str):
    assert what in " ".join(run(with_tenant(phase), "decommission", "acme", "-m", "gone").err.split())


def test_a_missing_reason_is_asked_for_before_the_command_to_confirm_is_named():
    """A reason of ours, pasted with the command, would be the recorded reason for destroying data."""
    ended = run(with_tenant("Active"), "decommission", "acme")
    assert "A reason is missing" in ended.err
    assert "--confirm acme" not in ended.err


@pytest.mark.parametrize("typed", [None, ["acme"]])
def test_a_slug_as_an_option_does_not_say_which_tenant_is_meant(typed: list[str] | None):
    """The same line of a script, run again once the slug is another tenant's."""
    api = with_tenant("Active")
    ended = run(api, "decommission", "acme", "--confirm", "acme", "-m", "gone", typed=typed)
    assert ended.code == 2
    assert f"acme is {api.tenants[0].id}" in ended.err
    assert api.writes == []


@pytest.mark.parametrize(
    ("phase", "words", "typed"),
    [
        ("Active", ["decommission", "acme"], ["acme"]),
        ("Provisioning", ["cancel", "acme"], ["y"]),
        ("Provisioning", ["reset", "acme", "--force"], ["y"]),
        ("Failed settled", ["recreate", "acme"], []),
    ],
)
def test_what_destroys_names_the_id_of_the_tenant_that_was_shown(phase: str, words: list[str], typed: list[str]):
    api = with_tenant(phase)
    shown = run(api, *words, "-m", "why", typed=list(typed))
    assert api.body()["tenant_id"] == api.tenants[0].id
    assert not typed or f"acme ({api.tenants[0].id}, {phase})" in " ".join(shown.err.split())


def test_a_cancel_that_destroys_wants_the_slug_typed():
    api = with_tenant("Provisioning", past_no_return=True)
    assert run(api, "cancel", "acme", "-m", "why", "--yes").code == 2
    assert run(api, "cancel", "acme", "-m", "why", "--yes", typed=["acme"]).code == 0
    assert api.body()["confirm_slug"] == "acme"


def test_the_fourth_attempt_wants_the_slug_typed():
    api = with_tenant("Failed ready", attempt=3, failures=list(FAILURES))
    refused = run(api, "retry", "acme", "-m", "again")
    assert refused.code == 2
    assert "--confirm acme" in refused.err
    assert run(api, "retry", "acme", "-m", "again", typed=["acme"]).code == 0
    assert api.body() == {"corrections": {}, "confirm_slug": "acme", "reason": "again"}


def test_retry_sends_only_the_corrections_that_were_given():
    api = with_tenant("Failed ready")
    run(api, "retry", "acme", "--region", "us-east", "--admin-email", "new@acme.example", "-m", "typo")
    assert api.body()["corrections"] == {"region": "us-east", "admin_email": "new@acme.example"}


def test_a_forced_reset_is_asked_about_and_says_force():
    api = with_tenant("Provisioning")
    assert run(api, "reset", "acme", "--force", "-m", "why", typed=["no"]).code == 1
    assert run(api, "reset", "acme", "--force", "-m", "why", typed=["yes"]).code == 0
    assert api.body()["force"] is True


def test_escalate_prints_the_runbooks_list_ready_to_paste():
    error = {
        "at": "2026-11-22T03:04:05Z",
        "attempt": 2,
        "activity": "deploy_workloads",
        "error": "E",
        "message": "no quota",
    }
    facts = ["tenant.provisioning.cancel.requested", "tenant.provisioning.reset"]
    api = with_tenant("Failed settled", attempt=2, errors=[error], facts=facts, failures=FAILURES[:2])
    ended = run(api, "escalate", "acme", "-m", "three nights in a row")
    assert ended.code == 0
    for line in (
        f"Tenant's id:              {api.tenants[0].id}",
        "Slug:                     acme",
        "Last successful activity: Allocate storage (attempt 2)",
        "Last error:               deploy_workloads: no quota (2026-11-22 03:04:05Z)",
    ):
        assert line in ended.out.splitlines()
    assert ended.out.splitlines()[-3:] == [
        "Already tried:            cancel yes, reset yes, retry no",
        "- cancel at 2026-11-22 02:58:00 UTC by operator: Failed settled at 02:59:00",
        "- reset at 2026-11-22 02:58:00 UTC by operator: Failed ready",
    ]


def test_the_list_has_the_ten_newest_actions_and_counts_the_others():
    facts = ["tenant.provisioning.cancel.requested"] * 2 + ["tenant.action.refused"] * 10
    ended = run(with_tenant("Failed settled", facts=facts), "escalate", "acme", "-m", "help")
    tried, older, *listed = ended.out.splitlines()[-12:]
    assert tried == "Already tried:            cancel yes, reset no, retry no"
    assert older == "- 2 older actions"
    assert listed == ["- reset at 2026-11-22 02:58:00 UTC by operator: refused: Reset is refused."] * 10


def test_the_last_error_is_no_refused_click():
    wrong = {"at": "3:04", "attempt": 1, "activity": "", "error": "UnwindingExhausted", "message": "Not undone: a."}
    refused = {"at": "3:05", "attempt": 1, "activity": "", "error": "Refused", "message": "Reset is refused."}
    ended = run(with_tenant("Failed stuck", errors=[wrong, refused]), "escalate", "acme", "-m", "help")
    assert "Last error:               Not undone: a. (3:04)" in ended.out


def test_a_dry_run_of_escalate_prints_the_list_too():
    api = with_tenant("Failed settled")
    ended = run(api, "escalate", "acme", "--dry-run")
    assert (ended.code, "Tenant's id:" in ended.out, api.tenants[0].facts) == (0, True, api.tenants[0].facts[:1])


def test_json_of_an_action_is_the_apis_answer():
    ended = run(with_tenant("Failed settled"), "reset", "acme", "--json", "-m", "why")
    assert json.loads(ended.out)["tenant"]["substate"] == "ready"


def test_an_invitation_is_shown_once_with_its_address_and_expiry():
    api = with_tenant("Active")
    ended = run(api, "invitation", "acme")
    assert ended.code == 0
    for words in (
        "admin@acme.example",
        "0" * 64,
        "http://acme.eu.example/admin/login",
        "2026-11-29",
        "not shown again",
    ):
        assert words in ended.out.replace("\n", "")
    again = run(api, "invitation", "acme")
    assert (again.code, "It was shown to ada" in again.err) == (3, True)
    assert run(api, "invitation", "acme", "--renew").code == 2, "a reason is missing"
    assert run(api, "invitation", "acme", "--renew", "--reason", "lost").code == 0
    assert api.body() == {"renew": True, "reason": "lost"}


@pytest.mark.parametrize(
    ("tenant", "message"),
    [
        (
            {"phase": "Provisioning", "why": "0 of 1 pods ready; ImagePullBackOff"},
            "Deploy tenant workloads: 0 of 1 pods",
        ),
        (
            {"phase": "Active", "errors": [{"error": "Refused", "message": "There is nothing to cancel."}]},
            "none recorded",
        ),
    ],
    ids=["a stall", "a refused click"],
)
def test_the_last_error_of_an_escalation_is_what_keeps_it(tenant: dict[str, object], message: str):
    api = with_tenant(str(tenant.pop("phase")), **tenant)
    assert f"Last error:               {message}" in run(api, "escalate", "acme", "-m", "help").out
