"""Everything outside of us that a command touches: the terminal, the environment, the clock, the network.

`cli` makes the real one; tests make one with a fake server, a clock that nobody waits for and answers typed ahead.
"""

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from getpass import getpass
from pathlib import Path
from typing import TextIO

import httpx
from rich.console import Console, RenderableType

_WIDE = 10_000
"""Columns where nobody looks: a pipe wants each row in one line, however long."""


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Say it to `commands` instead of rich's exit with code 1."""
        self.quiet = True
        raise BrokenPipeError


@dataclass(frozen=True)
class Environment:
    """`prompt(question, hidden)` reads a line from the operator; None when nobody is there to answer."""

    out: Console
    err: Console
    environ: Mapping[str, str]
    sandbox_home: Path
    prompt: Callable[[str, bool], str] | None = None
    transport: httpx.BaseTransport | None = None
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def show(self, drawn: RenderableType) -> None:
        """Print a drawing; in a pipe without the blanks that only fill a column."""
        if self.out.is_terminal:
            self.out.print(drawn)
            return
        with self.out.capture() as escalation_summary:
            self.out.print(drawn)
        self.out.file.write("".join(f"{line.rstrip()}\n" for line in escalation_summary.get().splitlines()))

    @classmethod
    def of_process(cls) -> "Environment":
        """This process's own."""
        attended = sys.stdin.isatty() and sys.stderr.isatty()
        return cls(
            out=console(sys.stdout),
            err=console(sys.stderr),
            environ=os.environ,
            sandbox_home=_sandbox_home(os.environ),
            prompt=_prompt if attended else None,
        )


def console(stream: TextIO, *, terminal: bool | None = None) -> Console:
    """A console that escapes nothing into the text by itself: no markup, no emoji codes, no guessed colours."""
    on_terminal = stream.isatty() if terminal is None else terminal
    return _Console(
        file=stream,
        force_terminal=on_terminal,
        width=None if on_terminal else _WIDE,
        markup=False,
        emoji=False,
        highlight=False,
        soft_wrap=True,
    )


def _sandbox_home(environ: Mapping[str, str]) -> Path:
    """Where `python -m sandbox` keeps it: $TENANCY_SANDBOX_HOME, else .sandbox in the project we lie in."""
    project = Path(__file__).resolve().parents[2]
    return Path(environ.get("TENANCY_SANDBOX_HOME") or project / ".sandbox").expanduser()


def _prompt(question: str, hidden: bool) -> str:
    # On stderr: stdout may be a file or a program that wants the answer only.
    if hidden:
        return getpass(question, stream=sys.stderr)
    sys.stderr.write(question)
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        raise KeyboardInterrupt  # Ctrl-D: the operator walks away
    return line.rstrip("\n")
