"""The panel on top of a tenant's page: what is going on, why, and the next action, in the runbook's words. Pure."""

from dataclasses import dataclass
from typing import Final

from tenancy.console.pages import words
from tenancy.console.pages.looked import Looked
from tenancy.console.pages.timeline_view import AttemptView, RowView
from tenancy.saga import loops
from tenancy.saga.states import State

_LONG_SECONDS: Final = 15 * 60
"""The runbook: provisioning for longer than this is stuck."""


@dataclass(frozen=True)
class Situation:
    """What is going on, why, and the next action, each in one sentence."""

    tone: str
    heading: str
    why: str
    next: str
    warnings: tuple[str, ...] = ()


def situation(seen: Looked, newest: AttemptView | None) -> Situation:
    """The panel on top of the page."""
    saga, phase = seen.saga, seen.saga.phase
    if saga.state is State.PROVISIONING:
        return _of_provisioning(seen, newest)
    heading, why = words.MEANINGS[phase], ""
    if seen.progress.to_undo and phase in {"Cancelling", "Failed unwinding", "Decommissioning", "Failed stuck"}:
        why = f"{seen.progress.undone} of {seen.progress.to_undo} undone."
    if seen.held:
        why = f"{why} {seen.held}".strip()
    failure = saga.failures[-1] if saga.failures else None
    if saga.state is State.FAILED and failure and failure.attempt == saga.attempt:
        label = words.LABELS.get(failure.activity, failure.activity)
        why = f"{label} failed: {_cut(failure.message)} {why}".strip()
    elif phase in {"Failed settled", "Failed ready"}:
        why = "It did not fail by itself: it was cancelled."
    next_action = _ONCE_ACTIVE if saga.state is State.ACTIVE else seen.line.next_action
    return Situation(words.TONES[phase], heading, why, next_action, loops.warnings(saga) if failure else ())


_ONCE_ACTIVE: Final = (
    "verify that it answers at its address, and have the tenant's admin sign in. "
    "Decommission it once it is no longer wanted."
)


def _of_provisioning(seen: Looked, newest: AttemptView | None) -> Situation:
    row = _active_row(newest)
    if seen.held:
        return Situation("warn", "Its run does not go on, and that is not the tenant's fault", seen.held, _HELD)
    if row is not None and row.look == "late":
        why = f"{row.label} takes {row.took}; its limit is {row.limit}. {row.why}".strip()
        return Situation("warn", f"{row.label} is stuck", why, words.STALL_ADVICE.get(row.activity, _CANCEL))
    if seen.seconds_in_state > _LONG_SECONDS:
        return Situation("warn", "It has been provisioning for more than 15 minutes", row.why if row else "", _CANCEL)
    heading = f"It is being provisioned: {row.label} {_AT.get(row.look, 'is next')}" if row else "Its run is starting"
    return Situation("run", heading, _cut(row.why) if row else "", _patience(row))


def _patience(row: RowView | None) -> str:
    """Nothing has to be done, or nothing yet: what takes longer than usual may take up to its limit."""
    if row is None or row.usual_mark is None or row.bar <= row.usual_mark or (row.elapsed or 0) < _SLOW_SECONDS:
        return words.NOTHING_TO_DO
    advice = words.STALL_ADVICE.get(row.activity, _CANCEL)
    return f"wait. It takes longer than usual and may take up to {row.limit}; after that: {advice}"


_SLOW_SECONDS: Final = 30.0


_AT: Final = {"running": "is at work", "retrying": "is tried again"}
_HELD: Final = "as the sentence says; nothing has to be done to the tenant."
_CANCEL: Final = "Cancel provisioning is the first action: it releases the resources cleanly."


def _cut(message: str) -> str:
    """Enough to recognise it by; the whole stands in the error log."""
    return message if len(message) <= _CUT else f"{message[:_CUT].rsplit(' ', 1)[0]} …"


_CUT: Final = 260


def _active_row(attempt: AttemptView | None) -> RowView | None:
    rows = attempt.rows if attempt else ()
    return next((row for row in rows if row.look != "done"), None)
