"""Bells: who waits for something in a cluster is woken when it changes there. One watch a kind and region, shared.

Lives in the triggerer's event loop. A bell says only that another look is worth while; what is seen then is the
look's (engine/waiting.py). When a watch breaks, or the cluster has none to offer, whoever waits looks by itself after
LOOK_ANYWAY: so a bell that stays silent costs time, never truth.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import Any

from airflow.providers.cncf.kubernetes.hooks.kubernetes import AsyncKubernetesHook

log = logging.getLogger(__name__)

LOOK_ANYWAY = 15.0
"""Seconds. An Event alone (a failing probe) rings no bell, so this is also how late it may be told."""
WATCHED = ("/api/v1/pods", "/apis/apps/v1/deployments")
EVERYWHERE = ""
_SELECTOR = "app.kubernetes.io/part-of=tenancy"
_WATCH_SECONDS = 300
_PAUSE_SECONDS = 2.0
_SLOWEST_PAUSE = 30.0


class Belfry:
    """The bells of one region, rung by its watches for as long as anybody listens."""

    def __init__(self, connection: str) -> None:
        self._connection = connection
        self._bells: dict[str, set[asyncio.Event]] = {}
        self._watches: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def listening(self, namespace: str) -> AsyncIterator[asyncio.Event]:
        """A bell that is set when something changed in the namespace; whoever was woken clears it."""
        bell = asyncio.Event()
        self._bells.setdefault(namespace, set()).add(bell)
        if not self._watches:
            self._watches = [asyncio.create_task(self._watch(path)) for path in WATCHED]
        try:
            yield bell
        finally:
            self._forget(namespace, bell)

    def _forget(self, namespace: str, bell: asyncio.Event) -> None:
        self._bells[namespace].discard(bell)
        if not self._bells[namespace]:
            del self._bells[namespace]
        if not self._bells:
            for watch in self._watches:
                watch.cancel()
            self._watches = []

    def ring(self, namespace: str) -> None:
        """Something changed there, or EVERYWHERE."""
        places = self._bells.values() if namespace == EVERYWHERE else [self._bells.get(namespace, set())]
        for bells in places:
            for bell in bells:
                bell.set()

    async def _watch(self, path: str) -> None:
        """For ever, whatever breaks: a broken watch is begun again, later each time."""
        pause = _PAUSE_SECONDS
        while True:
            try:
                async for namespace in _changes(self._connection, path):
                    pause = _PAUSE_SECONDS
                    self.ring(namespace)
            except Exception as error:  # noqa: BLE001 - whoever waits looks anyway meanwhile
                log.warning("the watch of %s by %s broke: %s", path, self._connection, error)
                pause = min(pause * 2, _SLOWEST_PAUSE)
            await asyncio.sleep(pause)


async def _changes(connection: str, path: str) -> AsyncIterator[str]:
    """The namespace of each change until the server ends the watch; EVERYWHERE first, for what went before it."""
    async with AsyncKubernetesHook(conn_id=connection).get_conn() as client:
        newest = await _call(client, path, limit="1", labelSelector=_SELECTOR)
        since = json.loads(await newest.read())["metadata"]["resourceVersion"]
        yield EVERYWHERE
        options = {"watch": "true", "resourceVersion": since, "timeoutSeconds": str(_WATCH_SECONDS)}
        with closing(await _call(client, path, labelSelector=_SELECTOR, **options)) as answer:
            async for line in _lines(answer.content):
                yield _place(json.loads(line))


def _place(change: dict[str, Any]) -> str:
    if change["type"] == "ERROR":
        raise RuntimeError(change["object"].get("message", "the watch ended"))
    return str(change["object"]["metadata"]["namespace"])


async def _call(client: Any, path: str, **query: str) -> Any:
    headers = {"Accept": "application/json"}
    await client.update_params_for_auth(headers, [], ["BearerToken"])
    return await client.rest_client.request(
        "GET",
        client.configuration.host + path,
        query_params=list(query.items()),
        headers=headers,
        _preload_content=False,
        _request_timeout=_WATCH_SECONDS + 30 if "watch" in query else 15,
    )


async def _lines(content: Any) -> AsyncIterator[bytes]:
    """aiohttp's own readline gives up on a line above 64 KiB; a pod may be larger."""
    rest = b""
    async for chunk in content.iter_any():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            if line.strip():
                yield line


_belfries: dict[tuple[int, str], Belfry] = {}


def belfry(connection: str) -> Belfry:
    """The one of this event loop and region."""
    key = (id(asyncio.get_running_loop()), connection)
    return _belfries.setdefault(key, Belfry(connection))
