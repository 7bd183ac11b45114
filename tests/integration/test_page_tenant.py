"""A tenant's page on a real ledger: rows, tabs, logs, actions, and a run's tab."""

import re
from dataclasses import replace
from uuid import UUID

from tenancy.console.callers import Caller, Right
from tenancy.console.pages.reads import durations_cache
from tenancy.saga import commands as c
from tenancy.saga.facts import RequestRefused
from tenancy.saga.names import PLATFORM_STREAM, RunId, TenantId
from tests.asgi_requests import ask
from tests.integration.console_client import NOW, OPERATOR, SOON, STAMP, VIEWER, Console, looks
from tests.integration.lifecycles import FIRST_FAILS, RETRIED_AND_RETAINED, SECOND_RUN, STUCK_THEN_SETTLED, WHOLE_LIFE
from tests.unit.sagas import (
    ACME,
    HANDLE,
    STORAGE,
    TENANT,
    VALIDATE,
    begin,
    done,
    fail,
    give_up,
    start,
)

MADE = (("database", "acme_1"), ("role", "acme_1"))
"""What STORAGE makes, last first."""


def test_a_viewer_sees_every_action_disabled_and_an_operator_those_that_are_allowed(console: Console):
    console.tenant(start(), *done(VALIDATE), begin(STORAGE))
    allowed = re.compile(r'id="action-(\w+)" data-allowed="yes"')
    assert set(allowed.findall(console.get("/tenants/acme").text)) == {"recover", "cancel", "escalate"}
    console.caller = VIEWER
    text = console.get("/tenants/acme").text
    assert allowed.findall(text) == []
    assert text.count("Your role may read only.") == 8


def test_what_needs_two_permissions_is_off_for_who_has_one_of_them(console: Console):
    console.tenant(start(), c.Cancel(), c.Settle(1))
    action = re.compile(r'id="action-(\w+)" data-allowed="(\w+)".*?<small id="why-\w+">(.*?)</small>', re.DOTALL)
    lacking = "Your role lacks the permission can_edit on DAG Runs."
    console.caller = Caller("starter", frozenset({Right.READ, Right.CREATE}))
    shown = {name: (allowed, why) for name, allowed, why in action.findall(console.get("/tenants/acme").text)}
    assert shown["recreate"] == shown["recover"] == ("no", lacking)
    assert shown["retry"][1] != lacking
    console.get("/tenants/acme/actions/recreate", 403)
    console.caller = OPERATOR
    assert 'id="action-recreate" data-allowed="yes"' in console.get("/tenants/acme").text


def test_a_tenant_of_which_nothing_exists_has_no_address(console: Console):
    region = next(iter(console.tenancy.platform.regions.values()))
    address = f"{ACME.slug}.{region.ingress_domain}"
    console.tenant(start(parameters=replace(ACME, region=region.name)))
    assert address not in console.get("/tenants/acme").text
    console.tenant(*done(VALIDATE), begin(STORAGE))
    assert address in console.get("/tenants/acme").text
    console.tenant(c.Cancel(), *(step(1, *each) for each in MADE for step in (c.ReleaseResource, c.ConfirmReleased)))
    console.tenant(c.Settle(1))
    text = console.get("/tenants/acme").text
    assert (address in text, "none: nothing of it exists" in text) == (False, True)


def test_a_tenants_page_only_reads(console: Console):
    console.tenant(start())
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert ask(console.app, method, "/tenants/acme").status_code == 405


def test_seven_rows_with_both_labels_and_their_signs(console: Console):
    console.tenant(start(), *done(VALIDATE, STORAGE), begin(HANDLE))
    console.now = SOON
    text = console.get("/tenants/acme").text
    assert looks(text) == ["done", "done", "running", "idle", "idle", "idle", "idle"]
    for label in (
        "Allocate workflow handle",
        "allocate resources",
        "seed schema",
        "wait for ready",
        "stalled after 10 min",
    ):
        assert label in text


def test_compensations_show_on_the_same_rows(console: Console):
    made = ("connection", "acme_1")
    console.tenant(
        start(), *done(VALIDATE, STORAGE), begin(HANDLE), fail(HANDLE), give_up(HANDLE, 1), c.ReleaseResource(1, *made)
    )
    text = console.get("/tenants/acme").text
    assert looks(text)[:4] == ["done", "done", "failed", "idle"]
    assert "failed · being undone" in text
    assert "0 of 3 undone" in text
    console.tenant(c.ConfirmReleased(1, *made), c.ReleaseResource(1, "database", "acme_1"))
    text = console.get("/tenants/acme").text
    assert looks(text)[:4] == ["done", "undoing", "failed", "idle"]
    assert "1 of 3 undone" in text


def test_a_cancelled_activity_does_not_continue_spinning(console: Console):
    console.tenant(start(), *done(VALIDATE, STORAGE), begin(HANDLE), c.Cancel())
    assert looks(console.get("/tenants/acme").text)[2] == "stopped"


def test_attempts_stay_as_tabs(console: Console):
    tenant_id = console.tenant(*WHOLE_LIFE)
    text = console.get(f"/tenants/{tenant_id}").text
    assert re.findall(r"Attempt (\d) <small>(\w+)</small>", text) == [("3", "active"), ("2", "failed"), ("1", "failed")]
    first = console.get(f"/tenants/{tenant_id}?attempt=1").text
    assert looks(first)[3] == "failed"
    assert f"tenants/{tenant_id}?part=live&amp;attempt=1" in first


def test_the_error_and_audit_logs_say_who_what_when_and_why(console: Console):
    tenant_id = console.tenant(*WHOLE_LIFE)
    text = console.get(f"/tenants/{tenant_id}").text
    for words in ("TransientError", "no answer", "tenant.decommissioned", "ada", "Older facts"):
        assert words in text
    older = console.get(f"/tenants/{tenant_id}?below=20").text
    assert "tenant.provisioning.requested" in older
    assert "because" in older


def test_the_next_action_is_the_runbooks(console: Console):
    console.tenant(start(), begin(VALIDATE))
    console.now = SOON
    assert "Wait: most tenants are active" in console.get("/tenants/acme").text
    console.now = NOW
    late = console.get("/tenants/acme").text
    assert "Validate request is stalled" in late
    assert "Cancel provisioning, correct the input, and recreate." in late


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
        session.append_notice(PLATFORM_STREAM, refused, stamp=STAMP)
    assert "The plan platinum is not offered." in console.get("/runs/tenant_provisioning/run-x").text
    assert "No tenant has begun in this run" in console.get("/runs/tenant_provisioning/manual__a+b%2Fc").text
    assert "This run belongs to no tenant" in console.get("/runs/another_dag/run-x").text
    assert "No tenant has begun" in console.get("/runs/tenant_compensation/compensate__x__1__1").text


def test_what_usually_is_comes_from_history(console: Console):
    for number in range(5):
        run_id, named = RunId(f"run-{number}"), replace(ACME, slug=f"slug-{number}")
        if number == 4:
            assert "usually" not in console.get("/tenants/slug-3").text
        begun = start(run_id, named, TenantId(UUID(int=TENANT.int + number)))
        console.tenant(begun, *done(VALIDATE, run_id=run_id), number=number)
    console.app.state.durations_cache = durations_cache(console.app.state.services)
    text = console.get("/tenants/slug-3").text
    assert len(re.findall(r"usually [\d.]+ s, 95 of 100 within", text)) == 1
