"""The newest health of the platform, for all pages and API calls of one api-server.

A request gets the newest health while that is fresh. When it is older, a refresh starts and the request waits for it:
for a moment if the old health may still serve, and as long as a refresh may take if there is none or it is stale.
"""

from collections.abc import Callable
from typing import Final

from tenancy.console.refreshed_value import Refreshed, RefreshedValue
from tenancy.engine.health.check_results import Health, with_since
from tenancy.engine.health.health_check_runner import BOUND_SECONDS

FRESH_SECONDS: Final = 10.0
STALE_SECONDS: Final = 30.0
SHORT_SECONDS: Final = 0.4
LONG_SECONDS: Final = BOUND_SECONDS + 0.5
FIRST_SECONDS: Final = 10.0
"""The first refresh of a process loads the clients."""


class HealthWatch:
    """The newest health. `load` asks every system, with time-outs of its own (engine/health/health_check_runner.py)."""

    def __init__(self, load: Callable[[], Health], *, fresh_seconds: float = FRESH_SECONDS) -> None:
        self._health = RefreshedValue(lambda: with_since(self.latest, load()), max_age=fresh_seconds)

    @property
    def latest(self) -> Health:
        """The newest health; without checks before the first refresh has ended."""
        return _health(self._health.latest)

    def start_refresh(self) -> None:
        """Start a refresh if one is due; returns at once."""
        self._health.start_refresh()

    def __call__(self) -> Health:
        """The health, refreshed if that is due. It has its own age."""
        return _health(self._health.get(_timeout(self._health.latest)))

    def wait_briefly(self) -> Health:
        """The health, refreshed if that is due; waits for a moment at most. For pages about one tenant."""
        return _health(self._health.get(SHORT_SECONDS))


def _health(known: Refreshed[Health]) -> Health:
    return known.value or Health()


def _timeout(known: Refreshed[Health]) -> float:
    if not _health(known).checks:
        return FIRST_SECONDS
    return SHORT_SECONDS if known.age < STALE_SECONDS else LONG_SECONDS
