"""Kills: the activity's process dies by SIGKILL, right before each effect and at times spread over its duration.

The engine then runs it again in another process, or undoes it. Both must work after a death anywhere.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final

from tenancy.testing.bench import ActivityBench, BenchTenant
from tenancy.testing.check import Check, require
from tenancy.testing.outcome import cleared, require_gone, require_there

_MOST_FENCES: Final = 50
_Death = Callable[[BenchTenant, Callable[[], object]], bool]
"""Let the act run in a process that dies; False if the act ended before that."""


def _run_again(bench: ActivityBench) -> None:
    for death in _deaths(bench, _duration_of_run(bench)):
        with cleared(bench.tenant()) as tenant:
            death(tenant, tenant.run)
            tenant.run()
            require_there(tenant)
        require_gone(tenant)


def _undo_after(bench: ActivityBench) -> None:
    for death in _deaths(bench, _duration_of_run(bench)):
        with cleared(bench.tenant()) as tenant:
            death(tenant, tenant.run)
        require_gone(tenant)  # `cleared` has undone it


def _undo_again(bench: ActivityBench) -> None:
    for death in _deaths(bench, _duration_of_undo(bench)):
        with cleared(bench.tenant()) as tenant:
            tenant.run()
            death(tenant, tenant.undo)
        require_gone(tenant)  # `cleared` has undone it again


def _deaths(bench: ActivityBench, seconds: float) -> Iterator[_Death]:
    """At each call of `fence` until the act has no more of them, then at times."""
    reached = True

    def at_fence(number: int) -> _Death:
        def death(tenant: BenchTenant, act: Callable[[], object]) -> bool:
            nonlocal reached
            bench.progress(f"kill before its effect {number + 1}, if it has one")
            reached = _dies(tenant, act, fence=_killing_at(number))
            return reached

        return death

    for number in range(_MOST_FENCES):
        yield at_fence(number)
        if not reached:
            break
    yield from (_at_time(bench, number, seconds * (number + 0.5) / bench.kills) for number in range(bench.kills))


def _at_time(bench: ActivityBench, number: int, seconds: float) -> _Death:
    step = f"kill {number + 1} of {bench.kills}"

    def death(tenant: BenchTenant, act: Callable[[], object]) -> bool:
        bench.progress(step)
        died = _dies(tenant, act, after=seconds)
        wait = bench.seconds_after_death if died else 0.0
        if wait:
            bench.progress(f"{step}; waiting {wait:g} s for late writes")
        time.sleep(wait)  # as the engine waits before it settles
        return died

    return death


def _killing_at(number: int) -> Callable[[], None]:
    left = iter(range(number))

    def fence() -> None:
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    return fence


def _dies(
    tenant: BenchTenant,
    act: Callable[[], object],
    *,
    fence: Callable[[], None] = lambda: None,
    after: float | None = None,
) -> bool:
    """Run the act in a fork of this process, and in a group of its own: what it started dies with it. True if it was
    killed."""
    child = os.fork()
    if not child:
        _act_and_exit(tenant, act, fence)
    try:
        with suppress(OSError):  # parent and child both make the group, so that it exists before it is killed
            os.setpgid(child, child)
        if after is not None:
            time.sleep(after)
            os.killpg(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    except BaseException:  # Ctrl-C in a terminal does not reach the child's group
        _end(child)
        raise
    killed = os.WIFSIGNALED(status)
    require(
        killed or os.WEXITSTATUS(status) == 0, "the activity failed in a process of its own: run the other checks first"
    )
    return killed


def _end(child: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(child, 0)


def _act_and_exit(tenant: BenchTenant, act: Callable[[], object], fence: Callable[[], None]) -> None:
    try:
        os.setpgid(0, 0)
        tenant.fence = fence
        act()
        os._exit(0)
    finally:
        os._exit(1)  # never returns into the caller's code, which is the parent's


def _duration_of_run(bench: ActivityBench) -> float:
    with cleared(bench.tenant()) as tenant:
        began = time.monotonic()
        tenant.run()
        return time.monotonic() - began


def _duration_of_undo(bench: ActivityBench) -> float:
    with cleared(bench.tenant()) as tenant:
        tenant.run()
        began = time.monotonic()
        tenant.undo()
        return time.monotonic() - began


KILL_CHECKS: Final = (
    Check("killed anywhere, it can be run again to its end", _run_again),
    Check("killed anywhere, it can be undone", _undo_after),
    Check("undoing it, killed anywhere, can be repeated", _undo_again),
)
