"""Code of others in a process with limits: its result, or which limit ended it; nothing of it stays."""

import os
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from tenancy.adapters.limited_process import LimitExceededError, Limits, run_limited

LIMITS = Limits(cpu=1, wall=30.0, memory=64 * 1024**2)


def spin() -> None:
    while True:
        pass


@pytest.mark.parametrize("value", [{"a": [1, None, "ż"]}, "x" * 300_000], ids=["plain", "more than a pipe holds"])
def test_the_result_is_returned(value: Any):
    assert run_limited(lambda: value, LIMITS) == value


@pytest.mark.parametrize("work", [spin, lambda: os.kill(os.getpid(), 9), lambda: len(bytearray(1024**3))])
def test_a_process_that_a_limit_ends_is_an_error(work: Callable[[], Any]):
    with pytest.raises(LimitExceededError):
        run_limited(work, LIMITS)


def test_a_process_that_only_waits_is_ended_by_the_wall_time():
    with pytest.raises(TimeoutError):
        run_limited(lambda: time.sleep(60), Limits(cpu=1, wall=0.2, memory=LIMITS.memory))


def test_no_process_is_left_and_no_file_stays_open():
    this = psutil.Process()
    before = this.num_fds(), len(this.children())
    with pytest.raises(TimeoutError):
        run_limited(lambda: time.sleep(60), Limits(cpu=1, wall=0.1, memory=LIMITS.memory))
    run_limited(lambda: 1, LIMITS)
    assert (this.num_fds(), len(this.children())) == before
