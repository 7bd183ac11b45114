"""Real faults of the platform show in the API, in `tenantctl health` and on the page, and disappear when cleared."""

from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from sandbox.access import Access
from sandbox.faults.client import FaultClient
from tests.acceptance import operators, runs
from tests.acceptance.browser_pages import (
    TIMEOUT_MS,
    chromium,
    console,
    open_page,
    overflow,
    take_screenshot,
    violations,
)
from tests.acceptance.command_line import Operator

FAULTS = ("storage-stopped", "ingress-down", "handles-locked")
REGIONS = ("eu-central", "us-east")
EXPECTED = {
    **{("storage", region, ""): "down" for region in REGIONS},
    **{("ingress", region, ""): "down" for region in REGIONS},
    ("engine", None, "database"): "degraded",
}
PATIENCE = 120.0
"""A look is 10 s old at most; a busy machine may be silent for a while."""
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


def wrong(access: Access) -> dict[tuple[str, str | None, str], str]:
    """What the API calls down or degraded. A busy machine may not know of something for a while."""
    return {
        (check["system"], check["region"], check["part"]): check["state"]
        for check in operators.get(access, "/health")["checks"]
        if check["state"] in {"down", "degraded"}
    }


def until_wrong(access: Access, expected: dict[tuple[str, str | None, str], str], what: str) -> None:
    def is_so() -> bool:
        with suppress(httpx.TimeoutException):  # an api-server that has just started loads the console for a while
            return wrong(access) == expected
        return False

    runs.wait_until(is_so, what, seconds=PATIENCE, every=1)


def test_faults_of_the_platform_change_their_checks_and_no_others(
    sandbox: Access, fault_client: FaultClient, browser: Browser
):
    operator = Operator(sandbox)
    until_wrong(sandbox, {}, "a platform that is well")
    assert operator("health").returncode == 0
    with open_page(browser, sandbox, "viewer", height=1500) as page:
        page.goto(console(sandbox, "health"))

        for kind in FAULTS:
            fault_client.set(kind)
        until_wrong(sandbox, EXPECTED, "exactly these faults to be told")

        _page_says_so(page)
        result = operator("health")
        assert result.returncode == 1
        for line in ("DOWN storage eu-central", "DOWN ingress us-east", "DEGRADED engine: database -"):
            assert line in " ".join(result.stdout.split())
        page.goto(console(sandbox))
        expect(page.locator(".notice.bad").first).to_contain_text("Down: ", timeout=TIMEOUT_MS)
        page.locator(".notice a").first.click()
        expect(page.locator("h1")).to_have_text("Platform health")

        fault_client.clear()
        until_wrong(sandbox, {}, "all to be well again")
        expect(page.locator("[data-state=down]")).to_have_count(0, timeout=TIMEOUT_MS)
    assert operator("health").returncode == 0


def test_a_tenant_that_is_active_behind_a_silent_ingress_says_so_and_has_no_stall(
    sandbox: Access, fault_client: FaultClient
):
    """No activity goes through an ingress: it becomes Active without."""
    fault_client.set("ingress-down")
    slug = runs.new_slug("dark")
    operators.create(sandbox, runs.request(slug))
    runs.wait_until(lambda: runs.phase(sandbox, slug) == "Active", f"{slug} to become Active", seconds=PATIENCE)
    runs.wait_until(
        lambda: "Have the region's ingress checked" in _advice(sandbox, slug), "it to be told", seconds=PATIENCE
    )
    tenant = operators.get(sandbox, f"/tenants/{slug}")
    assert (tenant["stall"], tenant["advice"]["not_its_fault"]) == (None, True)
    assert tenant["platform_trouble"][0].startswith("ingress of eu-central: ")
    fault_client.clear()
    runs.wait_until(
        lambda: _advice(sandbox, slug).startswith("Verify that it answers"), "it to be well", seconds=PATIENCE
    )


def _advice(access: Access, slug: str) -> str:
    return str(operators.get(access, f"/tenants/{slug}")["next_action"])


def _page_says_so(page: Page) -> None:
    """The page that was opened before, which nobody loaded again."""
    expect(page.locator("[data-state=down]")).to_have_count(4, timeout=TIMEOUT_MS)
    expect(page.locator(".panel h2")).to_contain_text("Down: storage of eu-central", timeout=TIMEOUT_MS)
    take_screenshot(page, "health-light")
    page.emulate_media(color_scheme="dark")
    take_screenshot(page, "health-dark")
    assert violations(page) == []
    page.set_viewport_size({"width": 360, "height": 800})
    assert overflow(page) <= 0
    page.emulate_media(color_scheme="light")
    assert violations(page) == []
    page.set_viewport_size({"width": 1280, "height": 1500})
