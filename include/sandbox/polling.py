"""Waiting for an answer: how long, and how."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

Result = TypeVar("Result")

# How long a living part may keep us waiting for an answer, on a busy machine, before it counts as hanging.
RESPONSE_SECONDS: Final = 8.0


def poll(seconds: float, ask: Callable[[], Result]) -> Result:
    """The first answer that is not empty, or the last one when time is up."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return answer
