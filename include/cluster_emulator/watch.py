"""Watch: a stream of changes, with initial events and bookmarks, held or cut by faults.

Called by `verbs.py` for GET with watch=true. With a selector the watcher gets ADDED for an object that begins to match,
and DELETED for one that stops matching.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from cluster_emulator import api_errors
from cluster_emulator.faults import HTTP_FAULTS, ActiveFaults, FaultKind
from cluster_emulator.history import ADDED, DELETED, MODIFIED, Event, Subscription
from cluster_emulator.objects import Object, encode
from cluster_emulator.responses import ResponseForm
from cluster_emulator.selectors import Selector
from cluster_emulator.store import Record, Store
from cluster_emulator.targets import RequestTarget

_BOOKMARK: Final = "BOOKMARK"
_BOOKMARK_EVERY_SECONDS: Final = 20.0
_DEFAULT_SECONDS: Final = 1800.0
_TRUE: Final = frozenset({"true", "True", "1"})


def is_watch(request: web.Request) -> bool:
    """The Python client writes True, the others true or 1."""
    return request.method == "GET" and request.query.get("watch") in _TRUE


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """The parameters of one watch."""

    target: RequestTarget
    selector: Selector
    since: int | None  # None: begin with what is there now
    send_initial: bool
    bookmarks: bool
    seconds: float

    @classmethod
    def of(cls, request: web.Request, target: RequestTarget, selector: Selector) -> "WatchOptions":
        query = request.query
        version = query.get("resourceVersion", "")
        send_initial = query.get("sendInitialEvents") in _TRUE
        if send_initial and query.get("resourceVersionMatch") != "NotOlderThan":
            raise api_errors.list_options_invalid(
                "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch "
                "to NotOlderThan"
            )
        snapshot = send_initial or version in ("", "0")
        return cls(
            target,
            selector,
            since=None if snapshot else int(version),
            send_initial=send_initial,
            bookmarks=query.get("allowWatchBookmarks") in _TRUE,
            seconds=float(query.get("timeoutSeconds") or _DEFAULT_SECONDS),
        )

    def includes(self, record: Record) -> bool:
        return self.target.name in ("", record.key.name) and self.selector.matches(record.selectable)

    def event_type_for(self, event: Event) -> str:
        """The event's type for this watcher, "" when it is none of its business."""
        if self.target.name not in ("", event.key.name):
            return ""
        if self.selector.selects_all:
            return event.type
        now = event.type != DELETED and self.selector.matches(event.now)
        before = event.before is not None and self.selector.matches(event.before)
        if now:
            return MODIFIED if before else ADDED
        return DELETED if before else ""


class Stream:
    """One open watch."""

    def __init__(self, request: web.Request, store: Store, faults: ActiveFaults, form: ResponseForm) -> None:
        self._request, self._store, self._faults, self._form = request, store, faults, form
        self._response = web.StreamResponse(headers={"Content-Type": "application/json"})

    async def run(self, options: WatchOptions) -> web.StreamResponse:
        """Until its time is over, the client leaves, or a fault cuts it. Raises 410 at once if too old."""
        start = self._store.version if options.since is None else options.since
        watcher = self._store.history.subscribe(options.target.kind, options.target.namespace, start)
        try:
            # Taken in the same step as the subscription, so that nothing falls between.
            records = self._store.records(options.target.kind, options.target.namespace)
            initial = [r for r in records if options.includes(r)] if options.since is None else []
            await self._response.prepare(self._request)
            for record in initial:
                await self._send(ADDED, record.raw)
            if options.send_initial:
                await self._bookmark(start, initial_end=True)
            await self._follow(options, watcher)
        except ConnectionResetError:
            pass  # the client left, which is how most watches end
        finally:
            self._store.history.unsubscribe(watcher)
        return self._response

    async def _follow(self, options: WatchOptions, watcher: Subscription) -> None:
        end = time.monotonic() + options.seconds
        while not watcher.broken:
            left = end - time.monotonic()
            await watcher.wait(max(0.0, min(left, _BOOKMARK_EVERY_SECONDS)))
            if not await self._let_through(options.target.fault_namespace):
                return
            sent = await self._send_all(options, watcher)
            finished = time.monotonic() >= end
            if options.bookmarks and (finished or not sent):
                await self._bookmark(self._store.version)
            if finished:
                return

    async def _send_all(self, options: WatchOptions, watcher: Subscription) -> bool:
        sent = False
        for event in watcher.taken():
            event_type = options.event_type_for(event)
            if event_type:
                await self._send(event_type, event.raw)
                sent = True
        return sent

    async def _let_through(self, namespace: str) -> bool:
        """False if a fault cuts the stream; holds it while one hangs."""
        while fault := self._faults.find(HTTP_FAULTS, namespace, "watch"):
            if fault.kind is FaultKind.SLOW:
                await asyncio.sleep(fault.milliseconds / 1000)
                return True
            if fault.kind is not FaultKind.HANG:
                return False
            await asyncio.sleep(0.1)
        return True

    async def _send(self, event_type: str, stored: bytes) -> None:
        body = self._form.one(stored)
        await self._response.write(b'{"type":"%b","object":%b}\n' % (event_type.encode(), body))

    async def _bookmark(self, version: int, *, initial_end: bool = False) -> None:
        metadata: Object = {"resourceVersion": str(version)}
        if initial_end:
            metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
        kind = self._form.kind
        body = {"kind": kind.name, "apiVersion": kind.group_version, "metadata": metadata}
        await self._response.write(encode({"type": _BOOKMARK, "object": body}) + b"\n")
