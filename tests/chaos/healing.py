"""Brings a sandbox up again after parts of it were killed: one at a time, and again when more died meanwhile."""

import threading
from collections.abc import Callable

from sandbox.problems import SandboxError

_TRIES = 3
_one_at_a_time = threading.Lock()


def healer(up: Callable[[], None]) -> Callable[[], None]:
    """`up`, for trials side by side."""

    def heal() -> None:
        with _one_at_a_time:
            for number in range(_TRIES):
                try:
                    return up()
                except SandboxError:
                    if number == _TRIES - 1:
                        raise
        return None

    return heal
