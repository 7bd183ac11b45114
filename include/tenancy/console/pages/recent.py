"""What polls were answered a moment ago: fifty people before one page cost the ledger about as much as one.

An answer is kept for a second, for callers with the same rights who ask for the same. Its ETag names what it was drawn
from: it stays the same until that changes, and the page is not even drawn. Times pass by themselves: they tick in the
browser, which is told the picture's age, and now and then it is drawn anew all the same, since limits pass, too.
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
from tenancy.console.pages.rendering import HEADERS, has, root_of

KEPT_SECONDS: Final = 1.0
REDRAWN_SECONDS: Final = 10.0
REST_SECONDS: Final = 60.0
"""The same where nothing is under way."""
AGE: Final = "X-Tenancy-Age"
"""Seconds since the picture was drawn; console.js lets its times tick from there."""
FRESH: Final = "X-Tenancy-Fresh"
"""Asked for with this header, an answer is not one from before: after one's own action the page shows it at once."""
EVERY: Final = "X-Tenancy-Every"
"""After how many of its beats console.js is to ask again; of an unchanged picture, too."""
_AT_MOST: Final = 200


@dataclass(frozen=True)
class Glance:
    """What a glance saw: `state` is all that the page shows but the time, `draw` makes the page."""

    state: Hashable
    busy: bool
    """Is something under way?"""
    draw: Callable[[], str]


@dataclass(frozen=True)
class _Kept:
    begun: float
    """When the glance at the ledger began."""
    at: float
    drawn_at: float
    tag: str
    html: str
    busy: bool


class Recent:
    """The answers of the last second, and the page that each was last drawn as."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pacer = PollPacer(clock)
        self._kept: dict[Hashable, _Kept] = {}
        self._lock = threading.Lock()

    def answer(self, request: Request, caller: Caller, glance: Callable[[], Glance]) -> Response:
        """The page that is polled; 304 when the browser has just this."""
        asked = (request.url.path, request.url.query, caller.rights, root_of(request))
        kept = self._kept.get(asked)
        if kept is None or FRESH in request.headers or self._clock() - kept.at >= KEPT_SECONDS:
            begun = self._clock()
            kept = self._looked(asked, kept, glance(), begun)
        every = self._pacer.next_interval(busy=kept.busy)
        headers = {**HEADERS, "ETag": kept.tag, AGE: f"{self._clock() - kept.drawn_at:.1f}", EVERY: str(every)}
        if has(request, kept.tag):
            return Response(status_code=304, headers=headers)
        return Response(kept.html, 200, headers, "text/html; charset=utf-8")

    def _looked(self, asked: Hashable, before: _Kept | None, seen: Glance, begun: float) -> _Kept:
        now = self._clock()
        moment = int(now / (REDRAWN_SECONDS if seen.busy else REST_SECONDS))
        tag = f'"{hashlib.sha256(repr((asked, seen.state, moment)).encode()).hexdigest()[:20]}"'
        if before is not None and before.tag == tag:
            kept = _Kept(begun, now, before.drawn_at, tag, before.html, seen.busy)
        else:
            kept = _Kept(begun, now, now, tag, seen.draw(), seen.busy)
        return self._newer(asked, kept)

    def _newer(self, asked: Hashable, kept: _Kept) -> _Kept:
        """Keeps it, unless somebody looked later and was quicker: an older picture never follows a newer one."""
        with self._lock:
            other = self._kept.get(asked)
            if other is not None and other.begun > kept.begun:
                return other
            if len(self._kept) >= _AT_MOST:
                self._kept.clear()
            self._kept[asked] = kept
        return kept
