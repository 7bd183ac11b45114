"""Advice: the runbook's table, the waits as countdowns, what each cause needs; the same sentence everywhere."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tenancy.activities.advice import IN_PROGRESS_ADVICE, advise, format_duration
from tenancy.activities.remedies import REMEDIES
from tenancy.console.api.tenant_models import AdviceShape
from tenancy.engine.actions.actions import ACTIONS
from tenancy.saga.causes import Cause
from tenancy.saga.stalls import StallKind
from tenancy.saga.states import State, Substate
from tenancy.saga.tenant import OpenStall
from tests.products import PLAN
from tests.unit.sagas import STORAGE
from tests.unit.test_stalls import LIMITS, NOW, minutes, standing

RUNBOOK = {
    "validate_request": ("Cancel provisioning, correct the input, and recreate.", "cancel"),
    "allocate_storage": ("Check the platform's health.", "cancel"),
    "allocate_workflow_handle": ("a platform matter: escalate.", "escalate"),
    "apply_tenant_schema": ("Read the error log", "cancel"),
    "deploy_workloads": ("Cancel provisioning, then reset, then retry.", "cancel"),
    "wait_for_workloads_ready": ("Escalate for a cluster-level investigation", "escalate"),
    "mark_active": ("then only reset and retry", "cancel"),
}


@pytest.mark.parametrize("activity", RUNBOOK)
def test_a_stuck_activity_has_its_row_of_the_runbook(activity: str):
    sentence, action = RUNBOOK[activity]
    advice = advise(standing(activity=activity, activity_for=11), None, NOW, LIMITS)
    assert sentence in advice.sentence
    assert advice.action == action


@pytest.mark.parametrize("activity", RUNBOOK)
def test_before_that_it_may_take_its_time_and_the_advice_says_how_long(activity: str):
    tenant = standing(activity=activity, activity_for=4)
    advice = advise(tenant, None, NOW, LIMITS)
    assert advice.sentence.startswith("Wait: it may take ")
    assert advice.until == tenant.activity_since + LIMITS.activities[tenant.activity]
    assert advice.action == ""


def test_a_tenant_that_continues_by_itself_needs_no_action():
    assert advise(standing(activity_for=0.2), None, NOW, LIMITS).sentence == IN_PROGRESS_ADVICE


def test_every_activity_and_every_cause_has_advice():
    assert all(activity.stuck_remedy.sentence for activity in PLAN)
    assert set(RUNBOOK) <= {activity.name for activity in PLAN}, "a row of the runbook is about no activity"
    assert set(REMEDIES) == set(Cause)
    buttons = {*ACTIONS, "recover", ""}
    assert {remedy.action for remedy in REMEDIES.values()} | {each.stuck_remedy.action for each in PLAN} <= buttons


_A_CANCEL_HELPS = {
    Cause.UNKNOWN,
    Cause.INPUT,
    Cause.LOCK_HELD,
    Cause.SCHEMA_MIGRATION,
    Cause.HELM_PENDING,
    Cause.HELM_FAILED,
    Cause.PLATFORM_FULL,
    Cause.STORAGE_ROLE_CHANGED,
    Cause.CLUSTER_IMAGE,
    Cause.CLUSTER_CRASH,
    Cause.CLUSTER_QUOTA,
    Cause.CLUSTER_PROBE,
    Cause.CLUSTER_JOB,
}
"""All other causes are faults of the platform."""


@pytest.mark.parametrize("cause", Cause)
@pytest.mark.parametrize("activity", RUNBOOK)
def test_nobody_is_advised_to_cancel_a_stalled_tenant_because_of_the_platform(activity: str, cause: Cause):
    """The runbook: have the system repaired. A cancel repairs nothing, and needs the same system."""
    for late in (11, 60):
        tenant = standing(activity=activity, activity_for=late, state_for=late)
        given = advise(tenant, OpenStall("activity", tenant.activity, cause, "its words"), NOW, LIMITS)
        if cause in _A_CANCEL_HELPS:
            sentence, action = RUNBOOK[activity]
            assert (sentence in given.sentence, given.action) == (True, action)
        else:
            assert given.action in {"escalate", ""}
            assert "cancel" not in given.sentence.lower().replace("do not cancel", "")


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause.system != "engine"])
@pytest.mark.parametrize(
    ("state", "substate", "again"),
    [
        (State.CANCELLING, None, "cancel"),
        (State.FAILED, Substate.UNWINDING, "cancel"),
        (State.DECOMMISSIONING, None, "decommission"),
    ],
)
def test_an_unwinding_that_the_platform_keeps_is_begun_again_once_it_is_repaired(state, substate, again, cause):
    for late in (1, 3):
        tenant = standing(state, substate, state_for=late)
        given = advise(tenant, OpenStall(StallKind.UNWINDING, None, cause, "its words"), NOW, LIMITS)
        helps = cause in _A_CANCEL_HELPS
        assert ("repaired first, so escalate" in given.sentence) == (not helps)
        assert given.action == ("" if late == 1 else again if helps else "escalate")


def test_the_cause_goes_before_the_runbooks_row_and_says_whose_fault_it_is():
    tenant = standing(activity_for=6)
    blocked = advise(tenant, OpenStall("activity", STORAGE, Cause.STORAGE_DISK_FULL, "no space"), NOW, LIMITS)
    assert blocked.sentence.startswith("Have space freed on the storage server. Do not cancel the tenant")
    assert blocked.not_its_fault
    crashing = advise(tenant, OpenStall("activity", STORAGE, Cause.CLUSTER_CRASH, "exit 1"), NOW, LIMITS)
    assert not crashing.not_its_fault


_OF_THE_CLUSTER = (
    Cause.CLUSTER_RIGHTS,
    Cause.CLUSTER_CREDENTIALS,
    Cause.CLUSTER_ADMISSION,
    Cause.CLUSTER_WEBHOOK,
    Cause.CLUSTER_SCALED,
    Cause.CLUSTER_NODE,
    Cause.CLUSTER_VOLUME,
)


@pytest.mark.parametrize("cause", _OF_THE_CLUSTER)
def test_what_the_cluster_keeps_a_tenant_from_is_not_the_tenants_fault(cause: Cause):
    advice = advise(standing(activity_for=6), OpenStall("activity", STORAGE, cause, "its words"), NOW, LIMITS)
    assert advice.not_its_fault
    assert "quota" not in advice.sentence


@pytest.mark.parametrize(
    "cause", [Cause.ENGINE_SCHEDULER_SILENT, Cause.ENGINE_TRIGGERER_SILENT, Cause.ENGINE_UNREACHABLE]
)
def test_a_silent_engine_is_escalated_whatever_the_activity(cause: Cause):
    advice = advise(standing(activity_for=30, state_for=30, held=cause), None, NOW, LIMITS)
    assert (advice.action, advice.not_its_fault) == ("escalate", True)


def test_a_cancel_gets_two_minutes_and_is_then_repeated():
    tenant = standing(State.CANCELLING, state_for=1)
    early, late = (
        advise(tenant, None, NOW, LIMITS),
        advise(replace(tenant, state_since=NOW - minutes(3)), None, NOW, LIMITS),
    )
    assert (early.until, early.action) == (tenant.state_since + timedelta(minutes=2), "")
    assert (late.until, late.action) == (None, "cancel")


def test_the_same_error_twice_is_not_transient_and_says_what_to_check():
    tenant = replace(standing(State.FAILED, Substate.SETTLED), failures=2, error_repeated=True)
    advice = advise(tenant, None, NOW, LIMITS)
    assert "Not transient" in advice.sentence
    for check in ("platform's health", "plan and region", "quotas"):
        assert check in advice.sentence


def test_after_the_third_failure_decommission_and_recreate_is_cleaner():
    tenant = replace(standing(State.FAILED, Substate.SETTLED), failures=3)
    advice = advise(tenant, None, NOW, LIMITS)
    assert (advice.action, "Decommission and recreate" in advice.sentence) == ("decommission", True)


@pytest.mark.parametrize(
    ("substate", "action"),
    [(Substate.SETTLED, "reset"), (Substate.RETAINED, "reset"), (Substate.READY, "retry"), (Substate.STUCK, "cancel")],
)
def test_a_failed_tenant_gets_the_next_step(substate: Substate, action: str):
    assert advise(standing(State.FAILED, substate), None, NOW, LIMITS).action == action


def test_a_stuck_tenant_that_may_be_a_customers_is_escalated_after_a_restore():
    advice = advise(replace(standing(State.FAILED, Substate.STUCK), past_no_return=True), None, NOW, LIMITS)
    assert advice.sentence.startswith("If the ledger was restored lately, do not cancel but escalate")
    assert advice.action == "escalate"


def test_the_wire_has_all_of_an_advice():
    assert set(AdviceShape.model_fields) == {"action", "until", "seconds_left", "not_its_fault", "warning"}


@pytest.mark.parametrize(
    ("seconds", "expected"), [(4, "4 s"), (60, "1 minute"), (600, "10 minutes"), (90, "1 minute 30 s")]
)
def test_a_limit_is_reported_in_words(seconds: int, expected: str):
    assert format_duration(timedelta(seconds=seconds)) == expected
