"""Polling with a time limit."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

Result = TypeVar("Result")

# On a busy machine a living part may take this long to answer before it counts as hanging.
RESPONSE_SECONDS: Final = 8.0


def poll(seconds: float, ask: Callable[[], Result]) -> Result:
    """Call `ask` until it returns something true; the last result when time is up."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return answer
