"""Stalls: who is stalled, on what, since when; recorded once and cleared once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tenancy.activities.plan import limits
from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.causes import Cause, Evidence, cause_of
from tenancy.saga.decide import decide
from tenancy.saga.errors import PermanentError, Refused, TransientError, cause_in
from tenancy.saga.evolve import evolve, fold
from tenancy.saga.platform import Platform
from tenancy.saga.saga_values import Escalation
from tenancy.saga.stalls import Stall, StallKind, TenantStatus, stall_of
from tenancy.saga.states import State, Substate
from tests.products import PLAN
from tests.unit.sagas import HANDLE, STORAGE, tenant_in

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LIMITS = limits(Platform("test", {}, {}, {}))
BLOCKED = Evidence(Cause.STORAGE_BLOCKED, "pid 7 blocks it", {"blocker": "7"})


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def standing(
    state: State = State.PROVISIONING,
    substate: Substate | None = None,
    *,
    activity: str | None = STORAGE,
    state_for: float = 0.0,
    activity_for: float = 0.0,
    held: Cause | None = None,
    escalated: bool = False,
    escalation_sent: bool = False,
) -> TenantStatus:
    since, activity_since = NOW - minutes(state_for), NOW - minutes(activity_for)
    handed_over = {"escalated": escalated, "escalation_sent": escalation_sent}
    return TenantStatus(state, substate, activity, since, activity_since, held=held, **handed_over)  # type: ignore[arg-type]


@pytest.mark.parametrize("activity", PLAN, ids=lambda activity: activity.name)
def test_an_activity_is_stuck_after_the_runbooks_minutes(activity):
    limit = 10 if activity.name == "wait_for_workloads_ready" else 5
    assert stall_of(standing(activity=activity.name, activity_for=limit), NOW, LIMITS) is None
    late = standing(activity=activity.name, activity_for=limit + 0.01)
    stall = stall_of(late, NOW, LIMITS)
    assert stall is not None
    assert (stall.kind, stall.activity, stall.since) == (StallKind.ACTIVITY, activity.name, late.activity_since)


def test_the_whole_of_provisioning_may_take_fifteen_minutes():
    stall = stall_of(standing(state_for=15.1, activity_for=1), NOW, LIMITS)
    assert stall is not None
    assert stall.kind is StallKind.PROVISIONING
    assert stall_of(standing(state_for=14.9, activity_for=1), NOW, LIMITS) is None


@pytest.mark.parametrize(
    ("state", "substate"),
    [(State.CANCELLING, None), (State.DECOMMISSIONING, None), (State.FAILED, Substate.UNWINDING)],
)
def test_an_in_between_state_may_last_two_minutes(state: State, substate: Substate | None):
    assert stall_of(standing(state, substate, state_for=1.9), NOW, LIMITS) is None
    stall = stall_of(standing(state, substate, state_for=2.1), NOW, LIMITS)
    assert stall is not None
    assert stall.kind is StallKind.UNWINDING


@pytest.mark.parametrize("substate", [Substate.SETTLED, Substate.READY, Substate.RETAINED])
def test_a_failed_tenant_without_an_action_is_reported_after_a_quarter_of_an_hour(substate: Substate):
    assert stall_of(standing(State.FAILED, substate, state_for=14), NOW, LIMITS) is None
    assert stall_of(standing(State.FAILED, substate, state_for=16), NOW, LIMITS).kind is StallKind.UNATTENDED
    unknown = standing(State.FAILED, substate, state_for=16, escalated=True)
    assert stall_of(unknown, NOW, LIMITS).kind is StallKind.UNATTENDED, "no channel has accepted it: nobody knows"
    assert stall_of(replace(unknown, escalation_sent=True), NOW, LIMITS) is None


def test_compensations_out_of_tries_are_a_stall_at_once():
    assert stall_of(standing(State.FAILED, Substate.STUCK), NOW, LIMITS).kind is StallKind.STUCK


@pytest.mark.parametrize("held", [Cause.ENGINE_PAUSED, Cause.ENGINE_QUEUE])
def test_a_paused_dag_and_a_full_queue_are_no_stall_of_the_tenant(held: Cause):
    assert stall_of(standing(activity_for=60, state_for=60, held=held), NOW, LIMITS) is None


@pytest.mark.parametrize(("state", "limit"), [(State.PROVISIONING, 5), (State.CANCELLING, 2)], ids=str)
def test_what_waited_for_its_turn_is_timed_from_then(state: State, limit: float):
    waited = standing(state, activity_for=60, state_for=60)
    begun = replace(waited, turn_since=NOW - minutes(limit - 0.1))
    assert stall_of(begun, NOW, LIMITS) is None
    stall = stall_of(begun, NOW + minutes(0.2), LIMITS)
    assert stall is not None
    assert stall.since == begun.turn_since


def test_a_silent_scheduler_is():
    assert stall_of(standing(activity_for=6, held=Cause.ENGINE_SCHEDULER_SILENT), NOW, LIMITS) is not None


@pytest.mark.parametrize("state", [State.ACTIVE, State.DECOMMISSIONED])
def test_what_rests_is_never_stuck(state: State):
    assert stall_of(standing(state, state_for=10_000), NOW, LIMITS) is None


def test_the_platform_file_may_say_other_limits():
    platform = Platform("test", {}, {}, {STORAGE: timedelta(seconds=3), "in_between": timedelta(seconds=4)})
    assert stall_of(standing(activity_for=0.1), NOW, limits(platform)) is not None
    assert stall_of(standing(State.CANCELLING, state_for=0.1), NOW, limits(platform)) is not None


def _stalled(kind: StallKind = StallKind.ACTIVITY, activity: str | None = STORAGE) -> c.RecordStall:
    return c.RecordStall(Stall(kind, activity, NOW, minutes(5)), BLOCKED)  # type: ignore[arg-type]


def test_a_stall_is_recorded_once_and_cleared_once():
    saga = tenant_in("Provisioning")
    activity = saga.current_activity
    (stalled,) = facts = decide(saga, _stalled(activity=activity))
    assert isinstance(stalled, f.ProvisioningStalled)
    assert (stalled.cause, stalled.message, stalled.evidence) == (
        "storage.blocked",
        "pid 7 blocks it",
        {"blocker": "7"},
    )
    saga = fold(facts, saga)
    assert saga is not None
    assert decide(saga, _stalled(activity=activity)) == ()
    (cleared,) = decide(saga, c.ClearStall())
    saga = evolve(saga, cleared)
    assert saga.stall is None
    assert decide(saga, c.ClearStall()) == ()


def test_another_stall_takes_the_place_of_the_one_before():
    saga = tenant_in("Cancelling")
    saga = evolve(saga, f.ProvisioningStalled("activity", HANDLE, 300, "unknown"))
    kinds = [fact.kind for fact in decide(saga, _stalled(StallKind.UNWINDING, None))]
    assert kinds == ["tenant.provisioning.stall_cleared", "tenant.provisioning.stalled"]


@pytest.mark.parametrize(
    ("phase", "kind"),
    [
        ("Active", StallKind.ACTIVITY),
        ("Cancelling", StallKind.ACTIVITY),
        ("Provisioning", StallKind.UNWINDING),
        ("Failed unwinding", StallKind.UNATTENDED),
        ("Failed settled", StallKind.STUCK),
    ],
)
def test_a_late_report_about_a_tenant_that_continued_is_refused(phase: str, kind: StallKind):
    with pytest.raises(Refused, match="It has continued"):
        decide(tenant_in(phase), _stalled(kind))


def test_a_stall_is_explained_when_its_cause_becomes_another():
    saga = evolve(tenant_in("Provisioning"), f.ProvisioningStalled("activity", HANDLE, 300, "unknown"))
    (explained,) = decide(saga, c.ExplainStall(BLOCKED))
    saga = evolve(saga, explained)
    assert saga.stall is not None
    assert (saga.stall.cause, saga.stall.message) == (Cause.STORAGE_BLOCKED, "pid 7 blocks it")
    assert decide(saga, c.ExplainStall(Evidence(Cause.STORAGE_BLOCKED, "pid 8 blocks it"))) == ()
    with pytest.raises(Refused):
        decide(tenant_in("Active"), c.ExplainStall(BLOCKED))


def test_an_escalated_tenant_is_so_until_its_next_attempt():
    escalated = evolve(tenant_in("Failed settled"), f.Escalated())
    assert escalated.escalation == Escalation()
    assert evolve(escalated, f.EscalationSent("slack")).escalation == Escalation(("slack",))
    assert evolve(evolve(escalated, f.EscalationSent("slack")), f.Escalated()).escalation == Escalation()


def test_an_error_keeps_the_cause_of_what_it_came_from():
    inner = TransientError("no answer", cause=Cause.STORAGE_UNREACHABLE)
    outer = PermanentError("gave up")
    outer.__cause__ = inner
    assert cause_in(outer) is Cause.STORAGE_UNREACHABLE
    assert cause_in(ValueError("x")) is Cause.UNKNOWN


def test_a_cause_of_a_newer_version_is_unknown():
    assert cause_of("storage.on_fire") is Cause.UNKNOWN
    assert Cause.STORAGE_BLOCKED.system == "storage"
