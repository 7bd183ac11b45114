"""One tenant as its page shows it: what is going on, what to do next, what may be done, what happened. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tenancy.bootstrap import tenant_url
from tenancy.console.callers import Right
from tenancy.console.pages import words
from tenancy.console.pages.recovering import is_recoverable
from tenancy.console.pages.timeline_view import AttemptView, RowView, Scene, attempt_ends, attempt_view
from tenancy.engine.actions import ACTIONS
from tenancy.engine.preview import preview
from tenancy.engine.progress import Progress
from tenancy.ledger.envelope import Envelope, chain_break
from tenancy.ledger.error_log import ErrorLine, error_log
from tenancy.ledger.findings import OpenFinding
from tenancy.ledger.history import Usual
from tenancy.ledger.reading import Line
from tenancy.ledger.rounds import Beat
from tenancy.ledger.timeline import Timeline, timelines
from tenancy.saga import facts as f
from tenancy.saga import loops
from tenancy.saga.platform import Platform
from tenancy.saga.states import State
from tenancy.saga.tenant import Saga

LABELS: Final = words.LABELS
RIGHTS: Final[Mapping[str, Right]] = {
    "cancel": Right.EDIT,
    "reset": Right.EDIT,
    "retry": Right.CREATE,
    "decommission": Right.EDIT,
    "recreate": Right.CREATE,
    "escalate": Right.EDIT,
}
BUTTONS: Final[Mapping[str, str]] = {
    "cancel": "Cancel provisioning",
    "reset": "Reset provisioning",
    "retry": "Retry provisioning",
    "decommission": "Decommission",
    "recreate": "Recreate",
    "escalate": "Escalate",
}
_READS_ONLY: Final = "Your role may read only."
_LONG_SECONDS: Final = 15 * 60
"""The runbook: provisioning for longer than this is stuck."""
AUDIT_PAGE: Final = 50


@dataclass(frozen=True)
class Looked:
    """All that one look at the ledger saw of a tenant."""

    line: Line
    saga: Saga
    envelopes: tuple[Envelope, ...]
    held: str
    """Why its run does not go on, also when nobody is there to record it; empty when it does."""
    progress: Progress
    usual: Mapping[str, Usual]
    beats: tuple[Beat, ...]
    findings: tuple[OpenFinding, ...]
    platform: Platform
    now: datetime


@dataclass(frozen=True)
class Situation:
    """What is going on, why, and the next action, each in one sentence."""

    tone: str
    heading: str
    why: str
    next: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class ActionView:
    """One action: may this caller do it now, and if not, why not."""

    name: str
    label: str
    allowed: bool
    reason: str
    """What it would do, or why it is refused."""
    force: bool = False
    """May this caller do it all the same?"""


@dataclass(frozen=True)
class Tab:
    """One attempt among the others."""

    number: int
    word: str
    shown: bool


@dataclass(frozen=True)
class AuditLine:
    """One fact: when, who, what, why."""

    seq: int
    at: datetime
    actor: str
    kind: str
    detail: str
    reason: str


@dataclass(frozen=True)
class TenantView:
    """The whole page."""

    line: Line
    saga: Saga
    phase: str
    tone: str
    situation: Situation
    seconds_in_state: float
    url: str
    actions: tuple[ActionView, ...]
    tabs: tuple[Tab, ...]
    attempt: AttemptView | None
    progress: Progress
    unwinding: bool
    errors: tuple[ErrorLine, ...]
    audit: tuple[AuditLine, ...]
    older: int | None
    """The page of the audit log behind this one begins below this seq."""
    broken_at: int | None
    findings: tuple[OpenFinding, ...]
    """Where the ledger and the world differ."""


def tenant_view(
    seen: Looked, *, rights: Collection[Right], attempt: int | None = None, below: int | None = None
) -> TenantView:
    """The page for a caller with these rights; `attempt` chooses a tab, `below` an older page of the audit log."""
    saga, scene, history = seen.saga, _scene(seen), timelines(seen.envelopes)
    chosen = next((each for each in history if each.attempt == attempt), history[-1] if history else None)
    newest = attempt_view(history[-1], scene) if history else None
    audit, older = _audit(seen.envelopes, below)
    return TenantView(
        line=seen.line,
        saga=saga,
        phase=saga.phase,
        tone=words.TONES[saga.phase],
        situation=situation(seen, newest),
        seconds_in_state=_since(seen.line.state_since, seen.now),
        url=tenant_url(seen.platform, saga.parameters),
        actions=(_recover(saga, rights), *(_action(saga, name, rights) for name in ACTIONS)),
        tabs=tuple(_tab(each, history[-1], seen, scene, chosen) for each in reversed(history)),
        attempt=attempt_view(chosen, scene) if chosen else None,
        progress=seen.progress,
        unwinding=scene.unwinding,
        errors=error_log(seen.envelopes)[::-1],
        audit=audit,
        older=older,
        broken_at=chain_break(seen.envelopes),
        findings=seen.findings,
    )


def _scene(seen: Looked) -> Scene:
    saga = seen.saga
    return Scene(
        now=seen.now,
        phase=saga.phase,
        live_attempt=saga.attempt if saga.state is State.PROVISIONING else 0,
        held=seen.held,
        current=saga.current_activity or "",
        platform=seen.platform,
        usual=seen.usual,
        ends=attempt_ends(seen.envelopes),
    )


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
        label = LABELS.get(failure.activity, failure.activity)
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
    if _since(seen.line.state_since, seen.now) > _LONG_SECONDS:
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


def _action(saga: Saga, name: str, rights: Collection[Right]) -> ActionView:
    seen = preview(saga, name)
    permitted = RIGHTS[name] in rights
    reason = seen.refusal or seen.said if permitted else _READS_ONLY
    force = name == "reset" and not seen.allowed and Right.FORCE in rights and is_recoverable(saga)
    return ActionView(name, BUTTONS[name], seen.allowed and permitted, reason, force)


def _recover(saga: Saga, rights: Collection[Right]) -> ActionView:
    permitted, useful = {Right.EDIT, Right.CREATE} <= set(rights), is_recoverable(saga)
    refusal = f"There is nothing to recover while it is {saga.phase}."
    reason = (RECOVER if useful else refusal) if permitted else _READS_ONLY
    return ActionView("recover", "Recover", useful and permitted, reason)


RECOVER: Final = "Cancels, resets and retries, each only where it is not so already, and waits for each."


def _tab(each: Timeline, newest: Timeline, seen: Looked, scene: Scene, chosen: Timeline | None) -> Tab:
    outcome = _outcome(seen.envelopes, each.attempt)
    word = "now" if each is newest and scene.live_attempt else outcome
    return Tab(each.attempt, word, each is chosen)


def _outcome(envelopes: Iterable[Envelope], attempt: int) -> str:
    """How an attempt ended, in one word."""
    for envelope in envelopes:
        if envelope.attempt == attempt:
            for kind, word in _OUTCOMES.items():
                if isinstance(envelope.fact, kind):
                    return word
    return "over"


_OUTCOMES: Final[dict[type[f.Fact], str]] = {
    f.ProvisioningCompleted: "active",
    f.ProvisioningFailed: "failed",
    f.CancelRequested: "cancelled",
    f.RunReset: "reset",
}


def _audit(envelopes: tuple[Envelope, ...], below: int | None) -> tuple[tuple[AuditLine, ...], int | None]:
    shown = [each for each in envelopes if below is None or each.seq < below][-AUDIT_PAGE:]
    older = shown[0].seq if shown and shown[0].seq > 1 else None
    lines = [_audit_line(each, before) for each, before in zip(shown, [None, *shown], strict=False)]
    return tuple(reversed(lines)), older


def _audit_line(envelope: Envelope, before: Envelope | None) -> AuditLine:
    """A reason that many facts share, such as an unwinding's, is told with the first of them."""
    fact, stamp = envelope.fact, envelope.stamp
    same = before is not None and before.stamp.reason == stamp.reason and before.stamp.actor == stamp.actor
    return AuditLine(envelope.seq, envelope.at, stamp.actor, fact.kind, detail(fact), "" if same else stamp.reason)


def detail(fact: f.Fact) -> str:
    """What a fact is about, as far as its kind does not say."""
    shown = vars(fact).items() if not isinstance(fact, f.ActivityStarted) else [("activity", fact.activity)]
    told = [str(value) for key, value in shown if key in _TELLING and value]
    return " · ".join(LABELS.get(each, each) for each in told)


_TELLING: Final = frozenset({"activity", "resource", "name", "error", "message", "cause", "action", "holder", "why"})


def _since(since: datetime, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds())
