"""How long an activity awaits a Job, and what the Job's end means for it. Pure."""

from typing import TYPE_CHECKING, Final

from tenancy.saga.causes import Cause
from tenancy.saga.errors import PermanentError, TransientError

if TYPE_CHECKING:
    from tenancy.adapters.job_outcome import JobEnd

TEMPORARY: Final = 75
"""The exit code by which an image asks for another try: EX_TEMPFAIL of sysexits.h."""
_END_MARGIN_SECONDS: Final = 30.0
"""Longer than the Job's own limit, so that the cluster ends it first; then there is a reason to record."""
_LINES: Final = 20
_CHARACTERS: Final = 1000


def patience_for(minutes: float, budget_seconds: float | None) -> float:
    """Seconds to await a Job with a limit of so many minutes; in an unwinding, the budget that its system has left."""
    return budget_seconds or minutes * 60 + _END_MARGIN_SECONDS


def require_success(end: "JobEnd", minutes: float, cause: Cause) -> None:
    """Raise the error that says how the Job ended, with the end of its log, unless it ended well.

    `minutes`: the limit after which the cluster ends it.
    """
    if end.succeeded:
        return
    log = end_of_log(end.shown(end.log))
    if end.overdue:
        raise PermanentError(f"it did not end within {minutes:g} minutes{log}", cause=cause)
    if end.interrupted:
        raise TransientError(f"its pod was ended from outside ({end.shown(end.reason)}){log}", cause=cause)
    failure = TransientError if end.code == TEMPORARY else PermanentError
    raise failure(f"it failed with exit code {end.code}{log}", cause=cause)


def end_of_log(log: str) -> str:
    """The end of a log as a part of a sentence; empty when there is none."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return f"; the end of its log: {' | '.join(lines[-_LINES:])[-_CHARACTERS:]}" if lines else ""
