"""Bells: who waits for something in a cluster is woken when it changes there. One watch a kind and region, shared.

Lives in the triggerer's event loop. A bell says only that another look is worth while; what is seen then is the
look's (engine/waiting.py). When a watch breaks, or the cluster has none to offer, whoever waits looks by itself after
LOOK_ANYWAY: so a bell that stays silent costs time, never truth.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

log = logging.getLogger(__name__)

FALLBACK_POLL_SECONDS = 15.0
"""Seconds. An Event alone (a failing probe) rings no bell, so this is also how late it may be told."""
WATCHED_PATHS = ("/api/v1/pods", "/apis/apps/v1/deployments")
EVERYWHERE = ""
"""No namespace's name: as cluster_watch.py tells it."""
_PAUSE_SECONDS = 2.0
_MAX_PAUSE_SECONDS = 30.0


class ChangeNotifier:
    """The bells of one region, rung by its watches for as long as anybody listens."""

    def __init__(self, connection: str) -> None:
        self._connection = connection
        self._events: dict[str, set[asyncio.Event]] = {}
        self._watches: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def subscribe(self, namespace: str) -> AsyncIterator[asyncio.Event]:
        """A bell that is set when something changed in the namespace; whoever was woken clears it."""
        event = asyncio.Event()
        self._events.setdefault(namespace, set()).add(event)
        if not self._watches:
            self._watches = [asyncio.create_task(self._watch(path)) for path in WATCHED_PATHS]
        try:
            yield event
        finally:
            self._forget(namespace, event)

    def _forget(self, namespace: str, event: asyncio.Event) -> None:
        self._events[namespace].discard(event)
        if not self._events[namespace]:
            del self._events[namespace]
        if not self._events:
            for watch in self._watches:
                watch.cancel()
            self._watches = []

    def notify(self, namespace: str) -> None:
        """Something changed there, or EVERYWHERE."""
        listeners = self._events.values() if namespace == EVERYWHERE else [self._events.get(namespace, set())]
        for events in listeners:
            for event in events:
                event.set()

    async def _watch(self, path: str) -> None:
        """For ever, whatever breaks: a broken watch is begun again, later each time."""
        pause = _PAUSE_SECONDS
        while True:
            try:
                async for namespace in _changes(self._connection, path):
                    pause = _PAUSE_SECONDS
                    self.notify(namespace)
            except Exception as error:  # noqa: BLE001 - whoever waits looks anyway meanwhile
                log.warning("the watch of %s by %s broke: %s", path, self._connection, error)
                pause = min(pause * 2, _MAX_PAUSE_SECONDS)
            await asyncio.sleep(pause)


async def _changes(connection: str, path: str) -> AsyncIterator[str]:
    """The connection is read anew for each watch, in a thread: that may ask Airflow, or run a kubeconfig's program."""
    from tenancy.adapters.cluster_watch import watch_changes
    from tenancy.bootstrap import cluster_access

    access = await asyncio.get_running_loop().run_in_executor(None, cluster_access, connection)
    async with aclosing(watch_changes(access, path)) as listeners:
        async for namespace in listeners:
            yield namespace


_notifiers: dict[tuple[int, str], ChangeNotifier] = {}


def change_notifier_of(connection: str) -> ChangeNotifier:
    """The one of this event loop and region."""
    key = (id(asyncio.get_running_loop()), connection)
    return _notifiers.setdefault(key, ChangeNotifier(connection))
