"""The console that prints: rich's, set to leave text as it is. Imported when the first line is printed."""

from typing import TextIO

from rich.console import Console

_WIDE = 10_000
"""The width in a pipe, where each row stays on one line."""


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Raise the error for `commands`. rich would exit with code 1."""
        self.quiet = True
        raise BrokenPipeError


def console(stream: TextIO, *, is_terminal: bool) -> Console:
    """A console that adds nothing to the text: no markup, no emoji codes, no highlighting."""
    return _Console(
        file=stream,
        force_terminal=is_terminal,
        width=None if is_terminal else _WIDE,
        markup=False,
        emoji=False,
        highlight=False,
        soft_wrap=True,
    )
