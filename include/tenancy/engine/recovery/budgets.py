"""Time budgets: how long one pass of unwinding may spend on each outside system.

Why: a system that does not respond must not use up the pass, so that other systems' resources are still released.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class SystemBudgets:
    """Seconds for each system. A system that has used its time, or asked to wait, is skipped until the next pass."""

    seconds: float
    monotonic: Callable[[], float]
    _used: dict[str, float] = field(default_factory=dict)
    _waits: dict[str, int] = field(default_factory=dict)

    def left(self, system: str) -> float:
        """How long this system may still take in this pass."""
        return max(0.0, self.seconds - self._used.get(system, 0.0))

    def may_try_again(self, system: str) -> bool:
        """Has it time left, and did it not ask to wait?"""
        return system not in self._waits and self.left(system) > 0

    @contextmanager
    def spending(self, system: str) -> Iterator[float]:
        """What happens within is on this system's time; yields how long it may take."""
        began = self.monotonic()
        try:
            yield self.left(system)
        finally:
            self._used[system] = self._used.get(system, 0.0) + self.monotonic() - began

    def leave_alone(self, system: str, seconds: int) -> None:
        """It asked to be left alone for so long."""
        self._waits[system] = max(seconds, self._waits.get(system, 0))

    @property
    def longest_wait(self) -> int | None:
        """For how many seconds systems asked to be left alone; None when none did."""
        return max(self._waits.values(), default=None)
