"""Runs the controllers: each handles an item once for each change, later on request, and again after a failure.

The store's events wake it; nothing is scanned after the start. An item is in the queue once, however often it was
woken. Tests call `step` with a clock of their own; the server calls `run`.
"""

import asyncio
import heapq
import itertools
import logging
from collections import deque
from collections.abc import Hashable, Iterable
from datetime import datetime, timedelta
from typing import Final, Protocol

from cluster_emulator.api_errors import ApiError
from cluster_emulator.clock import Clock
from cluster_emulator.history import ADDED, Event, Key
from cluster_emulator.store import Record, Store

log = logging.getLogger(__name__)

_RETRY_SECONDS: Final = 1.0


class Controller(Protocol):
    """One control loop."""

    def woken_by(self, event: Event) -> Iterable[Hashable]:
        """The items to handle after this event."""

    def reconcile(self, item: Hashable) -> float | None:
        """Brings the item nearer to its desired state. Returns simulated seconds until the next check, or None."""


class ControllerManager:
    """The controllers and their queue."""

    def __init__(self, store: Store, clock: Clock, controllers: Iterable[Controller]) -> None:
        self._store, self._clock, self._controllers = store, clock, tuple(controllers)
        self._ready: deque[tuple[Controller, Hashable]] = deque()
        self._waiting: set[tuple[Controller, Hashable]] = set()
        self._later: list[tuple[datetime, int, Controller, Hashable]] = []
        self._due: dict[tuple[Controller, Hashable], datetime] = {}  # one alarm an item: what is not here is void
        self._order = itertools.count()
        self._news = asyncio.Event()
        store.history.observers.append(self.observe)
        self.look_at_everything(store)

    def observe(self, event: Event) -> None:
        for controller in self._controllers:
            for item in controller.woken_by(event):
                self._add(controller, item)

    def look_at_everything(self, keys: Iterable[Key]) -> None:
        """As after a start, or when a fault came or went: every object counts as just added."""
        for key in keys:
            record = self._store.find(key)
            if record:
                self.observe(_as_event(record))

    def _add(self, controller: Controller, item: Hashable) -> None:
        if (controller, item) not in self._waiting:
            self._waiting.add((controller, item))
            self._ready.append((controller, item))
            self._news.set()

    def _add_later(self, controller: Controller, item: Hashable, simulated_seconds: float) -> None:
        due = self._clock.now() + timedelta(seconds=self._clock.real_seconds(simulated_seconds))
        self._due[controller, item] = due
        heapq.heappush(self._later, (due, next(self._order), controller, item))

    def _ring(self, now: datetime) -> None:
        while self._later and self._later[0][0] <= now:
            due, _, controller, item = heapq.heappop(self._later)
            if self._due.get((controller, item)) == due:
                del self._due[controller, item]
                self._add(controller, item)

    def step(self) -> bool:
        """Handles one due item; False when there is none."""
        self._ring(self._clock.now())
        if not self._ready:
            return False
        controller, item = self._ready.popleft()
        self._waiting.discard((controller, item))
        again = self._reconcile(controller, item)
        self._due.pop((controller, item), None)  # only the newest result decides when to check again
        if again is not None:
            self._add_later(controller, item, again)
        return True

    def _reconcile(self, controller: Controller, item: Hashable) -> float | None:
        try:
            return controller.reconcile(item)
        except ApiError as error:  # expected now and then, as in every controller: conflict, namespace going
            log.debug("%s: %s: %s", type(controller).__name__, item, error)
        except Exception:
            log.exception("%s: %s", type(controller).__name__, item)
        return _RETRY_SECONDS

    def settle(self) -> None:
        """Until nothing is due."""
        while self.step():
            pass

    async def run(self) -> None:
        """For ever; gives way to requests after every item."""
        while True:
            self._news.clear()
            while self.step():
                await asyncio.sleep(0)
            try:
                async with asyncio.timeout(self._until_next()):
                    await self._news.wait()
            except TimeoutError:
                continue

    def _until_next(self) -> float | None:
        if not self._later:
            return None
        return max(0.001, (self._later[0][0] - self._clock.now()).total_seconds())


def _as_event(record: Record) -> Event:
    return Event(ADDED, record.version, record.key, record.raw, record.selectable, None, record.owners)
