"""Opens the console in Chromium, logged in to the sandbox's Airflow, and reads its pages."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Frame, FrameLocator, Page, sync_playwright

from sandbox.access import Access
from sandbox.layout import PROJECT
from tests.acceptance.runs import wait_until
from tests.required_programs import CHROMIUM, require

_AXE: Final = Path(__file__).parent / "axe" / "axe.min.js"
SCREENSHOTS: Final = "TENANCY_SCREENSHOTS"
"""Set it to 1 and the tests that show something renew docs/images."""
TIMEOUT_MS: Final = 60_000
_OURS: Final = "/tenancy/"
SERIOUS: Final = frozenset({"serious", "critical"})


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser of this machine."""
    program = require(*CHROMIUM)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def open_page(
    browser: Browser, access: Access, user: str = "", *, theme: Any = "light", width: int = 1280, height: int = 900
) -> Iterator[Page]:
    """A page of a user, or of nobody who is logged in. An error of our own scripts fails the test.

    Without motion: a browser without a graphics processor takes half a core to turn a spinner.
    """
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=theme, reduced_motion="reduce"
    )
    context.set_default_timeout(TIMEOUT_MS)
    if user:
        context.add_cookies([{"name": "_token", "value": access.token(user), "url": access.api_url}])
    page, errors = context.new_page(), list[str]()
    page.on("pageerror", lambda error: errors.append(str(error)) if _OURS in str(error.stack) else None)
    page.on("console", lambda message: errors.append(message.text) if _is_error(message) else None)
    yield page
    context.close()
    if errors:
        pytest.fail(f"the page complained: {errors}")


def _is_error(message: ConsoleMessage) -> bool:
    """An error of our own pages. A request that is refused, not found or late is none: a page asks again."""
    expected = ("Failed to load", "htmx:error: timeout")
    is_ours = message.type == "error" and _OURS in message.location.get("url", "")
    return is_ours and not any(each in message.text for each in expected)


def console(access: Access, path: str = "") -> str:
    """The URL of a page of the console, without Airflow's frame."""
    return f"{access.api_url}/tenancy/{path}"


def console_frame(page: Page, title: str) -> Frame:
    """The console's frame in Airflow's UI."""
    frame: FrameLocator = page.frame_locator(f"iframe[title='{title}']")
    frame.locator("main").wait_for()
    found = page.query_selector(f"iframe[title='{title}']")
    content = found.content_frame() if found else None
    assert content is not None
    return content


def timeline_rows(page: Page | Frame) -> dict[str, str]:
    """The status of each row of the timeline, as shown now."""
    each = "[...document.querySelectorAll('.timeline li')].map((row) => [row.id.slice(4), row.dataset.look])"
    rows: dict[str, str] = page.evaluate(f"Object.fromEntries({each})")
    return rows


def wait_for_timeline(
    page: Page | Frame, condition: Callable[[dict[str, str]], bool], what: str, *, seconds: float = 90
) -> None:
    """Wait until the timeline shows this, without a reload by the test."""
    wait_until(lambda: condition(timeline_rows(page)), f"the timeline to show {what}", seconds=seconds, every=0.2)


def violations(page: Page | Frame) -> list[str]:
    """What axe-core calls serious or critical about the page."""
    page.evaluate(_AXE.read_text())
    found: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:200]}: {each['nodes'][0]['failureSummary'][:400]}"
        for each in found["violations"]
        if each["impact"] in SERIOUS
    ]


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def take_screenshot(page: Page, name: str, *, whole: bool = False) -> None:
    """Save a picture for the documentation if TENANCY_SCREENSHOTS is 1."""
    if os.environ.get(SCREENSHOTS) == "1":
        folder = PROJECT / "docs" / "images"
        folder.mkdir(exist_ok=True)
        page.screenshot(path=folder / f"{name}.png", full_page=whole, animations="disabled")
