"""Cuts all connections of a process to outside systems after a number of statements and calls."""

from collections.abc import Callable
from typing import Protocol

from tenancy.saga.errors import TenancyError, TransientError


class LineCutter:
    """Connections work for `after` statements. The last statement still arrives; its answer is lost."""

    def __init__(self, after: int) -> None:
        self._left = after

    @property
    def cut(self) -> bool:
        """Whether the connections are cut."""
        return self._left <= 0

    def count(self) -> bool:
        """Count a statement. Returns whether it was the last one."""
        self._left -= 1
        return self.cut


class Severable(Protocol):
    """A connection to an outside system. It works while it has no cutter."""

    cutter: LineCutter | None


class SeverableEffects:
    """Ends a process right before one of its effects, in any system: every effect has a fence before it."""

    cutter: LineCutter | None = None

    def begin(self) -> None:
        if self.cutter is not None and (self.cutter.cut or self.cutter.count()):
            raise TransientError("The process ended before this effect.")


def dies_after(action: Callable[[], object], *connections: Severable, after: int) -> bool:
    """Run `action` and cut all connections after so many statements. False if it ended before that."""
    cutter = LineCutter(after)
    for connection in connections:
        connection.cutter = cutter
    try:
        action()
    except TenancyError:
        if not cutter.cut:
            raise
    finally:
        for connection in connections:
            connection.cutter = None
    return cutter.cut
