"""One `up` or `down` at a time for one home."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from sandbox.layout import Layout
from sandbox.problems import SandboxError


@contextmanager
def held(layout: Layout) -> Iterator[None]:
    """Hold the home's lock. The kernel releases it when this process ends, however it ends."""
    with layout.lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SandboxError(
                f"Another `sandbox up` or `down` is running on {layout.home}; wait for it to end, then try again."
            ) from error
        yield
