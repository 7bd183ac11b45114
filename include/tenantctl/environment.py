"""Everything outside that a command uses: the terminal, the environment, the clock, the network.

`cli` makes the real one. Tests make one with a fake server, a clock that does not wait, and prepared answers.
"""

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from tenantctl.drawing import Drawing, plain_text
from tenantctl.token_store import KEEP_NOTHING, TokenStore, default_folder

if TYPE_CHECKING:  # `tenantctl --help` needs neither
    import httpx
    from rich.console import Console


@dataclass(frozen=True)
class Environment:
    """`prompt(question, hidden)` reads a line from the operator. It is None where nobody can answer.

    `stdin` is what a text given as `-` is read from.
    """

    stdout: TextIO
    stderr: TextIO
    environ: Mapping[str, str]
    sandbox_home: Path
    stdin: TextIO | None = None
    stdout_is_terminal: bool = False
    stderr_is_terminal: bool = False
    tokens: TokenStore = KEEP_NOTHING
    prompt: Callable[[str, bool], str] | None = None
    transport: "httpx.BaseTransport | None" = None
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    @cached_property
    def out(self) -> "Console":
        """The terminal at stdout."""
        from tenantctl.terminal import console

        return console(self.stdout)

    @cached_property
    def err(self) -> "Console":
        """The terminal at stderr."""
        from tenantctl.terminal import console

        return console(self.stderr)

    def show(self, drawing: Drawing, *, on_stderr: bool = False) -> None:
        """Print it, with styles on a terminal."""
        if self.stderr_is_terminal if on_stderr else self.stdout_is_terminal:
            from tenantctl.terminal import print_drawing

            print_drawing(self.err if on_stderr else self.out, drawing)
            return
        stream = self.stderr if on_stderr else self.stdout
        stream.write(plain_text(drawing))
        stream.flush()  # a reader of `watch` sees each line when it is printed

    @classmethod
    def of_process(cls) -> "Environment":
        """The real environment of this process."""
        attended = sys.stdin.isatty() and sys.stderr.isatty()
        return cls(
            stdout=sys.stdout,
            stderr=sys.stderr,
            stdin=sys.stdin,
            environ=os.environ,
            sandbox_home=_sandbox_home(os.environ),
            stdout_is_terminal=sys.stdout.isatty(),
            stderr_is_terminal=sys.stderr.isatty(),
            tokens=TokenStore(default_folder(os.environ)),
            prompt=_prompt if attended else None,
        )


def _sandbox_home(environ: Mapping[str, str]) -> Path:
    """The sandbox's folder: $TENANCY_SANDBOX_HOME, else .sandbox in this project."""
    project = Path(__file__).resolve().parents[2]
    return Path(environ.get("TENANCY_SANDBOX_HOME") or project / ".sandbox").expanduser()


def _prompt(question: str, hidden: bool) -> str:
    # On stderr: stdout may be a file or a pipe that is for the answer only.
    if hidden:
        from getpass import getpass

        return getpass(question, stream=sys.stderr)
    sys.stderr.write(question)
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        raise KeyboardInterrupt  # Ctrl-D
    return line.rstrip("\n")
