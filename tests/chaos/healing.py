"""Restarts the dead parts of a sandbox. Only one caller at a time; it tries again when more parts died meanwhile."""

import threading
from collections.abc import Callable

from sandbox.problems import SandboxError

_TRIES = 3
_one_at_a_time = threading.Lock()


def healer(up: Callable[[], None]) -> Callable[[], None]:
    """`up`, safe for concurrent trials."""

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
