"""Draws one attempt of a tenant in a live pane with a spinner, with rich. Imported where `watch` has a terminal."""

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from tenantctl.tenant import Tenant
from tenantctl.text import escape_controls
from tenantctl.timeline_view import Json, duration_of, headline, row_note, symbol_of, undo_of


class TimelinePane:
    """A live pane. It keeps its spinner between drawings, so that it turns evenly."""

    def __init__(self) -> None:
        self._spinner = Spinner("dots", style="blue")

    def draw(self, tenant: Tenant, attempt: Json) -> RenderableType:
        """One attempt."""
        table = Table.grid(padding=(0, 2))
        table.add_column(width=2)
        table.add_column(min_width=26)
        table.add_column(min_width=18, style="dim")
        table.add_column(justify="right", min_width=8)
        table.add_column(overflow="fold")
        for row in attempt.get("rows") or ():
            table.add_row(*self._cells(row))
        below = [Text(escape_controls(note), style="yellow") for note in attempt.get("notes") or ()]
        return Padding(Group(Text(escape_controls(headline(tenant)), style="bold"), "", table, *below), (1, 2))

    def _cells(self, row: Json) -> tuple[RenderableType, ...]:
        sign, style = symbol_of(row)
        turning = row.get("status") == "running" and not undo_of(row)
        dim = "dim" if row.get("status") == "idle" else ""
        return (
            self._spinner if turning else Text(sign, style=style),
            Text(escape_controls(row.get("label") or row.get("activity")), style=dim),
            Text(escape_controls(row.get("short_label") or "")),
            Text(duration_of(row)),
            Text(escape_controls(row_note(row)), style=style),
        )


def live_on(console: Console) -> Live:
    """The place of the pane on this terminal."""
    return Live(console=console, refresh_per_second=8, vertical_overflow="visible")
