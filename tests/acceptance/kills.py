"""Kills parts of Airflow with kill -9, both where there are two, and restarts them."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sandbox.access import Access
from sandbox.components import COMPONENTS
from sandbox.processes import Register
from tests.acceptance import runs
from tests.sandboxes import EXECUTOR

Kill = Callable[..., None]


@contextmanager
def killer(access: Access, up: Callable[[], None]) -> Iterator[Kill]:
    """Yields a function that kills parts by name. All parts are restarted afterwards."""

    def kill(*names: str) -> None:
        for name in all_of(*names):
            daemon = Register(access.layout.processes).get(name)
            assert daemon is not None
            os.kill(daemon.pid, signal.SIGKILL)
            runs.wait_until(lambda daemon=daemon: not daemon.alive, f"{name} to be dead")

    try:
        yield kill
    finally:
        up()


def all_of(*names: str) -> list[str]:
    """These parts, with the second scheduler where there is one."""
    running = [component.name for component in COMPONENTS[EXECUTOR]]
    return [each for each in running if each.removesuffix("-2") in names]
