"""Classes of stall as they are shown: on top of the list, on each tenant's page, by the API; and one pass of many."""

from typing import Any

import pytest
from fastapi import FastAPI

from tenancy.console.api.app import create_api
from tenancy.console.callers import Caller, Right
from tenancy.console.services import Services
from tenancy.engine.notifications.incident_groups import record_incident_groups
from tenancy.engine.notifications.raise_alerts import raise_group_alerts, raise_stall_alerts
from tenancy.engine.reconciliation.reconcile import reconcile
from tenancy.ledger import alerts
from tenancy.ledger.incident_groups import load_grouped_tenants, save_group
from tenancy.ledger.ledger import Ledger
from tenancy.saga.causes import Cause
from tenancy.saga.incident_groups import IncidentGroup, IncidentSignature
from tests.asgi_requests import ask
from tests.integration.console_client import Console
from tests.integration.engine_harness import EngineHarness
from tests.integration.stalled_tenants import begun, failed, numbered, recovered, stalled
from tests.unit.sagas import STORAGE

ESCALATE_ONCE = "A class issue, not this tenant's (3 tenants): escalate once."


@pytest.fixture
def classed(ledger: Ledger) -> Ledger:
    """Three that failed for one cause, and one that is well."""
    with ledger.open("test") as session:
        for number in range(3):
            failed(session, number, "eu-central")
        begun(session, 3, "eu-central")
        record_incident_groups(session)
    return ledger


@pytest.fixture
def api(console: Console) -> FastAPI:
    async def viewer(_request: Any) -> Caller:
        return Caller("viewer", frozenset({Right.READ}))

    return create_api(Services(lambda: console.tenancy, lambda: console.now), viewer)


def get(api: FastAPI, path: str) -> Any:
    answer = ask(api, "GET", path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_list_has_the_class_on_top_with_its_tenants(classed: Ledger, console: Console):
    text = console.get("/").text
    assert text.count("A class issue, not one tenant") == 1
    assert text.index("A class issue") < text.index("Needs a person")
    panel = text[text.index('id="class-') : text.index("Needs a person")]
    assert [panel.count(f"tenants/{numbered(number)}") for number in range(4)] == [1, 1, 1, 0]
    assert "Escalate once, for all of them." in panel


def test_each_of_its_tenants_links_to_it_and_is_advised_to_escalate_once(classed: Ledger, console: Console):
    text = console.get(f"/tenants/{numbered(0)}").text
    assert "A class issue, not this tenant&#39;s (3 tenants): escalate once." in text
    assert "/#class-" in text
    assert "class issue" not in console.get(f"/tenants/{numbered(3)}").text.lower()


def test_the_api_lists_it_shows_it_and_names_it_for_each_tenant(classed: Ledger, api: FastAPI):
    (one,) = get(api, "/classes")["classes"]
    assert (one["members"], one["cause"], one["activity"]) == (3, "storage.blocked", "allocate_storage")
    assert one["sentence"].startswith("At Allocate storage in eu-central: The storage refuses role t_0")
    assert one["error"] == "The storage refuses role #: backend # was ended."
    shown = get(api, f"/classes/{one['id']}")
    assert [(each["slug"], each["state"], each["left_at"]) for each in shown["tenants"]] == [
        (f"t-{number:02}", "Failed", None) for number in range(3)
    ]
    assert get(api, "/tenants/t-00")["class_issue"] == one["id"]
    assert get(api, "/tenants/t-00")["next_action"].startswith(ESCALATE_ONCE)
    assert get(api, "/tenants/t-03")["class_issue"] is None


def test_a_class_that_is_over_is_listed_no_more_and_still_found(classed: Ledger, api: FastAPI):
    (one,) = get(api, "/classes")["classes"]
    with classed.open("test") as session:
        for number in range(3):
            recovered(session, number)
        record_incident_groups(session)
    assert get(api, "/classes")["classes"] == []
    shown = get(api, f"/classes/{one['id']}")
    assert (shown["members"], len(shown["tenants"]), shown["closed_at"] is not None) == (0, 3, True)
    assert ask(api, "GET", "/classes/999999").status_code == 404


def test_a_pass_of_the_reconciler_keeps_classes_and_says_so(harness: EngineHarness):
    with harness.tenancy.ledger.open("test") as session:
        for number in range(3):
            failed(session, number)
    assert "1 classes opened" in reconcile(harness.tenancy)
    assert "classes" not in reconcile(harness.tenancy)


def test_an_incident_group_is_reported_once_and_its_tenants_are_not(harness: EngineHarness):
    with harness.tenancy.ledger.open("test") as session:
        for number in range(60):
            stalled(session, number)
        for _ in range(2):
            record_incident_groups(session)
            raise_group_alerts(session)
            raise_stall_alerts(harness.tenancy, session, but=load_grouped_tenants(session))
        alerts.address_alerts(session, ["c"])
        delivery = alerts.claim_delivery(session, ["c"])
        assert alerts.claim_delivery(session, ["c"]) is None
    assert delivery is not None
    assert delivery.alert.subject.startswith("A class issue: 60 tenants do not get on at Allocate storage in eu")


@pytest.fixture
def crowd(ledger: Ledger) -> Ledger:
    """More classes than the page, the API or one pass of telling has room for."""
    with ledger.open("test") as session:
        for number in range(103):
            what = IncidentSignature(STORAGE, Cause.STORAGE_BLOCKED, "the same", f"region-{number}", "1.0.0", "1")
            save_group(session, IncidentGroup(what, frozenset(), session.now, session.now, "It is blocked."))
    return ledger


def test_how_many_more_there_are_is_reported(crowd: Ledger, console: Console, api: FastAPI):
    text = console.get("/").text
    assert text.count("A class issue, not one tenant") == 10
    assert "And 93 more classes of stall:" in text
    listed = get(api, "/classes")
    assert (len(listed["classes"]), listed["cut"], listed["others"]) == (100, True, 3)


def test_tenants_beyond_one_pass_are_reported_by_the_next(crowd: Ledger):
    with crowd.open("test") as session:
        for reported in (100, 103, 103):
            raise_group_alerts(session)
            alerts.address_alerts(session, ["c"])
            assert [each.waiting for each in alerts.load_channel_states(session)] == [reported]
