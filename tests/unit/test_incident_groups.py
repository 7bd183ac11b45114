"""Classes of stall: three tenants with one trouble are one matter, until none of them has it any more."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tenancy.activities.advice import advise
from tenancy.engine.notifications.incident_groups import describe_group
from tenancy.saga.causes import Cause
from tenancy.saga.error_texts import without_tenant_names
from tenancy.saga.incident_groups import Incident, IncidentSignature, group_incidents
from tenancy.saga.names import TenantId
from tenancy.saga.states import State, Substate
from tests.unit.sagas import STORAGE
from tests.unit.test_stalls import LIMITS, standing
from tests.unit.test_stalls import NOW as LATE

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
REFUSED = IncidentSignature(STORAGE, Cause.STORAGE_UNREACHABLE, "connection refused", "eu-central", "1.0.0", "0002")


def incident(number: int, signature: IncidentSignature = REFUSED, *, hours: float = 1, lasts: bool = False) -> Incident:
    return Incident(TenantId(UUID(int=number)), signature, f"said to {number}", NOW - timedelta(hours=hours), lasts)


def test_three_tenants_make_a_class_and_two_do_not():
    assert group_incidents([incident(1), incident(2)], NOW) == ()
    (issue,) = group_incidents([incident(1), incident(2), incident(3)], NOW)
    assert (issue.signature, len(issue.members)) == (REFUSED, 3)


def test_one_tenant_that_hangs_and_failed_before_counts_once():
    twice = [incident(1), incident(1, lasts=True), incident(2)]
    assert group_incidents(twice, NOW) == ()


@pytest.mark.parametrize(
    "other",
    [
        {"activity": "deploy_workloads"},
        {"cause": Cause.STORAGE_NO_SLOTS},
        {"error": "too many connections"},
        {"region": "us-east"},
        {"chart_version": "1.1.0"},
        {"schema_version": "0003"},
    ],
)
def test_a_tenant_that_differs_in_anything_belongs_to_another_group(other: dict[str, str]):
    elsewhere = replace(REFUSED, **other)  # type: ignore[arg-type]
    assert elsewhere.key != REFUSED.key
    assert group_incidents([incident(1), incident(2), incident(3, elsewhere)], NOW) == ()


def test_a_class_stays_until_nobody_is_left():
    (issue,) = group_incidents([incident(1)], NOW, {REFUSED.key})
    assert len(issue.members) == 1
    assert group_incidents([], NOW, {REFUSED.key}) == ()


def test_a_failure_of_yesterday_counts_no_more_and_an_open_stall_still_does():
    old = [incident(number, hours=25) for number in (1, 2, 3)]
    assert group_incidents(old, NOW, {REFUSED.key}) == ()
    assert len(group_incidents([replace(each, is_open=True) for each in old], NOW)) == 1


def test_an_incident_group_shows_its_start_and_its_newest_message():
    (issue,) = group_incidents([incident(1, hours=3), incident(2, hours=1), incident(3, hours=2)], NOW)
    assert (issue.first_at, issue.last_at) == (NOW - timedelta(hours=3), NOW - timedelta(hours=1))
    assert issue.message == "said to 2"
    assert describe_group(REFUSED, issue.message) == "At Allocate storage in eu-central: said to 2"


@pytest.mark.parametrize(
    ("of_acme", "of_big_co"),
    [
        ("role acme_018f00acae exists", "role big_co_018f00acaf exists"),
        ("pod acme-018f00acae-7d9f8b6c5-xk2lp crashed", "pod big-co-018f00acaf-5b6-zzzzz crashed"),
        ("http://acme.eu.test is silent", "http://big-co.eu.test is silent"),
        ("backend 4711 blocks it", "backend 12 blocks it"),
    ],
)
def test_what_is_called_after_a_tenant_does_not_set_errors_apart(of_acme: str, of_big_co: str):
    assert without_tenant_names(of_acme, "acme") == without_tenant_names(of_big_co, "big-co")


def test_different_errors_stay_different_and_a_slug_within_a_word_is_no_name():
    assert without_tenant_names("no space left", "acme") != without_tenant_names("permission denied", "acme")
    assert without_tenant_names("placement of ace", "ace") == "placement of #"


def test_a_tenant_of_an_incident_group_shows_that_first_and_advises_one_escalation():
    tenant = replace(standing(State.FAILED, Substate.SETTLED), group_tenants=60)
    advice = advise(tenant, None, LATE, LIMITS)
    assert advice.sentence.startswith("A class issue, not this tenant's (60 tenants): escalate once. ")
    assert (advice.action, advice.not_its_fault) == ("escalate", True)
    assert advise(replace(tenant, escalated=True), None, LATE, LIMITS).action == "reset"


def test_a_retried_tenant_of_a_group_needs_no_action():
    tenant = replace(standing(activity_for=0.2), group_tenants=60)
    assert advise(tenant, None, LATE, LIMITS).action == ""


def test_tenants_of_two_products_are_never_one_group():
    other = replace(REFUSED, product="crm")
    assert other.key != REFUSED.key
    assert replace(REFUSED, product="").key == REFUSED.key
