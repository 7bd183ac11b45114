"""Draws a tenant's timeline: symbol, label, duration and reason of each row.

The symbols are those of the demo and the console. `timeline_pane` draws one attempt live on a terminal; a pipe gets a
line for each change.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tenantctl.drawing import Drawing, Line
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


def latest_attempt(timeline: Json) -> Json:
    """The newest attempt; empty when none has begun."""
    attempts = timeline.get("attempts") or []
    return max(attempts, key=lambda attempt: int(attempt.get("attempt") or 0)) if attempts else {}


def draw_attempts(timeline: Json) -> Drawing:
    """Every attempt, as lines."""
    lines: list[Line] = []
    for attempt in timeline.get("attempts") or []:
        started = format_time(attempt.get("started_at"))
        began = f"Attempt {attempt.get('attempt')}, begun {started}, run {attempt.get('run_id')}"
        lines.append(Line(began, "bold"))
        lines += [Line(f"  {product}")] if (product := _product(attempt)) else []
        lines += [Line(f"  {format_row(row)}", symbol_of(row)[1]) for row in attempt.get("rows") or ()]
        lines += [Line(f"  {note}", "yellow") for note in attempt.get("notes") or ()]
    return lines or [Line("No attempt has begun.")]


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
    return _UNDO_SIGNS.get(undo_of(row)) or _SIGNS.get(str(row.get("status")), ("?", ""))


def row_note(row: Json) -> str:
    """Why the activity waits, how it failed, whether it was undone, and whether it is over its time limit."""
    tries = f"try {row['tries']}" if int(row.get("tries") or 0) > 1 else ""
    seconds, limit = row.get("seconds"), row.get("limit_seconds")
    over = bool(seconds and limit and seconds > limit and row.get("status") in {"running", "retrying"})
    late = f"longer than the {format_duration(limit)} it may take" if over else ""
    return "; ".join(
        part for part in (tries, late, str(row.get("message") or ""), _UNDO_WORDS.get(undo_of(row), "")) if part
    )


def format_row(row: Json) -> str:
    """One row in one line, for logs and pipes."""
    label = escape_controls(row.get("label") or row.get("activity"))
    return f"{symbol_of(row)[0]} {label:<28}{duration_of(row):>10}  {escape_controls(row_note(row))}".rstrip()


def changed_rows(before: Json, now: Json) -> Iterator[Json]:
    """The rows that have begun and differ from `before`, apart from durations."""
    appearances = {row.get("activity"): _appearance(row) for row in before.get("rows") or ()}
    same_attempt = before.get("attempt") == now.get("attempt")
    for row in now.get("rows") or ():
        begun = row.get("status") != "idle" or undo_of(row)
        if begun and not (same_attempt and appearances.get(row.get("activity")) == _appearance(row)):
            yield row


def _appearance(row: Json) -> tuple[object, ...]:
    return row.get("status"), row.get("undo"), row.get("tries"), row.get("message")


def undo_of(row: Json) -> str:
    """The state of its compensation; empty if there is none."""
    undo = str(row.get("undo") or "no")
    return "" if undo == "no" else undo


def duration_of(row: Json) -> str:
    """How long it takes or took."""
    seconds = row.get("seconds")
    return format_duration(None if seconds is None else float(seconds))
