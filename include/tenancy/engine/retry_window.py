"""How long an activity has failed and been tried again, by its facts; and whether that is long enough to give up.

Pure. Called by runner.py. Airflow's own count of tries says nothing here: it goes on over clears and over the tries
that failed because of the platform, which do not count. Every error that reaches Airflow is tried again unless it is a
PermanentError (orchestration/retry_policies.py); the end is decided here.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from tenancy.ledger.envelope import Envelope
from tenancy.saga import facts as f
from tenancy.saga.errors import PermanentError, PlatformError, Refused, Stopped, TenancyError, TransientError
from tenancy.saga.names import ActivityName

TRIES: Final = 4
"""For what nobody expected: an error that is none of ours, a time-out, a process that died. A system that does not
answer gets as many at least, however long each takes."""
NOT_RETRIED: Final = (Refused, PermanentError, PlatformError, Stopped)
"""What was tried before changes nothing about these."""


@dataclass(frozen=True)
class RetryWindow:
    """One activity's failures in a row within an attempt, none of them the platform's."""

    began: datetime | None = None
    """When the first of them failed."""
    failures: int = 0
    deaths: int = 0
    """How many of its processes in a row ended without a word."""
    started: datetime | None = None
    """When it first started, after the last fault of the platform's if there was one."""
    is_open: bool = False
    """Is a try under way?"""


def window_of(envelopes: Iterable[Envelope], attempt: int, activity: ActivityName) -> RetryWindow:
    """What the tenant's facts say, oldest first."""
    window = RetryWindow()
    for envelope in envelopes:
        if envelope.attempt == attempt:
            window = _after(window, envelope, activity)
    return window


def _after(window: RetryWindow, envelope: Envelope, activity: ActivityName) -> RetryWindow:
    match envelope.fact:
        case f.RunHeld(platform=True):
            return replace(window, began=None, failures=0, deaths=0, started=None)
        case f.ActivityStarted(activity=name) if name == activity:
            deaths = window.deaths + 1 if window.is_open else window.deaths
            return replace(window, deaths=deaths, started=window.started or envelope.at, is_open=True)
        case f.ActivityCompleted(activity=name) if name == activity:
            return RetryWindow()
        case f.ActivityFailed(activity=name) as failed if name == activity:
            return _after_failure(window, failed, envelope.at)
        case _:
            return window


def _after_failure(window: RetryWindow, failed: f.ActivityFailed, at: datetime) -> RetryWindow:
    if failed.platform:
        return RetryWindow()
    if failed.stopped:
        return replace(window, is_open=False)
    return replace(window, began=window.began or at, failures=window.failures + 1, deaths=0, is_open=False)


def final_error(error: BaseException, window: RetryWindow, now: datetime, limit: timedelta) -> BaseException:
    """The error that this try ends with: a PermanentError once it was tried for long enough, else the same."""
    if isinstance(error, NOT_RETRIED):
        return error
    tries = window.failures + 1
    if tries < TRIES:
        return error
    if not isinstance(error, TransientError):
        return PermanentError(f"{_sentence(error)} It was tried {tries} times.")
    if window.began is None or now - window.began < limit:
        return error
    minutes = (now - window.began).total_seconds() / 60
    return PermanentError(f"{_sentence(error)} It was tried {tries} times in {minutes:.1f} minutes.")


def _sentence(error: BaseException) -> str:
    message = str(error) if isinstance(error, TenancyError) else f"{type(error).__name__}: {error}"
    return message.rstrip(". ") + "."


def died_too_often(window: RetryWindow) -> PermanentError | None:
    """The error of an activity whose processes keep dying; asked when the next of them has begun."""
    if window.deaths < TRIES:
        return None
    return PermanentError(
        f"Its process ended {window.deaths} times without a word, killed perhaps for want of memory; the task's logs "
        "in Airflow have the last it wrote."
    )


TURN_TRIES: Final = 4
"""How often an activity asks whether its turn has come, while the one before it is at work
(orchestration/retry_policies.py: TURN_DELAY). Airflow's mark may have ended that one's task, and then its turn
never comes."""


def refusals_in_a_row(envelopes: Iterable[Envelope], refused: f.ActivityRefused) -> int:
    """How often this activity of this run was refused since any activity started."""
    count = 0
    for envelope in envelopes:
        match envelope.fact:
            case f.ActivityStarted():
                count = 0
            case f.ActivityRefused(activity=refused.activity, run_id=refused.run_id):
                count += 1
    return count
