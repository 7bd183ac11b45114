"""PostgreSQL is killed while a page is open: the page keeps its content, and tenantctl reports the cause."""

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

from sandbox import servers
from sandbox.access import Access
from sandbox.processes import Register
from tests.acceptance import operators, runs
from tests.acceptance.browser_pages import TIMEOUT_MS, chromium, console
from tests.acceptance.command_line import Operator

pytestmark = pytest.mark.timeout(600)
AS_OF = re.compile(r"as of \d\d:\d\d:\d\d UTC")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def dead_database(sandbox: Access, sandbox_up: Callable[[], None]) -> Iterator[Callable[[], None]]:
    def kill() -> None:
        server = Register(sandbox.layout.processes).get(servers.process_name(servers.PLATFORM))
        assert server is not None
        os.kill(server.pid, signal.SIGKILL)

    yield kill
    sandbox_up()


@contextmanager
def _looking(browser: Browser, access: Access) -> Iterator[Page]:
    """An operator's window in which failed requests are no fault of the page's."""
    context = browser.new_context()
    context.set_default_timeout(TIMEOUT_MS)
    context.add_cookies([{"name": "_token", "value": access.token("operator"), "url": access.api_url}])
    yield context.new_page()
    context.close()


def test_a_page_keeps_its_picture_comes_back_and_tenantctl_does_not_call_the_password_wrong(
    browser: Browser, sandbox: Access, sandbox_up: Callable[[], None], dead_database: Callable[[], None]
):
    slug = runs.new_slug("dead")
    operators.create(sandbox, runs.request(slug))
    runs.await_phase(sandbox, slug, "Active")
    operator = Operator(sandbox)
    with _looking(browser, sandbox) as page:
        page.goto(console(sandbox, f"tenants/{slug}"))
        page.evaluate("window.marked = true")
        expect(page.locator("#pulse")).to_have_text("live")
        dead_database()

        expect(page.locator("#pulse")).to_have_text(AS_OF, timeout=2 * TIMEOUT_MS)
        expect(page.locator(".timeline li")).to_have_count(7)
        expect(page.locator("#notice")).to_contain_text("You are seeing data from")
        result = operator("show", slug)
        assert (result.returncode, "does not reach its own database" in result.stderr) == (1, True), result.stderr
        assert "Check TENANCY_USER" not in result.stderr

        sandbox_up()
        expect(page.locator("#pulse")).to_have_text("live", timeout=4 * TIMEOUT_MS)
        expect(page.locator(".head .pill")).to_have_text("Active")
        assert page.evaluate("window.marked"), "nobody loaded it again"
    wrong = operator("show", slug, "--user", "operator", "--password", "wrong")
    assert (wrong.returncode, "Check TENANCY_USER" in wrong.stderr) == (5, True), wrong.stderr
