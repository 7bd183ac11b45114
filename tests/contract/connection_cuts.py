"""Scissors that cut a process's lines to the outside after some number of statements and calls, wherever these go."""

from collections.abc import Callable
from typing import Protocol

from tenancy.saga.errors import TenancyError, TransientError


class LineCutter:
    """The line to the outside holds for `after` statements; the last of them still arrives, its answer does not."""

    def __init__(self, after: int) -> None:
        self._left = after

    @property
    def cut(self) -> bool:
        """Is the line dead?"""
        return self._left <= 0

    def count(self) -> bool:
        """One more statement went out; was it the last one?"""
        self._left -= 1
        return self.cut


class Severable(Protocol):
    """A line to an outside system; it holds while it has no scissors."""

    cutter: LineCutter | None


class SeverableEffects:
    """Ends a process right before one of its effects, in any system: every effect has a fence before it."""

    cutter: LineCutter | None = None

    def begin(self) -> None:
        if self.cutter is not None and (self.cutter.cut or self.cutter.count()):
            raise TransientError("The process ended before this effect.")


def dies_after(deed: Callable[[], object], *lines: Severable, after: int) -> bool:
    """Do the deed and lose all lines after so many statements; False when it ended before that."""
    cutter = LineCutter(after)
    for line in lines:
        line.cutter = cutter
    try:
        deed()
    except TenancyError:
        if not cutter.cut:
            raise
    finally:
        for line in lines:
            line.cutter = None
    return cutter.cut
