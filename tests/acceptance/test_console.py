"""The console in a real browser, in Airflow's UI and alone in a tab, against the running sandbox."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from sandbox.access import Access
from sandbox.faults.client import FaultClient
from tests.acceptance import operators, runs
from tests.acceptance.browser_pages import (
    TIMEOUT_MS,
    chromium,
    console,
    console_frame,
    open_page,
    overflow,
    take_screenshot,
    timeline_rows,
    violations,
    wait_for_timeline,
)
from tests.products import PLAN

ORDER = [activity.name for activity in PLAN]
WAIT, MARK_ACTIVE = ORDER[5], ORDER[6]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def active(sandbox: Access) -> str:
    """The slug of an Active tenant that is only looked at."""
    slug = runs.new_slug("seen")
    runs.trigger(sandbox, runs.request(slug))
    runs.await_phase(sandbox, slug, "Active")
    return slug


@pytest.fixture(scope="module")
def failed(sandbox: Access) -> str:
    """The slug of a tenant that failed twice at its schema, and has nothing left."""
    slug, fault_client = runs.new_slug("initech"), FaultClient(sandbox.layout)
    fault = fault_client.set("failing-revision", tenant=slug)
    operators.create(sandbox, runs.request(slug, name="Initech LLC"))
    runs.await_phase(sandbox, slug, "Failed settled")
    operators.perform(sandbox, slug, "reset", reason="the migration was mended")
    operators.perform(sandbox, slug, "retry", reason="the migration was mended")
    runs.wait_until(
        lambda: runs.fact_kinds(sandbox, slug).count("tenant.provisioning.failed") == 2, f"{slug} to fail again"
    )
    runs.await_phase(sandbox, slug, "Failed settled")
    fault_client.clear(fault.id)
    return slug


def _log_in(page: Page, access: Access, user: str) -> None:
    page.goto(access.api_url)
    page.locator("input[name=username]").fill(user)
    page.locator("input[name=password]").fill(access.password(user))
    page.locator("input[type=submit], button[type=submit]").first.click()


def _marked(page: Page) -> bool:
    """Is it still the page that was marked, not another one loaded since?"""
    return bool(page.evaluate("window.marked === true"))


def test_a_user_of_airflow_finds_tenants_in_the_navigation(browser: Browser, sandbox: Access, active: str):
    with open_page(browser, sandbox) as page:
        _log_in(page, sandbox, "operator")
        page.get_by_role("link", name="Tenants", exact=True).first.click()
        frame = console_frame(page, "Tenants")
        frame.locator(f"#tenant-{active} a").first.click()
        frame.locator(".timeline").wait_for()
        assert set(timeline_rows(frame).values()) == {"done"}
        frame.get_by_role("link", name="Tenants", exact=True).click()
        frame.locator(f"#tenant-{active}").wait_for()


def test_a_runs_page_has_the_timeline_as_a_tab_and_links_lead_out_of_it(browser: Browser, sandbox: Access, active: str):
    with open_page(browser, sandbox, "operator") as page:
        page.goto(f"{sandbox.api_url}/dags/tenant_provisioning/runs/{runs.first_run(sandbox, active)}")
        page.get_by_role("link", name="Provisioning timeline").first.click()
        frame = console_frame(page, "Provisioning timeline")
        assert list(timeline_rows(frame)) == ORDER
        frame.locator(f"#row-{WAIT} a[data-out]").click()
        page.wait_for_url(re.compile(f"/tasks/{WAIT}"))


def test_ticks_arrive_without_loading_the_page_again(browser: Browser, sandbox: Access, fault_client: FaultClient):
    slug = runs.new_slug("globex")
    fault = fault_client.set("image-pull-backoff", tenant=slug)
    operators.create(sandbox, runs.request(slug, name="Globex", plan="business", region="us-east"))
    with open_page(browser, sandbox, "operator", height=1180) as page:
        page.goto(console(sandbox, f"tenants/{slug}"))
        page.evaluate("window.marked = true")
        wait_for_timeline(
            page, lambda rows: rows.get(WAIT) == "running" and rows["deploy_workloads"] == "done", "five ticks"
        )
        expect(page.locator(f"#row-{WAIT} .why")).to_contain_text("pods ready", timeout=TIMEOUT_MS)
        took = page.locator(f"#row-{WAIT} .took")
        before = took.inner_text()
        expect(took).not_to_have_text(before)
        take_screenshot(page, "running-light")
        page.emulate_media(color_scheme="dark")
        take_screenshot(page, "running-dark")
        assert violations(page) == []
        fault_client.clear(fault.id)
        wait_for_timeline(page, lambda rows: rows.get(MARK_ACTIVE) == "done", "the last tick")
        expect(page.locator(".head .pill")).to_have_text("Active", timeout=TIMEOUT_MS)
        assert _marked(page)
        take_screenshot(page, "active-dark")
        page.emulate_media(color_scheme="light")
        take_screenshot(page, "active-light")


def test_a_page_polls_at_the_interval_that_the_server_sets(browser: Browser, sandbox: Access, active: str):
    def slowed(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, headers={**answer.headers, "x-tenancy-every": "7"})

    with open_page(browser, sandbox, "operator") as page:
        page.route(re.compile("part=live"), slowed)
        page.goto(console(sandbox, f"tenants/{active}"))
        expect(page.locator("#live")).to_have_attribute("data-every", "7", timeout=TIMEOUT_MS)


def test_rows_are_seen_unwinding(browser: Browser, sandbox: Access, fault_client: FaultClient):
    slug = runs.new_slug("hooli")
    fault_client.set("image-pull-backoff", tenant=slug)
    operators.create(sandbox, runs.request(slug, name="Hooli"))
    runs.wait_until(lambda: runs.is_waiting_for_pods(sandbox, slug), f"{slug} to wait for its workloads")
    with open_page(browser, sandbox, "operator", height=1180) as page:
        page.goto(console(sandbox, f"tenants/{slug}"))
        page.evaluate("window.marked = true")
        fault_client.set("handles-locked")
        operators.perform(sandbox, slug, "cancel", reason="wrong customer")
        wait_for_timeline(
            page,
            lambda rows: (
                rows.get("deploy_workloads") == "undone"
                and rows["allocate_workflow_handle"].startswith("undo")
                and rows["allocate_workflow_handle"] != "undone"
            ),
            "workloads undone and the handle not yet",
        )
        expect(page.locator("#situation")).to_contain_text("undone")
        take_screenshot(page, "unwinding-light")
        page.emulate_media(color_scheme="dark")
        take_screenshot(page, "unwinding-dark")
        assert violations(page) == []
        fault_client.clear()
        wait_for_timeline(page, lambda rows: rows.get("allocate_storage") == "undone", "everything undone", seconds=240)
        expect(page.locator(".head .pill")).to_have_text("Failed settled", timeout=TIMEOUT_MS)
        assert timeline_rows(page)[WAIT] == "stopped"
        assert _marked(page)


def test_a_failed_tenant_says_where_and_why_and_keeps_its_attempts(browser: Browser, sandbox: Access, failed: str):
    with open_page(browser, sandbox, "operator", height=1180) as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=sandbox.api_url)
        page.goto(console(sandbox, f"tenants/{failed}"))
        assert timeline_rows(page)["apply_tenant_schema"] == "failed"
        expect(page.locator("#situation")).to_contain_text("Not transient")
        take_screenshot(page, "failed-light")
        page.emulate_media(color_scheme="dark")
        take_screenshot(page, "failed-dark")
        assert violations(page) == []
        page.get_by_role("button", name="Copy all").click()
        # The button says "Copied" for two seconds at most: an update of the page ends it.
        runs.wait_until(lambda: "failing-revision" in page.evaluate("navigator.clipboard.readText()"), "the copy")
        page.get_by_role("link", name="Attempt 1 failed").click()
        expect(page.locator(".tabs [aria-current=page]")).to_contain_text("Attempt 1")
        assert timeline_rows(page)["allocate_storage"] == "undone"


def test_a_viewer_sees_all_and_can_do_nothing(browser: Browser, sandbox: Access, failed: str):
    with open_page(browser, sandbox, "viewer") as page:
        page.goto(console(sandbox, f"tenants/{failed}"))
        buttons = page.locator(".actions button")
        expect(buttons).to_have_count(8)
        for button in buttons.all():
            expect(button).to_be_disabled()
        expect(page.locator(".actions")).to_contain_text("Your role may read only.")
        page.goto(f"{sandbox.api_url}/plugin/tenants")
        frame = console_frame(page, "Tenants")
        frame.locator(f"#tenant-{failed}").wait_for()
        assert frame.get_by_role("link", name="Create tenant").count() == 0


def test_the_frame_follows_airflows_theme(browser: Browser, sandbox: Access, active: str):
    with open_page(browser, sandbox, "viewer", theme="light") as page:
        page.goto(f"{sandbox.api_url}/plugin/tenants")
        frame = console_frame(page, "Tenants")
        ground = "getComputedStyle(document.body).backgroundColor"
        light = frame.evaluate(ground)
        page.evaluate("localStorage.setItem('theme', 'dark')")
        frame.wait_for_function("document.documentElement.dataset.theme === 'dark'")
        assert frame.evaluate(ground) != light
        page.reload()
        assert console_frame(page, "Tenants").evaluate(ground) != light


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_list_is_whole_in_both_themes(browser: Browser, sandbox: Access, failed: str, active: str, theme: str):
    with open_page(browser, sandbox, "operator", theme=theme) as page:
        page.goto(console(sandbox))
        expect(page.locator(f"#tenant-{failed}")).to_contain_text("Failed settled")
        take_screenshot(page, f"list-{theme}")
        assert violations(page) == []
        page.locator("select[name=state]").select_option("Active")
        page.wait_for_url(re.compile("state=Active"))
        expect(page.locator(f"#tenant-{active}")).to_be_visible()
        expect(page.locator(f"#tenant-{failed}")).to_have_count(0)
        page.get_by_role("searchbox").fill(failed)
        page.locator("select[name=state]").select_option("any state")
        expect(page.locator(f"#tenant-{failed}")).to_be_visible()


def test_360_pixels_are_enough(browser: Browser, sandbox: Access, failed: str):
    with open_page(browser, sandbox, "operator", width=360, height=780, theme="dark") as page:
        for path in ("", f"tenants/{failed}", "tenants/nobody"):
            page.goto(console(sandbox, path))
            assert (path, overflow(page)) == (path, 0)
            assert violations(page) == []
            if "nobody" not in path:
                take_screenshot(page, f"narrow-{'tenant' if path else 'list'}")


def test_the_keyboard_is_enough(browser: Browser, sandbox: Access, active: str):
    with open_page(browser, sandbox, "operator") as page:
        page.goto(console(sandbox, f"?q={active}"))
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()
        page.locator(f"#tenant-{active} a").focus()
        page.keyboard.press("Enter")
        page.locator(".timeline").wait_for()


def test_a_page_is_whole_before_any_script_runs(browser: Browser, sandbox: Access, failed: str):
    context = browser.new_context(java_script_enabled=False)
    context.add_cookies([{"name": "_token", "value": sandbox.token("viewer"), "url": sandbox.api_url}])
    page = context.new_page()
    page.goto(console(sandbox, f"tenants/{failed}"))
    expect(page.locator(".timeline li")).to_have_count(7)
    expect(page.locator("#errors")).to_contain_text("failing-revision")
    context.close()


def test_a_logged_out_user_is_led_to_airflows_login_and_back(browser: Browser, sandbox: Access, active: str):
    with open_page(browser, sandbox) as page:
        page.goto(console(sandbox, f"tenants/{active}"))
        expect(page.locator("h1")).to_have_text("You are not logged in")
        page.get_by_role("link", name="Log in").click()
        page.locator("input[name=username]").wait_for()
