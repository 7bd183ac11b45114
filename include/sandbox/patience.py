"""Waiting for an answer: how long, and how."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

Answer = TypeVar("Answer")

# How long a living part may keep us waiting for an answer, on a busy machine, before it counts as hanging.
PATIENCE_SECONDS: Final = 8.0


def within(seconds: float, look: Callable[[], Answer]) -> Answer:
    """The first answer that is not empty, or the last one when time is up."""
    deadline = time.monotonic() + seconds
    while not (answer := look()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return answer
