"""Draws a tenant's timeline for a terminal: sign, label, wall-clock duration and reason.

The demo uses it. It draws what ledger/timeline.py returns and makes no request.
"""

from datetime import datetime, timedelta
from typing import Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from tenancy.activities.registry import find_activity, label_of
from tenancy.ledger.timeline import ActivityRow, CompensationStatus, RowStatus, Timeline
from tenancy.saga.states import Phase
from tenancy.saga.tenant import Saga

_SIGNS: Final = {
    RowStatus.IDLE: ("·", "dim"),
    RowStatus.RUNNING: ("…", "blue"),
    RowStatus.RETRYING: ("↻", "yellow"),
    RowStatus.DONE: ("✓", "green"),
    RowStatus.FAILED: ("✗", "red"),
}
_UNDO_SIGNS: Final = {
    CompensationStatus.UNDOING: ("↶", "magenta"),
    CompensationStatus.UNDONE: ("↶", "magenta"),
    CompensationStatus.FAILED: ("!", "red"),
}
_UNDO_WORDS: Final = {
    CompensationStatus.UNDOING: "being undone",
    CompensationStatus.UNDONE: "undone",
    CompensationStatus.FAILED: "not undone",
}

_SENTENCES: Final = {
    Phase.PROVISIONING: "being provisioned",
    Phase.CANCELLING: "being cancelled: what was made is being undone",
    Phase.FAILED_UNWINDING: "failed: what was made is being undone",
    Phase.FAILED_SETTLED: "failed, and nothing is left behind",
    Phase.FAILED_READY: "failed, reset, and ready for a retry",
    Phase.FAILED_RETAINED: "failed; everything it has is kept",
    Phase.FAILED_STUCK: "failed, and something could not be undone",
    Phase.ACTIVE: "active",
    Phase.DECOMMISSIONING: "being decommissioned",
    Phase.DECOMMISSIONED: "decommissioned",
}


def headline(saga: Saga) -> str:
    """The tenant's state in one sentence."""
    where = f"{saga.parameters.plan}, {saga.parameters.region}, attempt {saga.attempt}"
    return f"Tenant {saga.parameters.slug} ({where}) is {_SENTENCES[saga.phase]}."


class TimelineView:
    """Keeps its spinner between drawings, so that it turns evenly."""

    def __init__(self) -> None:
        self._spinner = Spinner("dots", style="blue")

    def draw(self, saga: Saga, timeline: Timeline, now: datetime) -> RenderableType:
        """The whole view at `now`."""
        table = Table.grid(padding=(0, 2))
        table.add_column(width=2)
        table.add_column(min_width=26)
        table.add_column(min_width=18, style="dim")
        table.add_column(justify="right", min_width=8)
        table.add_column()
        for row in timeline.rows:
            table.add_row(*self._cells(row, now))
        notes = [Text(note, style="yellow") for note in timeline.notes]
        return Padding(Group(Text(headline(saga), style="bold"), "", table, *notes), (1, 2))

    def _cells(self, row: ActivityRow, now: datetime) -> tuple[RenderableType, ...]:
        activity = find_activity(row.activity)  # a product's file may have changed meanwhile
        sign, style = sign_of(row)
        icon = (
            self._spinner
            if row.status is RowStatus.RUNNING and row.undo is CompensationStatus.NO
            else Text(sign, style=style)
        )
        dim = "dim" if row.status is RowStatus.IDLE else ""
        label, short_label = (activity.label, activity.short_label) if activity else (row.activity, "")
        return (
            icon,
            Text(label, style=dim),
            short_label,
            duration_text(row.duration(now)),
            Text(remark(row), style=style),
        )


def sign_of(row: ActivityRow) -> tuple[str, str]:
    """The row's sign and colour; the text next to it has the same meaning."""
    return _SIGNS[row.status] if row.undo is CompensationStatus.NO else _UNDO_SIGNS[row.undo]


def remark(row: ActivityRow) -> str:
    """Why the row waits, how it failed, or its result."""
    tries = f"try {row.tries}" if row.tries > 1 else ""
    parts = [tries, row.message, _UNDO_WORDS.get(row.undo, "")]
    return "; ".join(part for part in parts if part)


def duration_text(duration: timedelta | None) -> str:
    """Seconds with a tenth, minutes and seconds above that."""
    if duration is None:
        return "-"
    seconds = duration.total_seconds()
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds // 60)}:{int(seconds % 60):02d} min"


def line(row: ActivityRow, now: datetime) -> str:
    """One row in one line, for logs and pipes."""
    words = f"{sign_of(row)[0]} {label_of(row.activity):<28}{duration_text(row.duration(now)):>8}  {remark(row)}"
    return words.rstrip()
