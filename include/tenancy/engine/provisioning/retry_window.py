"""The retry window: how long and how often an activity has failed, and whether to give up. Pure. Called by runner.py.

Why Airflow's try number is not used: it also counts tries before a clear, and tries that failed because of the
platform,
which must not count. Airflow retries every error except PermanentError (orchestration/retry_policies.py), so this
module ends the retries by turning the last error into a PermanentError.
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
"""The number of tries for an unexpected error, a time-out or a process that died. A system that does not respond gets
at least as many, however long each takes."""
NOT_RETRIED: Final = (Refused, PermanentError, PlatformError, Stopped)
"""These errors pass unchanged, however often the activity was tried."""


@dataclass(frozen=True)
class RetryWindow:
    """An activity's consecutive failures within an attempt, without those caused by the platform."""

    began: datetime | None = None
    """When the first of them failed."""
    failures: int = 0
    deaths: int = 0
    """How many of its processes in a row ended without recording an outcome."""
    started: datetime | None = None
    """When it first started, or first started after the last platform fault."""
    is_open: bool = False
    """Is a try under way?"""


def window_of(envelopes: Iterable[Envelope], attempt: int, activity: ActivityName) -> RetryWindow:
    """The window, computed from the tenant's facts, oldest first."""
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
    """The error that this try ends with: a PermanentError if it was tried for long enough, else the same error."""
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
    """The error of an activity whose processes keep dying. Checked when the next process has begun."""
    if window.deaths < TRIES:
        return None
    return PermanentError(
        f"Its process ended {window.deaths} times without an error message, perhaps killed for lack of memory; see "
        "the end of the task's logs in Airflow."
    )


TURN_TRIES: Final = 4
"""How often an activity may wait for the one before it (orchestration/retry_policies.py: TURN_DELAY). It is limited,
because an activity whose task was marked in Airflow never completes."""


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
