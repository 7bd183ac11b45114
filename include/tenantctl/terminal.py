"""What is printed: rich's console, told to leave the text as it is. Imported by the first line that is printed."""

from typing import TextIO

from rich.console import Console

_WIDE = 10_000
"""Columns where nobody looks: a pipe wants each row in one line, however long."""


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Say it to `commands` instead of rich's exit with code 1."""
        self.quiet = True
        raise BrokenPipeError


def console(stream: TextIO, *, is_terminal: bool) -> Console:
    """A console that adds nothing to the text by itself: no markup, no emoji codes, no guessed colours."""
    return _Console(
        file=stream,
        force_terminal=is_terminal,
        width=None if is_terminal else _WIDE,
        markup=False,
        emoji=False,
        highlight=False,
        soft_wrap=True,
    )
