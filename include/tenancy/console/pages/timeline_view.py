"""The *Provisioning timeline*: one row for each activity with its icon, its duration and the usual duration. Pure.

The rows come from ledger/timeline.py; this module decides only their appearance and texts.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tenancy.activities.registry import find_activity
from tenancy.console.pages import words
from tenancy.ledger.activity_durations import DurationStats
from tenancy.ledger.envelope import Envelope
from tenancy.ledger.timeline import ActivityRow, CompensationStatus, RowStatus, Timeline
from tenancy.saga import facts as f
from tenancy.saga.platform import Platform
from tenancy.saga.states import Phase

_ENDS: Final = (f.ProvisioningFailed, f.CancelRequested, f.ProvisioningCompleted, f.UnwindingStarted, f.RunReset)
_ICONS: Final = {
    "done": "✓", "failed": "✗", "stopped": "■", "undone": "↶", "undo-failed": "!", "retrying": "↻",
}  # fmt: skip
_WORDS: Final = {
    "idle": "not begun",
    "running": "running",
    "retrying": "a try failed; tried again",
    "late": "past its limit",
    "done": "done",
    "failed": "failed",
    "stopped": "stopped",
    "undoing": "being undone",
    "undone": "undone",
    "undo-failed": "not undone",
}
SPINNING_STYLES: Final = frozenset({"running", "late", "undoing"})
"""Styles that have a spinner."""


@dataclass(frozen=True)
class Chip:
    """One resource on its row."""

    kind: str
    name: str
    live: bool


@dataclass(frozen=True)
class RowView:
    """One activity. `style` is its CSS class; `icon` and `word` repeat the meaning of its colour."""

    activity: str
    label: str
    short_label: str
    style: str
    icon: str
    word: str
    undo: str
    took: str
    elapsed: float | None
    """Seconds so far, while they count on."""
    limit: str
    usual: str
    bar: float
    usual_mark: float | None
    limit_mark: float
    span: float
    """The seconds at the bar's end."""
    why: str
    tries: int
    chips: tuple[Chip, ...]

    @property
    def turning(self) -> bool:
        return self.style in SPINNING_STYLES


@dataclass(frozen=True)
class AttemptView:
    """One attempt's rows, and what belongs to no single one."""

    number: int
    run_id: str
    dag_id: str
    started_at: datetime
    rows: tuple[RowView, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class TimelineContext:
    """What the rows depend on besides the timeline."""

    now: datetime
    phase: Phase
    live_attempt: int
    """The attempt in progress, 0 when there is none."""
    held: str
    current: str
    platform: Platform
    usual: Mapping[str, DurationStats]
    ends: Mapping[int, datetime]

    @property
    def unwinding(self) -> bool:
        return self.phase in {Phase.CANCELLING, Phase.FAILED_UNWINDING, Phase.DECOMMISSIONING}


def attempt_ends(envelopes: Iterable[Envelope]) -> dict[int, datetime]:
    """When each attempt stopped going forward."""
    ends: dict[int, datetime] = {}
    for envelope in envelopes:
        if isinstance(envelope.fact, _ENDS):
            ends.setdefault(envelope.attempt, envelope.at)
    return ends


def attempt_view(timeline: Timeline, context: TimelineContext) -> AttemptView:
    """The rows of one attempt."""
    rows = tuple(_row(row, timeline.attempt, context) for row in timeline.rows)
    return AttemptView(timeline.attempt, timeline.run_id, timeline.dag_id, timeline.started_at, rows, timeline.notes)


def _row(row: ActivityRow, attempt: int, context: TimelineContext) -> RowView:
    activity = find_activity(row.activity)  # an old plan may have one that is not installed any more
    bound = context.platform.stall_limits.get(row.activity, activity.stall_after if activity else None)
    limit = bound.total_seconds() if bound else 300.0
    seconds = _seconds(row, attempt, context)
    style = _style(row, attempt, context, late=(seconds or 0) > limit)
    usual, span = context.usual.get(row.activity), limit * 1.3
    undo = _undo(row, context)
    return RowView(
        activity=row.activity,
        label=activity.label if activity else row.activity,
        short_label=activity.short_label if activity else row.activity,
        style=style,
        icon=_ICONS.get(style, ""),
        word=_WORDS[style],
        undo=_WORDS[undo] if undo and undo != style else "",
        took=words.duration(seconds) if seconds is not None else "",
        elapsed=seconds if style in {"running", "late", "retrying"} else None,
        limit=words.duration(limit),
        usual=_usual(usual),
        bar=bar_percent(seconds or 0.0, span),
        usual_mark=bar_percent(usual.p95_seconds, span) if usual else None,
        limit_mark=bar_percent(limit, span),
        span=span,
        why=_why(row, style, attempt, context),
        tries=row.tries,
        chips=tuple(Chip(kind, name, live) for (kind, name), live in row.resources.items()),
    )


def bar_percent(seconds: float, span: float) -> float:
    """The position on a bar in percent, logarithmic, so that tenths of seconds and minutes are both visible.

    console.js extends the active bar by the same formula.
    """
    return round(min(100.0, 100 * math.log1p(10 * max(0.0, seconds)) / math.log1p(10 * span)), 2)


def _seconds(row: ActivityRow, attempt: int, context: TimelineContext) -> float | None:
    """Wall-clock time, up to the end of the attempt."""
    end = context.now if attempt == context.live_attempt else context.ends.get(attempt, context.now)
    took = row.duration(end)
    return None if took is None else max(0.0, took.total_seconds())


def _style(row: ActivityRow, attempt: int, context: TimelineContext, *, late: bool) -> str:
    if row.status is RowStatus.FAILED:
        return "failed"
    undo = _undo(row, context)
    if undo:
        return undo
    if row.status in {RowStatus.IDLE, RowStatus.DONE}:
        return row.status.value
    if attempt != context.live_attempt:
        return "stopped"
    return "late" if late else row.status.value


def _undo(row: ActivityRow, context: TimelineContext) -> str:
    if row.undo is CompensationStatus.UNDOING and not context.unwinding:
        return "undo-failed"  # nobody is at it any more
    return {CompensationStatus.NO: "", CompensationStatus.FAILED: "undo-failed"}.get(row.undo, row.undo.value)


def _usual(usual: DurationStats | None) -> str:
    if usual is None:
        return ""
    return f"usually {words.duration(usual.median_seconds)}, 95 of 100 within {words.duration(usual.p95_seconds)}"


def _why(row: ActivityRow, style: str, attempt: int, context: TimelineContext) -> str:
    """Why it waits, or how it failed. What holds the whole run is shown at the current activity."""
    if attempt == context.live_attempt and row.activity == context.current and context.held:
        return context.held
    return "" if style in {"idle", "done", "undone"} else row.message
