"""Prints lines and tables on a terminal with rich, set to leave text as it is. Imported when the first is printed."""

from typing import TextIO

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from tenantctl.drawing import Drawing, Line
from tenantctl.drawing import Table as DrawnTable
from tenantctl.text import escape_controls


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Raise the error for `commands`. rich would exit with code 1."""
        self.quiet = True
        raise BrokenPipeError


def console(stream: TextIO) -> Console:
    """A console that adds nothing to the text: no markup, no emoji codes, no highlighting."""
    return _Console(file=stream, force_terminal=True, markup=False, emoji=False, highlight=False, soft_wrap=True)


def print_drawing(on: Console, drawing: Drawing) -> None:
    """Print it with its styles."""
    for each in drawing:
        on.print(_line(each) if isinstance(each, Line) else _table(each))


def _line(line: Line) -> RenderableType:
    return Text(escape_controls(line.text), style=line.style)


def _table(drawn: DrawnTable) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    last = max((len(row.cells) for row in drawn.rows), default=0) - 1
    for number in range(last + 1):
        # On a narrow terminal only the last column wraps: a slug on two lines cannot be copied.
        style = "" if number else drawn.name_style
        table.add_column(no_wrap=number < last, overflow="fold", style=style)
    for row in drawn.rows:
        table.add_row(*(Text(escape_controls(cell)) for cell in row.cells), style=row.style)
    return table
