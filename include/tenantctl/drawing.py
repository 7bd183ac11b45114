"""What a command prints for a person: lines and tables, with styles for a terminal. Pure.

A pipe gets them as plain text from here. `terminal` prints them with rich, whose import takes longer than a request.
Both escape the text, because names and errors come from outside. Nothing is read as markup.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tenantctl.text import escape_controls


@dataclass(frozen=True)
class Line:
    """One line. A line break in it is spelled out."""

    text: str
    style: str = ""


@dataclass(frozen=True)
class Row:
    """One row of a table."""

    cells: Sequence[object]
    style: str = ""


@dataclass(frozen=True)
class Table:
    """Columns without rules, which people and `awk` can read."""

    rows: Sequence[Row]
    name_style: str = ""
    """The style of the first column."""


Drawing = Sequence[Line | Table]


def grid(rows: Iterable[Sequence[object]], headings: Sequence[str], styles: Sequence[str] = ()) -> Table:
    """A table with headings."""
    cells = list(rows)
    by_row = [*styles, *[""] * (len(cells) - len(styles))]
    return Table([Row(headings, "bold"), *(Row(row, style) for row, style in zip(cells, by_row, strict=True))])


def pairs(facts: Iterable[tuple[str, object]]) -> Table:
    """A table of names and values."""
    return Table([Row(fact) for fact in facts], name_style="bold")


def lines_of(text: object, style: str = "", indent: str = "") -> list[Line]:
    """A text of several lines."""
    lines = escape_controls(text, keep_lines=True).splitlines() or [""]
    return [Line(f"{indent}{line}", style) for line in lines]


def plain_text(drawing: Drawing) -> str:
    """The text for a pipe: each row on one line, without blanks at the end."""
    return "".join(f"{line.rstrip()}\n" for each in drawing for line in _plain_lines(each))


def _plain_lines(each: Line | Table) -> list[str]:
    if isinstance(each, Line):
        return [escape_controls(each.text)]
    rows = [[escape_controls(cell) for cell in row.cells] for row in each.rows]
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(_padded, row, widths)) for row in rows]


def _padded(cell: str, width: int) -> str:
    return cell + " " * (width - _width(cell))


def _width(cell: str) -> int:
    """The number of columns that a terminal needs."""
    if cell.isascii():
        return len(cell)
    from rich.cells import cell_len  # some characters take two columns, some none

    return cell_len(cell)
