"""The action history of one tenant: what people tried, when, and with which result, read from the facts. Pure.

The escalation's message, the API and the tenant's page show it. It has every Cancel, Reset, Retry and Decommission,
whoever sent it: a button, the command line, a step of Recover, or one of Airflow's buttons that means the same. It has
refused ones, too. Other refusals (of requests, and of tasks in Airflow) are in the error log only.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from tenancy.ledger.envelope import Envelope
from tenancy.saga import facts as f
from tenancy.saga.names import ActivityName, RunId

_ACTIONS: Final[dict[type[f.Fact], str]] = {
    f.CancelRequested: "cancel",
    f.RunReset: "reset",
    f.RetryRequested: "retry",
    f.DecommissionRequested: "decommission",
}
_REFUSABLE: Final = frozenset({*_ACTIONS.values(), "recreate"})
"""A recreate that is not refused decommissions the tenant, if it does anything to it."""
_CLEARED: Final = "its run was cleared in Airflow"
_REASON_SHOWN: Final = 100
_ERROR_SHOWN: Final = 200


@dataclass(frozen=True)
class PastAction:
    """One action that somebody took, or was refused."""

    action: str
    actor: str
    at: datetime
    reason: str
    attempt: int
    """The attempt that it concerned; for a retry, the one that it started."""
    result: str = "still under way"
    ended_at: datetime | None = None
    """When the result was known; None while it is under way."""
    refused: bool = False

    def __str__(self) -> str:
        why = f" ({_first_line(self.reason, _REASON_SHOWN)})" if self.reason.strip() else ""
        return f"{self.action} at {self.at:%Y-%m-%d %H:%M:%S} UTC by {self.actor}{why}: {self.result}"


def build_action_history(envelopes: Iterable[Envelope]) -> tuple[PastAction, ...]:
    """All actions of one tenant's stream, oldest first."""
    history = _History()
    for envelope in envelopes:
        history.add(envelope)
    return tuple(history.actions)


def count_actions(history: Sequence[PastAction]) -> str:
    """How often each step of the runbook was taken, such as `cancel 2 times, reset once, retry never`."""
    taken = [each.action for each in history if not each.refused]
    return ", ".join(f"{action} {_times(taken.count(action))}" for action in ("cancel", "reset", "retry"))


class _History:
    """The actions so far. At most one is open, for each action ends the one before."""

    def __init__(self) -> None:
        self.actions: list[PastAction] = []
        self._open: int | None = None
        self._runs: set[RunId] = set()
        self._activity: ActivityName | None = None

    def add(self, envelope: Envelope) -> None:
        fact = envelope.fact
        self._follow(envelope)
        if isinstance(fact, f.ActionRefused):
            self._add_refusal(fact, envelope)
        elif action := _ACTIONS.get(type(fact)):
            reason = envelope.stamp.reason or (_CLEARED if self._is_clear(fact) else "")
            self._open = len(self.actions)
            self.actions.append(PastAction(action, envelope.stamp.actor, envelope.at, reason, envelope.attempt))
            if isinstance(fact, f.RunReset):
                self._end("Failed ready", envelope.at)
        self._remember(envelope)

    def _follow(self, envelope: Envelope) -> None:
        """End the open action, if this fact is its result."""
        if self._open is None:
            return
        if result := _result(self.actions[self._open], envelope, self._activity):
            self._end(result, envelope.at)

    def _end(self, result: str, at: datetime) -> None:
        self._change(result=result, ended_at=at)
        self._open = None

    def _change(self, **changes: object) -> None:
        assert self._open is not None  # by its callers
        self.actions[self._open] = replace(self.actions[self._open], **changes)  # type: ignore[arg-type]

    def _add_refusal(self, fact: f.ActionRefused, envelope: Envelope) -> None:
        if fact.action not in _REFUSABLE:
            return
        stamp, result = envelope.stamp, f"refused: {_first_line(fact.message, _ERROR_SHOWN)}"
        asked = PastAction(fact.action, stamp.actor, envelope.at, stamp.reason, envelope.attempt)
        self.actions.append(replace(asked, result=result, ended_at=envelope.at, refused=True))

    def _is_clear(self, fact: f.Fact) -> bool:
        """A retry has a run of its own, unless somebody has cleared an old one."""
        return isinstance(fact, f.RetryRequested) and fact.run_id in self._runs

    def _remember(self, envelope: Envelope) -> None:
        """Remember the attempt's runs, and where the attempt is."""
        match envelope.fact:
            case f.AttemptStarted() as started:
                self._runs.add(started.run_id)
                self._activity = None
                if self._open is not None:
                    self._change(attempt=started.attempt)
            case f.ActivityStarted() as begun if begun.activity != self._activity:
                self._activity = begun.activity
                self._say_where(begun.activity, envelope.at)
            case f.ActivityCompleted():
                self._activity = None

    def _say_where(self, activity: ActivityName, since: datetime) -> None:
        if self._open is not None:
            began = self.actions[self._open].at
            self._change(result=f"still under way, at {activity} since {_moment(since, began)}")


def _result(action: PastAction, envelope: Envelope, activity: ActivityName | None) -> str:
    """The action's result, if this fact is it; empty if it is not."""
    return (_of_attempt if action.action == "retry" else _of_unwinding)(action, envelope, activity)


def _of_attempt(action: PastAction, envelope: Envelope, activity: ActivityName | None) -> str:
    after, where = _duration(envelope.at - action.at), f" at {activity}" if activity else ""
    match envelope.fact:
        case f.ProvisioningCompleted():
            return f"Active after {after}"
        case f.ProvisioningFailed() as failed:
            kept = ", everything is kept" if failed.retained else ""
            return f"failed at {failed.activity} after {after}{kept}: {_first_line(failed.message, _ERROR_SHOWN)}"
        case f.CancelRequested():
            return f"cancelled{where} after {after}"
        case f.RunReset():
            return f"reset by force{where} after {after}"
    return ""


def _of_unwinding(action: PastAction, envelope: Envelope, _activity: ActivityName | None) -> str:
    at = _moment(envelope.at, action.at)
    match envelope.fact:
        case f.Settled():
            return f"Failed settled at {at}"
        case f.TenantDecommissioned():
            return f"Decommissioned at {at}"
        case f.UnwindingExhausted() as exhausted:
            left, why = ", ".join(exhausted.left) or "nothing that is recorded", exhausted.why
            return f"stuck at {at}, left: {left}" + (f": {_first_line(why, _ERROR_SHOWN)}" if why else "")
        case f.CancelRequested() | f.DecommissionRequested():
            return f"not done when it was repeated at {at}"
        case f.RunReset():
            return f"not done when it was reset by force at {at}"
    return ""


def _first_line(text: str, at_most: int) -> str:
    """The first line with content, cut to this length."""
    line = next((line for line in map(str.strip, text.splitlines()) if line), "")
    return line if len(line) <= at_most else f"{line[: at_most - 1]}…"


def _moment(at: datetime, since: datetime) -> str:
    """The time of day, with the date if it is another one."""
    return f"{at:%H:%M:%S}" if at.date() == since.date() else f"{at:%Y-%m-%d %H:%M:%S}"


def _duration(span: timedelta) -> str:
    """40 s; 4 min; 2 h 5 min."""
    seconds = int(span.total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _times(count: int) -> str:
    return {0: "never", 1: "once"}.get(count, f"{count} times")
