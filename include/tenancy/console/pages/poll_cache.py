"""Caches the answers to polls for a second: fifty people on one page cost the ledger about as much as one.

Callers with the same rights who ask for the same page share an answer. Its ETag names the state that it was rendered
from: while that state stays the same, the page is not even rendered. Times tick in the browser, which learns the age
of the page. It is rendered again every few seconds all the same, because time limits pass without any change of state.

This is no RefreshedValue (refreshed_value.py). There is an answer for each page and set of rights, only a request can
make it, and one that is too old is never sent.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from tenancy.console.callers import Caller
from tenancy.console.pages.poll_pacing import PollPacer
from tenancy.console.pages.rendering import HEADERS, has_current_version, root_of

CACHE_SECONDS: Final = 1.0
RENDER_AGAIN_SECONDS: Final = 10.0
RENDER_AGAIN_IDLE_SECONDS: Final = 60.0
"""The same for a page on which nothing is in progress."""
AGE: Final = "X-Tenancy-Age"
"""Seconds since the page was rendered; console.js advances its times from there."""
FRESH: Final = "X-Tenancy-Fresh"
"""A request header: do not answer from the cache. After their own action the user sees its result at once."""
EVERY: Final = "X-Tenancy-Every"
"""The interval after which console.js polls again; sent with a 304, too."""
_MAX_PAGES: Final = 200


@dataclass(frozen=True)
class PollSnapshot:
    """What was read for a poll: `state` is all that the page shows except times, `render` makes the page."""

    state: Hashable
    busy: bool
    """Is something in progress?"""
    render: Callable[[], str]


@dataclass(frozen=True)
class _CachedPage:
    read_at: float
    """When its reading of the ledger began."""
    cached_at: float
    rendered_at: float
    etag: str
    html: str
    busy: bool


class PollCache:
    """The answers of the last second, and the last rendering of each page."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pacer = PollPacer(clock)
        self._pages: dict[Hashable, _CachedPage] = {}
        self._lock = threading.Lock()

    def answer(self, request: Request, caller: Caller, load: Callable[[], PollSnapshot]) -> Response:
        """The polled page; 304 when the browser has the current version."""
        key = (request.url.path, request.url.query, caller.rights, root_of(request))
        cached = self._pages.get(key)
        if cached is None or FRESH in request.headers or self._clock() - cached.cached_at >= CACHE_SECONDS:
            read_at = self._clock()
            cached = self._updated(key, cached, load(), read_at)
        interval = self._pacer.next_interval(busy=cached.busy)
        age = f"{self._clock() - cached.rendered_at:.1f}"
        headers = {**HEADERS, "ETag": cached.etag, AGE: age, EVERY: str(interval)}
        if has_current_version(request, cached.etag):
            return Response(status_code=304, headers=headers)
        return Response(cached.html, 200, headers, "text/html; charset=utf-8")

    def _updated(
        self, key: Hashable, previous: _CachedPage | None, snapshot: PollSnapshot, read_at: float
    ) -> _CachedPage:
        now = self._clock()
        period = int(now / (RENDER_AGAIN_SECONDS if snapshot.busy else RENDER_AGAIN_IDLE_SECONDS))
        etag = f'"{hashlib.sha256(repr((key, snapshot.state, period)).encode()).hexdigest()[:20]}"'
        if previous is not None and previous.etag == etag:
            page = _CachedPage(read_at, now, previous.rendered_at, etag, previous.html, snapshot.busy)
        else:
            page = _CachedPage(read_at, now, now, etag, snapshot.render(), snapshot.busy)
        return self._newest(key, page)

    def _newest(self, key: Hashable, page: _CachedPage) -> _CachedPage:
        """Caches the page, unless a later reading was faster: an older page never replaces a newer one."""
        with self._lock:
            other = self._pages.get(key)
            if other is not None and other.read_at > page.read_at:
                return other
            if len(self._pages) >= _MAX_PAGES:
                self._pages.clear()
            self._pages[key] = page
        return page
