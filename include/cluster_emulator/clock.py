"""Time as the cluster sees it: the wall clock for stamps, and a speed for everything that takes simulated time.

Controllers and the fault book ask it; nobody else reads a clock. With speed 10 a slow start of 60 seconds takes
six. Stamps and history are never scaled: only waiting is.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

STAMP = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(slots=True)
class Clock:
    """The real clock."""

    speed: float = 1.0

    def now(self) -> datetime:
        return datetime.now(UTC)

    def stamp(self) -> str:
        """Now, as Kubernetes writes it: whole seconds."""
        return self.now().strftime(STAMP)

    def age(self, since: datetime) -> float:
        """Simulated seconds since then."""
        return (self.now() - since).total_seconds() * self.speed

    def real_seconds(self, simulated: float) -> float:
        return simulated / self.speed


@dataclass(slots=True)
class ManualClock(Clock):
    """A clock that advances only when a test moves it."""

    instant: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.instant

    def advance(self, seconds: float) -> None:
        self.instant += timedelta(seconds=seconds)


def parse_stamp(stamp: str) -> datetime:
    return datetime.strptime(stamp, STAMP).replace(tzinfo=UTC)
