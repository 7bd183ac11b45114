"""How long an activity is tried: by its facts, whatever Airflow's count says."""

from datetime import UTC, datetime, timedelta

import pytest

from tenancy.engine.provisioning.retry_window import TRIES, RetryWindow, died_too_often, final_error, window_of
from tenancy.ledger.envelope import Envelope, Stamp, seal
from tenancy.saga import facts as f
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PermanentError, PlatformError, Refused, StaleLease, Stopped, TransientError
from tests.unit.sagas import DEPLOY, STORAGE, TENANT, holder

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
LIMIT = timedelta(minutes=5)
MINUTE = timedelta(minutes=1)

STARTED = f.ActivityStarted(DEPLOY, holder(1), 1)
FAILED = f.ActivityFailed(DEPLOY, "TransientError", "no answer")
STOPPED = f.ActivityFailed(DEPLOY, "Stopped", "stopped", stopped=True)
PLATFORMS = f.ActivityFailed(DEPLOY, "PlatformError", "401", platform=True)
HELD = f.RunHeld("the ledger is newer", platform=True)
DONE = f.ActivityCompleted(DEPLOY)


def stream(*facts: f.Fact, attempt: int = 1) -> list[Envelope]:
    """One a minute, the last of them now."""
    first = NOW - (len(facts) - 1) * MINUTE
    return [
        seal(TENANT, fact, seq=n + 1, at=first + n * MINUTE, attempt=attempt, stamp=Stamp("ada"), prev="")
        for n, fact in enumerate(facts)
    ]


def window(*facts: f.Fact) -> RetryWindow:
    return window_of(stream(*facts), 1, DEPLOY)


@pytest.mark.parametrize(
    ("facts", "failures", "minutes"),
    [
        ([], 0, None),
        ([STARTED], 0, None),
        ([STARTED, FAILED, STARTED], 1, 1),
        ([STARTED, FAILED, STARTED, FAILED, STARTED], 2, 3),
        ([STARTED, FAILED, STARTED, DONE, STARTED], 0, None),
        ([STARTED, FAILED, STARTED, STOPPED, STARTED], 1, 3),
        ([STARTED, FAILED, STARTED, PLATFORMS, STARTED], 0, None),
        ([STARTED, FAILED, HELD, STARTED], 0, None),
        ([STARTED, PLATFORMS, STARTED, FAILED, STARTED], 1, 1),
    ],
)
def test_only_failures_in_a_row_that_are_not_the_platforms_count(
    facts: list[f.Fact], failures: int, minutes: float | None
):
    found = window(*facts)
    assert found.failures == failures
    assert found.began == (None if minutes is None else NOW - minutes * MINUTE)


def test_another_activity_or_attempt_does_not_count():
    assert window_of(stream(STARTED, FAILED, attempt=2), 1, DEPLOY) == RetryWindow()
    assert window_of(stream(STARTED, FAILED), 1, STORAGE) == RetryWindow()


@pytest.mark.parametrize(
    ("failures", "minutes", "ends"), [(3, 4.9, False), (3, 5, True), (40, 4.9, False), (2, 60, False), (0, 0, False)]
)
def test_a_system_that_does_not_answer_is_tried_until_the_limit_and_four_times_at_least(
    failures: int, minutes: float, ends: bool
):
    away = TransientError("The cluster does not respond.", cause=Cause.CLUSTER_UNREACHABLE)
    verdict = final_error(away, RetryWindow(NOW - minutes * MINUTE, failures), NOW, LIMIT)
    assert type(verdict) is (PermanentError if ends else TransientError)
    if ends:
        assert (
            str(verdict) == f"The cluster does not respond. It was tried {failures + 1} times in {minutes:.1f} minutes."
        )


@pytest.mark.parametrize("error", [RuntimeError("a bug"), TimeoutError("too long"), KeyError("x"), SystemExit(1)])
def test_what_nobody_expected_is_tried_four_times(error: BaseException):
    assert final_error(error, RetryWindow(NOW, TRIES - 2), NOW, LIMIT) is error
    verdict = final_error(error, RetryWindow(NOW, TRIES - 1), NOW, LIMIT)
    assert isinstance(verdict, PermanentError)
    assert "It was tried 4 times." in str(verdict)


@pytest.mark.parametrize(
    "error", [PlatformError("no"), PermanentError("no"), Refused("no"), StaleLease("no"), Stopped()], ids=repr
)
def test_the_others_stay_what_they_are_however_often_they_came(error: Exception):
    assert final_error(error, RetryWindow(NOW - 60 * MINUTE, 500), NOW, LIMIT) is error


@pytest.mark.parametrize(
    ("facts", "too_often"),
    [
        ([STARTED] * TRIES, False),
        ([STARTED] * (TRIES + 1), True),
        ([STARTED, STARTED, STARTED, FAILED, STARTED, STARTED], False),
        ([STARTED, STARTED, STARTED, HELD, STARTED, STARTED], False),
        ([STARTED, STOPPED] * 9, False),
    ],
)
def test_an_activity_whose_processes_die_one_after_the_other_is_given_up(facts: list[f.Fact], too_often: bool):
    assert bool(died_too_often(window(*facts))) is too_often
