"""Runs a function in a process of its own, with limits on processor time, memory and time.

For code of others that can loop without an end or fill the memory: neither can be stopped in a thread. The process is a
fork, which has all modules already: a new Python takes 0.12 s of processor time for the import of Jinja2 alone.
"""

import contextlib
import gc
import json
import os
import resource
import select
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Limits:
    """`cpu` and `wall` in seconds, `memory` in bytes beyond what the calling process has."""

    cpu: int
    wall: float
    memory: int


class LimitExceededError(Exception):
    """The process was ended by its limit of processor time or of memory."""


def run_limited(work: Callable[[], Any], limits: Limits) -> Any:
    """What `work` returns, which must be plain values (JSON). It must not raise.

    LimitExceededError when a limit ended it; TimeoutError after `limits.wall`.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _run_in_child(work, limits, writer)
    os.close(writer)
    try:
        result = _read(reader, time.monotonic() + limits.wall)
    finally:
        os.close(reader)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    if not result:
        raise LimitExceededError
    return json.loads(result)


def _run_in_child(work: Callable[[], Any], limits: Limits, writer: int) -> None:
    """Never returns, and finalizes nothing: connections and buffers belong to the parent."""
    try:
        gc.disable()
        _set_limits(limits)
        with os.fdopen(writer, "w") as pipe:
            json.dump(work(), pipe)
    finally:
        os._exit(0)


def _set_limits(limits: Limits) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu, limits.cpu))
    with contextlib.suppress(ValueError, OSError):  # macOS has neither the file nor the limit
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        memory = pages * resource.getpagesize() + limits.memory
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def _read(reader: int, deadline: float) -> bytes:
    """All that the child writes until it ends."""
    parts: list[bytes] = []
    while True:
        ready, _, _ = select.select([reader], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise TimeoutError
        part = os.read(reader, 65536)
        if not part:
            return b"".join(parts)
        parts.append(part)
