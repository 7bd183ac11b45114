"""What happened lately, for watchers: a bounded memory of events and the live subscriptions.

The store publishes, `watch.py` and the controllers subscribe. Events hold bytes, not documents: ten thousand of
them add 9 MB to the objects they tell of, and a watcher costs no encoding. Nothing here survives a restart, as little
as etcd's history survives compaction: a watcher that asks for what is gone gets 410 and lists again, which every
client knows.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from cluster_emulator import api_errors
from cluster_emulator.kinds import Kind
from cluster_emulator.selectors import Selectable

ADDED: Final = "ADDED"
MODIFIED: Final = "MODIFIED"
DELETED: Final = "DELETED"

_KEPT_EVENTS: Final = 10_000
_QUEUED_EVENTS: Final = 5_000


class Key(NamedTuple):
    """Where one object is; namespace is "" for what lives in none."""

    kind: Kind
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Event:
    """One change; `before` is what selectors saw of the object until then."""

    type: str
    version: int
    key: Key
    raw: bytes
    now: Selectable
    before: Selectable | None
    owners: tuple[str, ...] = ()


Observer: TypeAlias = Callable[[Event], None]


class Subscription:
    """One watcher's queue. `broken` once it fell too far behind: its stream then ends and the client lists again."""

    def __init__(self, kind: Kind, namespace: str) -> None:
        self.kind, self.namespace = kind, namespace
        self.broken = False
        self._queue: deque[Event] = deque()
        self._ready = asyncio.Event()

    def push(self, event: Event) -> None:
        self.broken = self.broken or len(self._queue) >= _QUEUED_EVENTS
        if not self.broken:
            self._queue.append(event)
        self._ready.set()

    def taken(self) -> Iterator[Event]:
        self._ready.clear()
        while self._queue:
            yield self._queue.popleft()

    async def wait(self, seconds: float) -> None:
        """Until something came, or so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._ready.wait()
        except TimeoutError:
            return


class History:
    """The last events, the watchers, and the controllers that are called at once."""

    def __init__(self, floor: int) -> None:
        self._floor = floor  # events up to this version are forgotten
        self._events: deque[Event] = deque()
        self._watchers: dict[tuple[Kind, str], set[Subscription]] = {}
        self.observers: list[Observer] = []

    def publish(self, event: Event) -> None:
        self._events.append(event)
        if len(self._events) > _KEPT_EVENTS:
            self._floor = self._events.popleft().version
        for namespace in {"", event.key.namespace}:
            for watcher in self._watchers.get((event.key.kind, namespace), ()):
                watcher.push(event)
        for observer in self.observers:
            observer(event)

    def subscribe(self, kind: Kind, namespace: str, since: int) -> Subscription:
        """Everything of that kind after version `since`; 410 when that is too long ago."""
        if since < self._floor:
            raise api_errors.expired(since, self._floor)
        watcher = Subscription(kind, namespace)
        for event in reversed(self._events):
            if event.version <= since:
                break
            if event.key.kind is kind and namespace in ("", event.key.namespace):
                watcher._queue.appendleft(event)
        if watcher._queue:
            watcher._ready.set()
        self._watchers.setdefault((kind, namespace), set()).add(watcher)
        return watcher

    def unsubscribe(self, watcher: Subscription) -> None:
        place = (watcher.kind, watcher.namespace)
        self._watchers[place].discard(watcher)
        if not self._watchers[place]:
            del self._watchers[place]

    def wake_watchers(self) -> None:
        """So that every stream checks again whether a fault holds it."""
        for watchers in self._watchers.values():
            for watcher in watchers:
                watcher._ready.set()
