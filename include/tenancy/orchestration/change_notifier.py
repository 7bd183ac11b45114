"""Wakes tasks that wait for workloads when something changes in their namespace. One watch per kind and region, shared.

Lives in the triggerer's event loop. A notification only says that it is worth checking again; the check itself decides
(engine/provisioning/waiting.py). When a watch breaks, or the cluster offers none, waiting tasks check by themselves
after FALLBACK_POLL_SECONDS: a missed notification costs time, never correctness.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

log = logging.getLogger(__name__)

FALLBACK_POLL_SECONDS = 15.0
"""An Event alone (a failing probe) changes no watched object, so this is also how late its message may appear."""
WATCHED_PATHS = ("/api/v1/pods", "/apis/apps/v1/deployments")
EVERYWHERE = ""
"""Stands for all namespaces, as in cluster_watch.py."""
_PAUSE_SECONDS = 2.0
_MAX_PAUSE_SECONDS = 30.0


class ChangeNotifier:
    """The watches of one region. They run for as long as anybody subscribes."""

    def __init__(self, connection: str) -> None:
        self._connection = connection
        self._events: dict[str, set[asyncio.Event]] = {}
        self._watches: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def subscribe(self, namespace: str) -> AsyncIterator[asyncio.Event]:
        """An event that is set when something changes in the namespace. The subscriber clears it."""
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
        """Something changed in this namespace, or EVERYWHERE."""
        listeners = self._events.values() if namespace == EVERYWHERE else [self._events.get(namespace, set())]
        for events in listeners:
            for event in events:
                event.set()

    async def _watch(self, path: str) -> None:
        """Runs for ever. A broken watch starts again, after a longer pause each time."""
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
    """Reads the connection for each watch, in a thread: that may ask Airflow, or run a kubeconfig's program."""
    from tenancy.adapters.cluster_watch import watch_changes
    from tenancy.bootstrap import cluster_access

    access = await asyncio.get_running_loop().run_in_executor(None, cluster_access, connection)
    async with aclosing(watch_changes(access, path)) as listeners:
        async for namespace in listeners:
            yield namespace


_notifiers: dict[tuple[int, str], ChangeNotifier] = {}


def change_notifier_of(connection: str) -> ChangeNotifier:
    """The notifier of this event loop and region."""
    key = (id(asyncio.get_running_loop()), connection)
    return _notifiers.setdefault(key, ChangeNotifier(connection))
