"""Shows a slow step while it runs, and its seconds when it is done.

It prints a spinner on a terminal and plain lines in a pipe or a log.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console


class ProgressReporter:
    """Reports steps on a console."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True)

    def say(self, sentence: str) -> None:
        self._console.print(sentence, markup=False)

    @contextmanager
    def step(self, description: str) -> Iterator[None]:
        """Show `description` as running, then as done with its seconds. The caller reports a failure."""
        began = time.monotonic()
        if self._console.is_terminal:
            with self._console.status(f"{description} …"):
                yield
        else:
            self._console.print(f"… {description}", markup=False)
            yield
        self._console.print(f"[green]✓[/green] {description} [dim]{time.monotonic() - began:.1f} s[/dim]")


class NoProgress(ProgressReporter):
    """For callers that report progress themselves."""

    def __init__(self) -> None:
        super().__init__(Console(quiet=True))
