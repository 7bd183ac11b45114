"""Advice is a function of what is known now and how old it is: a table over state, what is down, what has healed."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tenancy.activities.advice import IN_PROGRESS_ADVICE, VERIFY_ADVICE, advise, cause_now
from tenancy.activities.blocking_reasons import COVERED_BY_HEALTH_CHECKS
from tenancy.activities.remedies import REMEDIES
from tenancy.saga.advice import Advice
from tenancy.saga.causes import Cause
from tenancy.saga.stalls import StallKind, TenantStatus
from tenancy.saga.states import State, Substate
from tenancy.saga.system_status import CLUSTER, ENGINE, INGRESS, STORAGE, Condition, SystemStatus, SystemStatuses
from tenancy.saga.tenant import OpenStall
from tests.products import PLAN
from tests.unit.sagas import DEPLOY, MARK_ACTIVE, ORDER, WAIT
from tests.unit.sagas import STORAGE as ALLOCATE_STORAGE
from tests.unit.test_stalls import LIMITS, NOW, minutes, standing

SILENT = {
    STORAGE: Cause.STORAGE_UNREACHABLE,
    CLUSTER: Cause.CLUSTER_UNREACHABLE,
    INGRESS: Cause.INGRESS_SILENT,
}
SYSTEMS = tuple(SILENT)
ENGINE_PARTS = (Cause.ENGINE_UNREACHABLE, Cause.ENGINE_SCHEDULER_SILENT, Cause.ENGINE_TRIGGERER_SILENT)
UNDOING = ((State.CANCELLING, None), (State.FAILED, Substate.UNWINDING), (State.DECOMMISSIONING, None))
AT_REST = tuple((State.FAILED, each) for each in (Substate.SETTLED, Substate.READY, Substate.RETAINED, Substate.STUCK))


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def looked(system: str, condition: Condition, *, ago: float = 5, cause: Cause | None = None) -> SystemStatus:
    """One look at a system, so many seconds ago."""
    down = condition is Condition.DOWN
    found = cause or (SILENT[system] if down else Cause.UNKNOWN)
    sentence = "It does not respond." if down else "It responds."
    since = NOW - minutes(3) if down else None
    return SystemStatus(system, f"{system} of eu", condition, sentence, NOW - seconds(ago), since, found)


def engine(down: Cause | None = None) -> tuple[SystemStatus, ...]:
    """All parts of the engine are well, but for one."""
    return tuple(
        looked(ENGINE, Condition.DOWN if cause is down else Condition.OK, cause=cause) for cause in ENGINE_PARTS
    )


def knowing(*statuses: SystemStatus) -> SystemStatuses:
    return SystemStatuses(statuses)


def advice(
    tenant: TenantStatus, *statuses: SystemStatus, stall: OpenStall | None = None, now: datetime = NOW
) -> Advice:
    return advise(tenant, stall, now, LIMITS, knowing(*statuses))


NEEDED = {
    ("Active", None): SYSTEMS,
    **{(str(state), substate): (STORAGE, CLUSTER) for state, substate in (*UNDOING, *AT_REST)},
    ("Decommissioned", None): (),
}


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize(("where", "needed"), NEEDED.items(), ids=str)
def test_a_system_that_is_down_is_reported_for_tenants_that_need_it(where, needed, system):
    tenant = standing(State(where[0]), where[1], activity=None)
    given = advice(tenant, looked(system, Condition.DOWN))
    assert (f"The {system} of eu is down since 11:57:00 UTC: It does not respond." in given.sentence) == (
        system in needed
    )
    assert given.not_its_fault == (system in needed)
    assert given.warning == (system in needed)


@pytest.mark.parametrize("system", [STORAGE, CLUSTER])
@pytest.mark.parametrize("activity", PLAN, ids=lambda activity: activity.name)
def test_an_activity_that_is_in_time_tells_what_it_needs_and_is_down(activity, system):
    given = advice(standing(activity=activity.name, activity_for=0.5), looked(system, Condition.DOWN))
    needs = system in activity.systems
    assert ("is down since" in given.sentence, given.not_its_fault, given.warning) == (needs, needs, needs)
    assert needs or given.sentence == IN_PROGRESS_ADVICE
    assert IN_PROGRESS_ADVICE not in given.sentence or not needs


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("condition", [Condition.OK, Condition.DEGRADED, Condition.UNKNOWN])
def test_what_is_not_down_is_not_reported_as_down(system, condition):
    assert advice(standing(State.ACTIVE, activity=None), looked(system, condition)) == Advice(VERIFY_ADVICE)


@pytest.mark.parametrize("system", SYSTEMS)
def test_an_old_check_proves_nothing_about_the_present(system):
    old = looked(system, Condition.DOWN, ago=61)
    assert advice(standing(State.ACTIVE, activity=None), old) == Advice(VERIFY_ADVICE)


@pytest.mark.parametrize(
    "cause",
    [
        Cause.STORAGE_UNREACHABLE,
        Cause.STORAGE_TEMPLATE_IN_USE,
        Cause.STORAGE_NO_SLOTS,
        Cause.STORAGE_PERMISSION,
        Cause.CLUSTER_UNREACHABLE,
        Cause.CLUSTER_REFUSES,
    ],
)
@pytest.mark.parametrize(("state", "substate"), AT_REST)
def test_a_failed_tenant_whose_system_recovered_is_advised_to_continue(state, substate, cause):
    tenant = replace(standing(state, substate, state_for=5), failures=1, failure_cause=cause)
    given = advice(tenant, looked(cause.system, Condition.OK))
    assert given.sentence.startswith(
        f"It failed because of the {cause.system} of eu, whose health check finds it healthy now."
    )
    assert "checked" not in given.sentence
    assert given.action == advise(standing(state, substate), None, NOW, LIMITS).action
    before = replace(tenant, state_since=NOW)  # the look is older than the failure
    assert "healthy now" not in advice(before, looked(cause.system, Condition.OK)).sentence
    assert "Check first that the" in advice(tenant).sentence


@pytest.mark.parametrize("cause", [Cause.CLUSTER_IMAGE, Cause.CLUSTER_CRASH, Cause.STORAGE_DISK_FULL])
def test_what_a_health_check_cannot_see_is_not_refuted_by_it(cause):
    tenant = replace(standing(State.FAILED, Substate.SETTLED, state_for=5), failures=1, failure_cause=cause)
    assert advice(tenant, looked(cause.system, Condition.OK)).sentence == advice(tenant).sentence


@pytest.mark.parametrize(("state", "substate"), AT_REST)
def test_a_retry_waits_for_a_system_that_is_down_whatever_the_last_one_failed_for(state, substate):
    tenant = replace(standing(state, substate), failures=1, failure_cause=Cause.CLUSTER_IMAGE)
    given = advice(tenant, looked(STORAGE, Condition.DOWN))
    assert (given.sentence.startswith("The storage of eu is down"), given.action) == (True, "")


def stalled(cause: Cause, *, ago: float, activity: str = ALLOCATE_STORAGE) -> OpenStall:
    return OpenStall("activity", activity, cause, "It was seen so.", NOW - seconds(ago))  # type: ignore[arg-type]


@pytest.mark.parametrize("cause", [Cause.STORAGE_UNREACHABLE, Cause.STORAGE_TEMPLATE_IN_USE])
def test_a_recorded_cause_is_dropped_when_a_newer_check_refutes_it(cause):
    tenant, stall = standing(activity_for=9), stalled(cause, ago=20)
    assert cause_now(tenant, stall, NOW, knowing(looked(STORAGE, Condition.OK, ago=5))) is Cause.UNKNOWN
    assert cause_now(tenant, stall, NOW, knowing(looked(STORAGE, Condition.OK, ago=25))) is cause
    assert cause_now(tenant, stall, NOW) is cause
    without_time = replace(stall, observed_at=None)
    assert cause_now(tenant, without_time, NOW, knowing(looked(STORAGE, Condition.OK))) is Cause.UNKNOWN


def test_a_degraded_system_answers_and_yet_may_be_full():
    tenant, degraded = standing(activity_for=9), knowing(looked(STORAGE, Condition.DEGRADED))
    assert cause_now(tenant, stalled(Cause.STORAGE_UNREACHABLE, ago=20), NOW, degraded) is Cause.UNKNOWN
    assert cause_now(tenant, stalled(Cause.STORAGE_NO_SLOTS, ago=20), NOW, degraded) is Cause.STORAGE_NO_SLOTS


def test_the_cause_of_a_completed_activity_does_not_apply_to_the_next():
    """The image is mended, readiness is ticked, and Mark active has just begun: no cancel."""
    tenant = standing(activity=MARK_ACTIVE, state_for=20, activity_for=0.1)
    old = OpenStall("activity", WAIT, Cause.CLUSTER_IMAGE, "no such image", NOW - minutes(9))
    given = advise(tenant, old, NOW, LIMITS)
    assert "image" not in given.sentence
    assert given.sentence.startswith("Wait: Mark active has just begun.")
    assert (given.action, given.until) == ("", tenant.activity_since + minutes(1))
    later = replace(tenant, activity_since=NOW - minutes(2))
    assert advise(later, old, NOW, LIMITS).action == "cancel"


@pytest.mark.parametrize("activity", ORDER)
def test_a_cause_that_was_recorded_in_an_earlier_attempt_of_the_same_activity_is_dropped(activity):
    tenant = standing(activity=activity, activity_for=0.2)
    old = OpenStall("activity", activity, Cause.CLUSTER_CRASH, "exit 1", NOW - minutes(30))
    assert cause_now(tenant, old, NOW) is Cause.UNKNOWN


@pytest.mark.parametrize("part", ENGINE_PARTS)
@pytest.mark.parametrize("activity", [DEPLOY, WAIT])
def test_a_part_of_the_engine_holds_only_who_needs_it(activity, part):
    given = advice(standing(activity=activity, activity_for=0.2), *engine(part))
    held = part is not Cause.ENGINE_TRIGGERER_SILENT or activity == WAIT
    assert (given.action, given.not_its_fault) == (("escalate", True) if held else ("", False))


@pytest.mark.parametrize("part", ENGINE_PARTS)
def test_a_part_of_the_engine_that_recovered_is_not_reported_as_silent(part):
    tenant = standing(activity=WAIT, activity_for=0.2, held=part)
    assert advice(tenant).action == "escalate"
    assert advice(replace(tenant, held_since=NOW - seconds(25)), *engine()).sentence == IN_PROGRESS_ADVICE
    assert advice(replace(tenant, held_since=NOW - seconds(1)), *engine()).action == "escalate"


def test_the_activitys_own_cause_is_reported_with_a_silent_engine():
    given = advice(
        standing(activity=ALLOCATE_STORAGE, activity_for=9),
        *engine(Cause.ENGINE_UNREACHABLE),
        looked(STORAGE, Condition.DOWN),
    )
    assert "The storage of eu is down" in given.sentence
    assert given.sentence.endswith("Escalate: the workflow engine must answer first.")


PHASES = ((State.PROVISIONING, None), *UNDOING, *AT_REST, (State.ACTIVE, None), (State.DECOMMISSIONED, None))
KINDS = {State.PROVISIONING: StallKind.ACTIVITY, State.CANCELLING: StallKind.UNWINDING}


def of_stall(tenant: TenantStatus, cause: Cause) -> OpenStall:
    """A stall that is current in the tenant's state."""
    at_rest = (tenant.state, tenant.substate) in AT_REST
    kind = StallKind.UNATTENDED if at_rest else KINDS.get(tenant.state, StallKind.UNWINDING)
    return OpenStall(kind, tenant.activity, cause, "its words", NOW - seconds(1))


def escalated_advice(tenant: TenantStatus, cause: Cause) -> list[Advice]:
    """With the cause as stall, hold, failure, what the last try found, and found by a health check; alone and in a
    class."""
    down = looked(cause.system, Condition.DOWN, cause=cause)
    known = [
        advice(tenant, stall=of_stall(tenant, cause)),
        advice(replace(tenant, held=cause)),
        advice(replace(tenant, failure_cause=cause, failures=1)),
        advice(replace(tenant, activity_cause=cause, activity_cause_since=NOW - minutes(5))),
        advice(tenant, down),
        advice(replace(tenant, failure_cause=cause, failures=2, error_repeated=True), down),
    ]
    return [*known, advice(replace(tenant, group_tenants=7), stall=of_stall(tenant, cause))]


@pytest.mark.parametrize("past_no_return", [False, True])
@pytest.mark.parametrize("late", [0.1, 1.5, 25])
@pytest.mark.parametrize(("state", "substate"), PHASES, ids=str)
def test_an_escalated_tenant_is_not_advised_to_escalate(state, substate, late, past_no_return):
    for activity in ORDER if state is State.PROVISIONING else (None,):
        at = standing(state, substate, activity=activity, activity_for=late, state_for=late + 5, escalated=True)
        tenant = replace(at, past_no_return=past_no_return)
        for given in (each for cause in Cause for each in escalated_advice(tenant, cause)):
            assert "escalate" not in given.sentence.lower().replace("escalated", "")
            assert given.action != "escalate"
            assert given.sentence.count("scalated to platform engineering") <= 1
            waits = given.until or IN_PROGRESS_ADVICE in given.sentence or state is State.DECOMMISSIONED
            assert waits or "scalated to platform engineering" in given.sentence


COVERED = tuple(cause for cause in Cause if cause in COVERED_BY_HEALTH_CHECKS and cause.system in {STORAGE, CLUSTER})
IN_MOTION = ((State.PROVISIONING, None), *UNDOING)


def with_cause(way: str, tenant: TenantStatus, cause: Cause) -> tuple[TenantStatus, OpenStall | None]:
    """The tenant with the cause recorded 40 s ago, in one of three ways."""
    at = NOW - seconds(40)
    if way == "stall":
        return tenant, replace(of_stall(tenant, cause), observed_at=at)
    if way == "hold":
        return replace(tenant, held=cause, held_since=at), None
    return replace(tenant, activity_cause=cause, activity_cause_since=at), None


@pytest.mark.parametrize("cause", COVERED)
@pytest.mark.parametrize("way", ["stall", "hold", "last try"])
@pytest.mark.parametrize(("state", "substate"), IN_MOTION, ids=str)
def test_a_recorded_cause_is_the_advice_until_a_newer_check_finds_its_system_healthy(state, substate, way, cause):
    if way == "last try" and state is not State.PROVISIONING:
        return  # it is recorded of activities only
    needs = ALLOCATE_STORAGE if cause.system == STORAGE else DEPLOY
    activity = needs if state is State.PROVISIONING else None
    tenant, stall = with_cause(way, standing(state, substate, activity=activity, state_for=9, activity_for=9), cause)
    remedy = REMEDIES[cause].sentence
    told = advice(tenant, stall=stall)
    assert (remedy in told.sentence, told.not_its_fault) == (True, True)
    assert advice(tenant, looked(cause.system, Condition.OK, ago=50), stall=stall) == told  # the look is older
    down = advice(tenant, looked(cause.system, Condition.DOWN, cause=cause), stall=stall)
    assert "is down since" in down.sentence or way == "hold"
    assert down.not_its_fault
    healed = advice(tenant, looked(cause.system, Condition.OK), stall=stall)
    assert not healed.sentence.startswith(remedy)
    assert remedy not in healed.sentence
    assert (healed.not_its_fault, healed.action == "escalate") == (False, False)
    assert "so escalate" not in healed.sentence
    if way == "hold":
        assert "finds it healthy now. Wait: the next try, within 2 minutes, continues it." in healed.sentence
        assert healed.action == ""


@pytest.mark.parametrize("cause", [Cause.STORAGE_PERMISSION, Cause.CLUSTER_REFUSES])
def test_a_cause_that_a_check_covers_only_partly_remains_possible(cause: Cause):
    tenant = standing(State.CANCELLING, state_for=3)
    given = advice(
        tenant, looked(cause.system, Condition.OK), stall=replace(of_stall(tenant, cause), observed_at=NOW - minutes(1))
    )
    assert given.sentence.startswith(
        f"A health check finds the {cause.system} of eu healthy now. If the tenant does not continue: have the "
    )
    assert given.action == "cancel"


@pytest.mark.parametrize("cause", COVERED)
@pytest.mark.parametrize(("state", "substate"), AT_REST)
def test_a_failed_tenants_platform_is_at_fault_until_it_is_found_healthy(state, substate, cause):
    tenant = replace(standing(state, substate, state_for=5), failures=1, failure_cause=cause)
    assert advice(tenant).not_its_fault
    assert not advice(tenant, looked(cause.system, Condition.OK)).not_its_fault
    stall = replace(of_stall(tenant, cause), observed_at=NOW - minutes(1))
    assert not advice(tenant, looked(cause.system, Condition.OK), stall=stall).not_its_fault


def test_what_to_do_meanwhile_is_said_to_an_escalated_tenant():
    tenant = standing(State.CANCELLING, state_for=3, escalated=True)
    given = advice(tenant, stall=of_stall(tenant, Cause.CLUSTER_ADMISSION))
    assert given.sentence == (
        "Have the cluster's admission rule changed (LimitRange, policy, webhook). The message quotes it. It is not "
        "undone after 2 minutes: the platform must be repaired first. If it is not undone by itself after that: cancel "
        "again, then reset. Escalated to platform engineering: ask them before you change this tenant."
    )
    held = advice(replace(tenant, held=Cause.ENGINE_UNREACHABLE)).sentence
    assert held.startswith("The workflow engine must answer first. Escalated to platform engineering")


def test_after_three_failures_the_loop_rule_holds_also_for_who_was_escalated():
    tenant = replace(standing(State.FAILED, Substate.SETTLED, escalated=True), failures=3)
    given = advise(tenant, None, NOW, LIMITS)
    assert given.sentence.startswith("Escalated to platform engineering. When they are done: decommission and recreate")
    assert given.action == "decommission"


def test_an_activity_that_is_in_time_warns_of_what_keeps_it_once_that_has_lasted():
    image = {"activity_cause": Cause.CLUSTER_IMAGE, "activity_message": "0 of 1 pods ready; ImagePullBackOff"}
    tenant = replace(standing(activity=WAIT, activity_for=4.3), **image, activity_cause_since=NOW - minutes(4))
    given = advise(tenant, None, NOW, LIMITS)
    assert given.warning
    assert given.sentence.startswith("Check that the image exists and can be pulled. Wait: it may take 10 minutes.")
    fresh = replace(tenant, activity_since=NOW - seconds(9), activity_cause_since=NOW - seconds(5))
    assert advise(fresh, None, NOW, LIMITS) == Advice(IN_PROGRESS_ADVICE)


def test_over_its_time_the_error_of_the_last_try_is_the_cause_at_once_where_nobody_found_another():
    tenant = replace(
        standing(activity=ALLOCATE_STORAGE, activity_for=20),
        activity_cause=Cause.ENGINE_REFUSES,
        activity_message="It answered 500.",
        activity_cause_since=NOW - seconds(1),
    )
    unexplained = OpenStall(StallKind.ACTIVITY, ALLOCATE_STORAGE, Cause.UNKNOWN, "Nothing was found.", NOW)
    assert cause_now(tenant, unexplained, NOW) is Cause.ENGINE_REFUSES
    assert "Escalate, and quote the workflow engine's error." in advise(tenant, unexplained, NOW, LIMITS).sentence


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause is not Cause.UNKNOWN])
def test_a_failed_tenants_advice_names_what_its_cause_needs_before_the_next_step(cause: Cause):
    tenant = replace(standing(State.FAILED, Substate.SETTLED), failures=1, failure_cause=cause)
    what_to_do, _, _ = advise(tenant, None, NOW, LIMITS).sentence.partition("Reset, then retry.")
    assert bool(what_to_do) == bool(REMEDIES[cause].sentence or cause in COVERED_BY_HEALTH_CHECKS)


def test_advice_for_a_cancelled_tenant_omits_why_an_earlier_attempt_failed():
    tenant = replace(
        standing(State.FAILED, Substate.SETTLED), failures=1, failure_cause=Cause.CLUSTER_CRASH, cancelled=True
    )
    assert advise(tenant, None, NOW, LIMITS).sentence.startswith("Reset, then retry.")


def test_advice_for_a_cancelled_tenant_names_decommission_as_the_other_way():
    tenant = replace(standing(State.FAILED, Substate.SETTLED), cancelled=True)
    advice = advise(tenant, None, NOW, LIMITS)
    assert advice.sentence == "Reset, then retry. Or decommission it, if it is no longer wanted."
    assert advice.action == "reset"


@pytest.mark.parametrize(
    ("cause", "first"),
    [
        (Cause.INPUT, "Correct the input when you retry, or decommission and recreate instead."),
        (
            Cause.SCHEMA_MIGRATION,
            "Read the error log: it has the statement that failed. Correct the migration that it names.",
        ),
    ],
)
def test_what_has_to_be_corrected_comes_before_the_retry_and_is_one_way(cause: Cause, first: str):
    tenant = replace(standing(State.FAILED, Substate.SETTLED), failures=1, failure_cause=cause)
    assert advise(tenant, None, NOW, LIMITS).sentence == f"{first} Reset, then retry."


@pytest.mark.parametrize(("attempt", "looped"), [(2, False), (3, True), (4, True)])
def test_attempts_that_were_cancelled_count_for_the_loop_rule(attempt: int, looped: bool):
    tenant = replace(standing(State.FAILED, Substate.SETTLED), attempt=attempt, cancelled=True)
    assert (advise(tenant, None, NOW, LIMITS).action == "decommission") == looped


@pytest.mark.parametrize("activity", ORDER)
@pytest.mark.parametrize("cause", [Cause.UNKNOWN, Cause.CLUSTER_IMAGE, Cause.STORAGE_BLOCKED, Cause.HELM_FAILED])
@pytest.mark.parametrize("late", [minutes(1), minutes(12), minutes(60)])
def test_nobody_is_advised_to_cancel_what_a_customer_has(activity: str, cause: Cause, late: timedelta):
    """Behind the point of no return a cancel destroys; the attempt can be ended otherwise."""
    tenant = replace(standing(State.PROVISIONING, activity=activity), past_no_return=True)
    given = advice(tenant, stall=OpenStall("activity", tenant.activity, cause, "it hangs"), now=NOW + late)
    assert given.action not in {"cancel", "decommission"}
    assert "Cancel provisioning" not in given.sentence
    before = advice(replace(tenant, past_no_return=False), now=NOW + minutes(60))
    assert before.action in {"cancel", "reset", "escalate", ""}


@pytest.mark.parametrize("substate", [Substate.READY, Substate.RETAINED])
def test_decommission_is_no_way_out_of_a_loop_while_something_is_kept(substate: Substate):
    looped = replace(standing(State.FAILED, substate), attempt=5, failures=5)
    kept = advice(replace(looped, past_no_return=True))
    assert kept.action in {"reset", "retry"}
    if substate is Substate.READY:
        assert advice(looped).action == "decommission"
