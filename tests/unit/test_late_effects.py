"""What may still take effect when a tenant is undone: by the facts of its processes, and by what is there already."""

from datetime import UTC, datetime, timedelta

import pytest

from tenancy.engine.recovery.late_effects import PendingRequest, earliest_settling, pending_requests
from tenancy.ledger.envelope import Envelope, Stamp, seal
from tenancy.saga import facts as f
from tenancy.saga.causes import Cause
from tenancy.saga.names import ActivityName, RunId
from tests.unit.sagas import ACME, DEPLOY, HANDLE, PLAN, TENANT, holder

BEGAN = datetime(2026, 2, 1, tzinfo=UTC)
LATE = {DEPLOY: 31.0, HANDLE: 9.0}
CANCEL = f.CancelRequested(1)
FAILED = f.ProvisioningFailed(DEPLOY, "boom", retained=False)


def started(activity: ActivityName = DEPLOY, number: int = 1) -> f.ActivityStarted:
    return f.ActivityStarted(activity, holder(number), number)


def failed(cause: Cause = Cause.UNKNOWN, activity: ActivityName = DEPLOY, **how: bool) -> f.ActivityFailed:
    return f.ActivityFailed(activity, "Boom", "it went boom", str(cause), **how)


def lived(*facts: f.Fact) -> list[Envelope]:
    """These facts, 10 s apart."""
    return [
        seal(
            TENANT, fact, seq=number, at=BEGAN + timedelta(seconds=10 * number), attempt=1, stamp=Stamp("ada"), prev=""
        )
        for number, fact in enumerate(facts)
    ]


def pending(*facts: f.Fact, seconds_later: float = 0.0) -> list[tuple[ActivityName, float]]:
    """What is under way so long after the last fact, and for how long from then on."""
    now = BEGAN + timedelta(seconds=10 * (len(facts) - 1) + seconds_later)
    return [(each.activity, (each.until - now).total_seconds()) for each in pending_requests(lived(*facts), LATE, now)]


@pytest.mark.parametrize("fence", [CANCEL, FAILED, f.DecommissionRequested(1), f.RunReset(forced=True)])
def test_a_process_that_was_running_may_have_sent_a_request_until_it_was_fenced(fence: f.Fact) -> None:
    assert pending(started(), fence) == [(DEPLOY, 31.0)]
    assert pending(started(), fence, seconds_later=30) == [(DEPLOY, 1.0)]
    assert pending(started(), fence, seconds_later=31) == []


def test_a_process_that_was_replaced_counts_from_its_replacement() -> None:
    assert pending(started(), started(number=2), f.ActivityCompleted(DEPLOY)) == [(DEPLOY, 21.0)]


def test_two_processes_may_each_have_one_under_way() -> None:
    assert pending(started(), started(number=2), CANCEL) == [(DEPLOY, 21.0), (DEPLOY, 31.0)]


@pytest.mark.parametrize(
    "end",
    [
        failed(stopped=True),
        failed(Cause.CLUSTER_UNREACHABLE),
        failed(Cause.CLUSTER_REFUSES),
        failed(),
    ],
)
def test_a_try_without_an_answer_may_have_one_under_way(end: f.ActivityFailed) -> None:
    assert pending(started(), end) == [(DEPLOY, 31.0)]


@pytest.mark.parametrize(
    "end",
    [
        failed(Cause.CLUSTER_RIGHTS, permanent=True),
        failed(permanent=True),
        failed(Cause.FOREIGN_OBJECT, permanent=True),
        failed(Cause.CLUSTER_CREDENTIALS, platform=True),
        failed(Cause.CLUSTER_WEBHOOK),
        failed(Cause.LOCK_HELD),
    ],
)
def test_a_try_that_got_an_answer_has_nothing_under_way(end: f.ActivityFailed) -> None:
    assert pending(started(), end, FAILED) == []


def test_what_is_done_has_nothing_under_way() -> None:
    assert pending(started(), f.ActivityCompleted(DEPLOY), CANCEL) == []


def test_each_activity_has_its_own_bound() -> None:
    assert pending(started(HANDLE), CANCEL) == [(HANDLE, 9.0)]
    assert pending(started(ActivityName("apply_tenant_schema")), CANCEL) == []


def test_an_earlier_attempt_is_over_once_its_bound_is() -> None:
    again = f.AttemptStarted(2, RunId("run-2"), ACME, PLAN, "1")
    assert pending(started(), CANCEL, f.Settled(), f.RunReset(), again) == [(DEPLOY, 1.0)]
    assert pending(started(), CANCEL, f.Settled(), f.RunReset(), again, seconds_later=1) == []


def test_what_exists_is_no_longer_about_to_be_made() -> None:
    one = PendingRequest(DEPLOY, BEGAN + timedelta(seconds=31))
    assert earliest_settling([one], []) == one.until
    assert earliest_settling([one], [DEPLOY]) is None
    assert earliest_settling([one], [HANDLE]) == one.until


def test_of_two_requests_one_may_make_it_again() -> None:
    first, second = (PendingRequest(DEPLOY, BEGAN + timedelta(seconds=seconds)) for seconds in (21, 31))
    assert earliest_settling([first, second], [DEPLOY]) == second.until


def test_nothing_under_way_is_waited_for_by_nobody() -> None:
    assert earliest_settling([], []) is None
