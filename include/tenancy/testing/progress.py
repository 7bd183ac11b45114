"""What a test of an activity is doing at the moment, for the person who waits: a kill may be followed by minutes.

It goes to stderr, so that what stdout has (the rules, or JSON) stays as it is.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TextIO

_SECONDS_BETWEEN_LINES: Final = 10.0
"""Where nobody watches, such as in a log of CI."""


@dataclass
class Progress:
    """Prints each step on a terminal; elsewhere a line now and then. `rule` is the one that is being checked."""

    stream: TextIO = field(default_factory=lambda: sys.stderr)
    now: Callable[[], float] = time.monotonic
    rule: str = ""

    def __post_init__(self) -> None:
        self._printed_at = self.now()

    def step(self, text: str) -> None:
        """Print it, unless a line was printed a moment ago and nobody watches."""
        if not self.stream.isatty() and self.now() - self._printed_at < _SECONDS_BETWEEN_LINES:
            return
        self._printed_at = self.now()
        print(f"… {self.rule}: {text}", file=self.stream, flush=True)
