"""Draws a tenant's timeline: symbol, label, duration and reason of each row.

The symbols are those of the demo and the console. A terminal gets a live pane with a spinner; a pipe gets a line for
each change.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from tenantctl.tenant import Tenant
from tenantctl.text import escape_controls, format_duration, format_time

Json = Mapping[str, Any]
_SIGNS: Final = {
    "idle": ("·", "dim"),
    "running": ("…", "blue"),
    "retrying": ("↻", "yellow"),
    "done": ("✓", "green"),
    "failed": ("✗", "red"),
}
_UNDO_SIGNS: Final = {"undoing": ("↶", "magenta"), "undone": ("↶", "magenta"), "failed": ("!", "red")}
_UNDO_WORDS: Final = {"undoing": "being undone", "undone": "undone", "failed": "not undone"}


def headline(tenant: Tenant) -> str:
    """The tenant's state in one sentence."""
    held = f" It waits: {tenant.held}" if tenant.held else ""
    attention = " It needs a person." if tenant.needs_attention else ""
    how_long = format_duration(tenant.seconds)
    return f"{tenant.slug} (attempt {tenant.attempt}) is {tenant.phase} for {how_long}.{attention}{held}"


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
        turning = row.get("status") == "running" and not _undo(row)
        dim = "dim" if row.get("status") == "idle" else ""
        return (
            self._spinner if turning else Text(sign, style=style),
            Text(escape_controls(row.get("label") or row.get("activity")), style=dim),
            Text(escape_controls(row.get("short_label") or "")),
            Text(_duration(row)),
            Text(escape_controls(row_note(row)), style=style),
        )


def latest_attempt(timeline: Json) -> Json:
    """The newest attempt; empty when none has begun."""
    attempts = timeline.get("attempts") or []
    return max(attempts, key=lambda attempt: int(attempt.get("attempt") or 0)) if attempts else {}


def draw_attempts(timeline: Json) -> RenderableType:
    """Every attempt, as lines."""
    lines: list[Text] = []
    for attempt in timeline.get("attempts") or []:
        started = format_time(attempt.get("started_at"))
        began = f"Attempt {attempt.get('attempt')}, begun {started}, run {attempt.get('run_id')}"
        lines.append(Text(escape_controls(began), style="bold"))
        lines += [Text(escape_controls(f"  {product}"))] if (product := _product(attempt)) else []
        lines += [Text(f"  {format_row(row)}", style=symbol_of(row)[1]) for row in attempt.get("rows") or ()]
        lines += [Text(escape_controls(f"  {note}"), style="yellow") for note in attempt.get("notes") or ()]
    return Group(*lines) if lines else Text("No attempt has begun.")


def _product(attempt: Json) -> str:
    """What the attempt began with; empty when it did not record that."""
    product = attempt.get("product") or {}
    if not product.get("name"):
        return ""
    parts = [f"product {product['name']} {product.get('version')}"]
    if product.get("chart_digest"):
        parts.append(f"chart {product.get('chart_version')} ({str(product['chart_digest'])[:12]})")
    if product.get("values_digest"):
        parts.append(f"values {str(product['values_digest'])[:12]}")
    if product.get("schema_version"):
        parts.append(f"schema {product['schema_version']}")
    return ", ".join(parts)


def symbol_of(row: Json) -> tuple[str, str]:
    """The row's symbol and colour. The words next to it have the same meaning."""
    return _UNDO_SIGNS.get(_undo(row)) or _SIGNS.get(str(row.get("status")), ("?", ""))


def row_note(row: Json) -> str:
    """Why the activity waits, how it failed, whether it was undone, and whether it is over its time limit."""
    tries = f"try {row['tries']}" if int(row.get("tries") or 0) > 1 else ""
    seconds, limit = row.get("seconds"), row.get("limit_seconds")
    over = bool(seconds and limit and seconds > limit and row.get("status") in {"running", "retrying"})
    late = f"longer than the {format_duration(limit)} it may take" if over else ""
    return "; ".join(
        part for part in (tries, late, str(row.get("message") or ""), _UNDO_WORDS.get(_undo(row), "")) if part
    )


def format_row(row: Json) -> str:
    """One row in one line, for logs and pipes."""
    label = escape_controls(row.get("label") or row.get("activity"))
    return f"{symbol_of(row)[0]} {label:<28}{_duration(row):>10}  {escape_controls(row_note(row))}".rstrip()


def changed_rows(before: Json, now: Json) -> Iterator[Json]:
    """The rows that have begun and differ from `before`, apart from durations."""
    appearances = {row.get("activity"): _appearance(row) for row in before.get("rows") or ()}
    same_attempt = before.get("attempt") == now.get("attempt")
    for row in now.get("rows") or ():
        begun = row.get("status") != "idle" or _undo(row)
        if begun and not (same_attempt and appearances.get(row.get("activity")) == _appearance(row)):
            yield row


def _appearance(row: Json) -> tuple[object, ...]:
    return row.get("status"), row.get("undo"), row.get("tries"), row.get("message")


def _undo(row: Json) -> str:
    undo = str(row.get("undo") or "no")
    return "" if undo == "no" else undo


def _duration(row: Json) -> str:
    seconds = row.get("seconds")
    return format_duration(None if seconds is None else float(seconds))
