"""Simulated browser tabs and a simulated task for `open_pages.py`, each in a process of its own."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

_POLL_SECONDS: Final = 2.0
_PROBE_SECONDS: Final = 0.05


@dataclass(frozen=True)
class Tabs:
    """`pages` open pages: two of five show the list, the others one of `slugs`, if there are any."""

    url: str
    token: str
    pages: int
    slugs: list[str]


def browse(tabs: Tabs, stop: Any, results: Any) -> None:
    """Poll all pages until `stop`."""
    results.put({})
    counts = asyncio.run(_browse(tabs, stop))
    results.put({"polls": counts.polls, "unchanged": counts.unchanged})


def probe(url: str, stop: Any, results: Any) -> None:
    """Request the task API repeatedly, as a task would, and measure the latency."""
    latencies = []
    with httpx.Client(base_url=url, timeout=300, trust_env=False) as client:
        client.get("/execution/health").raise_for_status()
        results.put({})
        while not stop.is_set():
            began = time.perf_counter()
            client.get("/execution/health").raise_for_status()
            latencies.append(time.perf_counter() - began)
            time.sleep(_PROBE_SECONDS)
    results.put({"latencies": tuple(latencies)})


@dataclass
class _PollCounts:
    polls: int = 0
    unchanged: int = 0


@dataclass
class _Tab:
    """One open page."""

    path: str
    tag: str = ""
    every: int = 1
    headers: dict[str, str] = field(default_factory=dict)

    async def poll(self, client: httpx.AsyncClient, counts: _PollCounts) -> None:
        answer = await client.get(self.path, headers={"If-None-Match": self.tag} if self.tag else {})
        counts.polls += 1
        self.every = int(answer.headers.get("X-Tenancy-Every", self.every))
        if answer.status_code == 304:
            counts.unchanged += 1
        elif answer.status_code == 200:
            self.tag = answer.headers["ETag"]


async def _browse(open_: Tabs, stop: Any) -> _PollCounts:
    counts, limits = _PollCounts(), httpx.Limits(max_connections=open_.pages)
    async with httpx.AsyncClient(
        base_url=open_.url, cookies={"_token": open_.token}, timeout=300, trust_env=False, limits=limits
    ) as client:
        tabs = [_Tab(_path(number, open_.slugs)) for number in range(open_.pages)]
        await asyncio.gather(
            *(_poll_until_stopped(tab, client, counts, stop, after=n / open_.pages) for n, tab in enumerate(tabs))
        )
    return counts


def _path(number: int, slugs: list[str]) -> str:
    of_tenant = slugs and number % 5 >= 2
    return f"/tenancy/tenants/{slugs[number % len(slugs)]}?part=live" if of_tenant else "/tenancy/?part=live"


async def _poll_until_stopped(
    tab: _Tab, client: httpx.AsyncClient, counts: _PollCounts, stop: Any, *, after: float
) -> None:
    """Poll as console.js does. `after` spreads the tabs, because people do not open pages at the same moment."""
    await asyncio.sleep(after * _POLL_SECONDS)
    polls_since = 0
    while not stop.is_set():
        if polls_since % tab.every == 0:
            await tab.poll(client, counts)
            polls_since = 0
        polls_since += 1
        await asyncio.sleep(_POLL_SECONDS)
