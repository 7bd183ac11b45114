"""The panel on top of a tenant's page: what is going on, why, and the next action, in the runbook's words. Pure."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

from tenancy.activities.advice import format_duration
from tenancy.activities.registry import label_of
from tenancy.airflow_settings import OPERATOR
from tenancy.console.callers import Right
from tenancy.console.pages import words
from tenancy.console.pages.action_view import BUTTONS, lacks
from tenancy.console.pages.tenant_snapshot import TenantSnapshot
from tenancy.console.pages.timeline_view import AttemptView, RowView
from tenancy.saga.stalls import Stall, StallKind
from tenancy.saga.states import Phase, State

_UNDOING: Final = frozenset({Phase.CANCELLING, Phase.FAILED_UNWINDING, Phase.DECOMMISSIONING, Phase.FAILED_STUCK})


@dataclass(frozen=True)
class StatusPanel:
    """What is going on, why, and the next action, each in one sentence."""

    tone: str
    heading: str
    why: str
    next: str
    left: float | None = None
    """The seconds to wait first."""
    checks: tuple[str, ...] = ()
    """What is wrong with the systems that it is about."""


def status_panel(
    snapshot: TenantSnapshot, newest: AttemptView | None, rights: Collection[Right] = frozenset(Right)
) -> StatusPanel:
    """The panel on top of the page, for a caller with these rights."""
    panel = _status_panel(snapshot, newest)
    action = snapshot.advisor.advice(snapshot.summary).action
    lacking = lacks(action, rights) if action in BUTTONS else ""
    return replace(panel, next=f"{panel.next} (This needs the role {OPERATOR}.)") if lacking else panel


def _status_panel(snapshot: TenantSnapshot, newest: AttemptView | None) -> StatusPanel:
    saga, phase = snapshot.saga, snapshot.saga.phase
    if saga.state is State.PROVISIONING:
        return _of_provisioning(snapshot, newest)
    heading, why = words.PHASE_HEADINGS[phase], ""
    if snapshot.progress.to_undo and phase in _UNDOING:
        why = f"{snapshot.progress.undone} of {snapshot.progress.to_undo} undone."
    if snapshot.held:
        why = f"{why} {snapshot.held}".strip()
    failure = saga.failures[-1] if saga.failures else None
    if saga.state is State.FAILED and failure and failure.attempt == saga.attempt:
        label = label_of(failure.activity)
        why = f"{label} failed: {_cut(failure.message)} {why}".strip()
    elif phase in {Phase.FAILED_SETTLED, Phase.FAILED_READY}:
        why = "It did not fail by itself: it was cancelled."
    advice = snapshot.advisor.advice(snapshot.summary)
    tone = "warn" if advice.warning and phase is Phase.ACTIVE else words.TONES[phase]
    return StatusPanel(tone, heading, why, *_next(snapshot))


def _of_provisioning(snapshot: TenantSnapshot, newest: AttemptView | None) -> StatusPanel:
    row, stall = _active_row(newest), snapshot.advisor.stall(snapshot.summary)
    if snapshot.held:
        return StatusPanel(
            "warn", "Its run does not continue, and that is not the tenant's fault", snapshot.held, *_next(snapshot)
        )
    if stall is not None:
        return StatusPanel("warn", _stalled(stall, row), _cut(_why_stalled(snapshot, stall, row)), *_next(snapshot))
    heading = f"It is being provisioned: {row.label} {_AT.get(row.style, 'is next')}" if row else "Its run is starting"
    tone = "warn" if snapshot.advisor.advice(snapshot.summary).warning else "run"
    return StatusPanel(tone, heading, _cut(row.why) if row else "", *_next(snapshot))


def _stalled(stall: Stall, row: RowView | None) -> str:
    if stall.kind is StallKind.ACTIVITY:
        return f"{row.label if row else stall.activity} is stalled"
    return f"It has been provisioning for more than {format_duration(stall.limit)}"


def _why_stalled(snapshot: TenantSnapshot, stall: Stall, row: RowView | None) -> str:
    """How long it takes, and the observed obstacle; until one is observed, the task's last message."""
    recorded = snapshot.advisor.evidence(snapshot.summary)
    took = f"It takes {row.took}; its limit is {row.limit}." if row and stall.kind is StallKind.ACTIVITY else ""
    return f"{took} {recorded or (row.why if row else '')}".strip()


def _next(snapshot: TenantSnapshot) -> tuple[str, float | None, tuple[str, ...]]:
    advice = snapshot.advisor.advice(snapshot.summary)
    checks = tuple(f"{check.name}: {check.sentence}" for check in snapshot.advisor.checks(snapshot.summary))
    return advice.sentence, (advice.until - snapshot.now).total_seconds() if advice.until else None, checks


_AT: Final = {"running": "is running", "retrying": "is tried again"}


def _cut(message: str) -> str:
    """Enough to recognise the message; the error log has all of it."""
    return message if len(message) <= _CUT else f"{message[:_CUT].rsplit(' ', 1)[0]} …"


_CUT: Final = 260


def _active_row(attempt: AttemptView | None) -> RowView | None:
    rows = attempt.rows if attempt else ()
    return next((row for row in rows if row.style != "done"), None)
