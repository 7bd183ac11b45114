"""The limit on concurrent work: a real application under sixty requests at once, asserted by threads in use."""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import anyio
import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from tenancy.console.api.app import create_api
from tenancy.console.api.problems import ProblemError
from tenancy.console.callers import Caller, Right
from tenancy.console.metrics import create_metrics
from tenancy.console.pages.app import create_pages
from tenancy.console.request_limits import READS_AT_ONCE, WRITES_AT_ONCE, RequestLimit
from tenancy.console.services import Services
from tenancy.engine.tenancy import Tenancy
from tenancy.saga.errors import TransientError

WRITES = {"X-Tenancy-Request": "1"}
CROWD = 60
IN_TIME = 30.0
"""Nothing here takes long; what hangs fails by this instead of for ever."""


@dataclass
class LimitedServer:
    """The console beside a route of Airflow's in one process, with a ledger that does not respond for now."""

    may_answer: threading.Event = field(default_factory=threading.Event)
    begun: Counter[str] = field(default_factory=Counter)

    @property
    def app(self) -> Starlette:
        async def authenticate(_request: Any) -> Caller:
            return Caller("ada", frozenset(Right))

        parts = Services(self._tenancy, lambda: datetime(2026, 1, 31, tzinfo=UTC))
        ours = [
            Mount("/api/v1", create_api(parts, authenticate)),
            Route("/metrics", create_metrics(parts, authenticate)),
            Mount("/", create_pages(parts, authenticate)),
        ]
        return Starlette(routes=[Route("/airflow", _airflow), Mount("/tenancy", routes=ours)])

    def _tenancy(self) -> Tenancy:
        self.begun["asked"] += 1
        assert self.may_answer.wait(IN_TIME)
        raise TransientError("The ledger does not respond.")


def _airflow(_request: Request) -> Response:
    """Synchronous: it needs one of the threads."""
    return PlainTextResponse("Airflow")


@asynccontextmanager
async def _client(server: LimitedServer) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=server.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://api.test", headers=WRITES) as client:
        yield client


Ask = Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]


def _cancels(client: httpx.AsyncClient) -> Awaitable[httpx.Response]:
    return client.post("/tenancy/api/v1/tenants/acme/cancel", json={"reason": "a test"})


def _sends_the_dialog(client: httpx.AsyncClient) -> Awaitable[httpx.Response]:
    return client.post("/tenancy/tenants/acme/actions/cancel", data={"reason": "a test"})


def _lists(client: httpx.AsyncClient) -> Awaitable[httpx.Response]:
    return client.get("/tenancy/api/v1/tenants")


def _measures(client: httpx.AsyncClient) -> Awaitable[httpx.Response]:
    return client.get("/tenancy/metrics")


async def _until(look: Callable[[], bool]) -> None:
    async with asyncio.timeout(IN_TIME):
        while not look():
            await asyncio.sleep(0.005)


async def _crowded(ask: Ask, at_once: int) -> Counter[int]:
    """The statuses of the whole crowd, after another route answered while as many as may were at work."""
    server = LimitedServer()
    limiter = anyio.to_thread.current_default_thread_limiter()
    async with _client(server) as client:
        crowd = [asyncio.ensure_future(ask(client)) for _ in range(CROWD)]
        await _until(lambda: limiter.borrowed_tokens >= at_once)
        for _ in range(20):
            async with asyncio.timeout(IN_TIME):
                assert (await client.get("/airflow")).text == "Airflow"
            assert limiter.borrowed_tokens <= at_once
        assert limiter.total_tokens - limiter.borrowed_tokens >= 16, "threads are left to Airflow"
        server.may_answer.set()
        answers = await asyncio.gather(*crowd)
    assert all(answer.headers.get("Retry-After") for answer in answers if _is_turned_away(answer))
    return Counter("turned away" if _is_turned_away(answer) else "served" for answer in answers)


def _is_turned_away(answer: httpx.Response) -> bool:
    return answer.status_code == 503 and "are in progress" in answer.text


@pytest.mark.parametrize(
    ("ask", "at_once", "served"),
    [
        (_cancels, WRITES_AT_ONCE, 4 * WRITES_AT_ONCE),
        (_lists, READS_AT_ONCE, CROWD),
    ],
)
def test_sixty_requests_at_once_leave_airflow_its_threads(ask: Ask, at_once: int, served: int):
    """A write too many is turned away at once; some wait, and none of those takes a thread."""
    assert asyncio.run(_crowded(ask, at_once))["served"] == served


@pytest.mark.parametrize(("ask", "at_once"), [(_sends_the_dialog, WRITES_AT_ONCE), (_measures, READS_AT_ONCE)])
def test_pages_and_metrics_are_held_to_it_too(ask: Ask, at_once: int):
    assert asyncio.run(_crowded(ask, at_once))["served"] >= at_once


async def _turned_away() -> httpx.Response:
    server = LimitedServer()
    async with _client(server) as client:
        crowd = [asyncio.ensure_future(_cancels(client)) for _ in range(CROWD)]
        done, _ = await asyncio.wait(crowd, return_when=asyncio.FIRST_COMPLETED, timeout=IN_TIME)
        server.may_answer.set()
        await asyncio.gather(*crowd)
    return done.pop().result()


def test_requests_over_the_limit_are_refused_at_once_with_retry_after():
    answer = asyncio.run(_turned_away())
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"] == "8 actions are in progress; this one was not begun. Send it again in a moment."


async def _slow_senders() -> tuple[int, int]:
    """Bodies that never end, as many as there are places; then somebody whose body is here."""
    server = LimitedServer()
    server.may_answer.set()

    async def never() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(IN_TIME)

    async with _client(server) as client:
        headers = {"Content-Length": "100", "Content-Type": "application/json"}
        path = "/tenancy/api/v1/tenants/acme/cancel"
        slow = [asyncio.ensure_future(client.post(path, content=never(), headers=headers)) for _ in range(CROWD)]
        await asyncio.sleep(0.05)
        begun = server.begun["asked"]
        async with asyncio.timeout(IN_TIME / 2):
            answer = await _cancels(client)
        for each in slow:
            each.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
    return begun, answer.status_code


def test_a_body_that_does_not_arrive_occupies_no_place():
    begun, status = asyncio.run(_slow_senders())
    assert (begun, status) == (0, 503)


async def _one_after_the_other() -> list[str]:
    places, events = RequestLimit("tests", 1, waiting=1, patience_seconds=0.05), []

    async def stay(name: str, seconds: float) -> None:
        try:
            async with places.slot():
                events.append(f"{name} in")
                await asyncio.sleep(seconds)
        except ProblemError as problem:
            events.append(f"{name} {problem.status}")

    first = asyncio.create_task(stay("first", 0.5))
    await asyncio.sleep(0)
    second, third = asyncio.create_task(stay("second", 0)), asyncio.create_task(stay("third", 0))
    await asyncio.gather(second, third)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    await stay("fourth", 0)
    return events


def test_a_wait_is_bounded_in_number_and_time_and_who_leaves_gives_the_place_back():
    assert asyncio.run(_one_after_the_other()) == ["first in", "third 503", "second 503", "fourth in"]
