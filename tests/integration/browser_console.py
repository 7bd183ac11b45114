"""The console in Chromium, on a ledger without Airflow, behind a front end that can answer in its place."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from playwright.sync_api import Browser, Page
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Mount

from tests.integration.console_client import Console

FOREIGN: dict[str, Response] = {
    "Airflow's middleware fails": PlainTextResponse("Internal Server Error", 500),
    "a login page": HTMLResponse("<!doctype html><title>Sign in</title><form id=live><input name=user></form>", 200),
    "a proxy's page": HTMLResponse("<html><h1>502 Bad Gateway</h1></html>", 502),
    "a gateway that is busy": HTMLResponse("<div id=live>Try later</div>", 503),
    "another system's 404": PlainTextResponse("404 page not found", 404),
    "an empty answer": Response(status_code=200),
    "a redirect to a login": Response(status_code=302, headers={"Location": "/sso"}),
}
HANGS, CUT = "nothing is answered", "the connection is cut"


@dataclass
class ConsoleFront:
    """Stands before the console and lets requests through, or answers in its place as `mode` says."""

    console: Console
    mode: str = ""
    address: str = ""
    writes_wait: threading.Event = field(default_factory=threading.Event)
    """Set unless writes are to wait."""
    requests: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.writes_wait.set()
        self._app = Starlette(routes=[Mount("/tenancy", self.console.app)])

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        self.requests.append((scope["method"], scope["path"]))
        if scope["path"] == "/sso":
            await FOREIGN["a login page"](scope, receive, send)
        elif self.mode in FOREIGN and "/static/" not in scope["path"]:
            await FOREIGN[self.mode](scope, receive, send)
        elif self.mode == HANGS:
            await asyncio.Event().wait()
        elif self.mode == CUT:
            raise ConnectionError(CUT)
        else:
            while scope["method"] == "POST" and not self.writes_wait.is_set():
                await asyncio.sleep(0.02)
            await self._app(scope, receive, send)


@contextmanager
def served(front: ConsoleFront) -> Iterator[ConsoleFront]:
    """The front at an address of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        front.address = f"http://127.0.0.1:{listening.getsockname()[1]}/tenancy/"
        config = uvicorn.Config(front, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        yield front
        front.writes_wait.set()
        server.should_exit = True
        thread.join(15)


@contextmanager
def looking(browser: Browser, front: ConsoleFront, path: str) -> Iterator[Page]:
    """A window on that page. An error of a script of ours, or a broken policy, fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(30_000)
    page, errors = context.new_page(), list[str]()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console", lambda message: errors.append(message.text) if "Content Security Policy" in message.text else None
    )
    page.goto(f"{front.address}{path}")
    yield page
    context.close()
    assert errors == []
