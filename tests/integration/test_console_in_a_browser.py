"""What a page does when its connection is lost, while a form is being sent, and after one's own action: in Chromium."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page, expect

from tenancy.console.pages.rendering import HEADERS
from tenancy.saga import commands as c
from tests.acceptance.browser_pages import chromium
from tests.acceptance.runs import wait_until
from tests.integration.browser_console import CUT, FOREIGN, HANGS, ConsoleFront, looking, served
from tests.integration.console_client import Console
from tests.products import FewProducts, with_parameters
from tests.unit.sagas import STORAGE, VALIDATE, begin, done, start

AS_OF = re.compile(r"as of \d\d:\d\d:\d\d UTC")
SOON_MS = 30_000
PAGES = ("", "tenants/acme", "health", "runs/tenant_provisioning/run-1")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def front(console: Console) -> Iterator[ConsoleFront]:
    """Before a tenant whose second activity is at work."""
    console.tenant(start(), *done(VALIDATE), begin(STORAGE))
    with served(ConsoleFront(console)) as front:
        yield front


def _is_frozen(page: Page) -> bool:
    return bool(page.evaluate("'stale' in document.documentElement.dataset"))


def _picture(page: Page) -> str:
    return str(page.locator("#live").inner_text())


def _freezes_and_comes_back(page: Page, front: ConsoleFront) -> None:
    page.evaluate("window.marked = true")
    expect(page.locator("#pulse")).to_have_text("live")
    before = page.locator("#live").evaluate("element => element.children.length")
    front.mode = front.mode or "Airflow's middleware fails"
    expect(page.locator("#pulse")).to_have_text(AS_OF, timeout=SOON_MS)
    expect(page.locator("#notice")).to_contain_text("You are seeing data from")
    assert _is_frozen(page)
    assert page.locator("#live").evaluate("element => element.children.length") == before
    was = _picture(page)
    page.wait_for_timeout(600)
    assert _picture(page) == was, "nothing ticks"
    front.mode = ""
    expect(page.locator("#pulse")).to_have_text("live", timeout=SOON_MS)
    expect(page.locator("#notice")).to_be_empty()
    assert not _is_frozen(page)
    assert page.evaluate("window.marked"), "it was not loaded again"


@pytest.mark.parametrize("mode", [*FOREIGN, CUT])
def test_an_answer_that_is_not_the_consoles_never_takes_its_place(browser: Browser, front: ConsoleFront, mode: str):
    with looking(browser, front, "tenants/acme") as page:
        expect(page.locator(".ticking").first).to_be_visible()
        front.mode = mode
        _freezes_and_comes_back(page, front)


def test_nor_does_silence(browser: Browser, front: ConsoleFront):
    with looking(browser, front, "tenants/acme") as page:
        front.mode = HANGS
        _freezes_and_comes_back(page, front)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_that_is_polled_keeps_its_picture(browser: Browser, front: ConsoleFront, path: str):
    with looking(browser, front, path) as page:
        _freezes_and_comes_back(page, front)


def test_a_frozen_page_turns_nothing_and_is_grey(browser: Browser, front: ConsoleFront):
    with looking(browser, front, "tenants/acme") as page:
        front.mode = CUT
        expect(page.locator("#pulse")).to_have_text(AS_OF, timeout=SOON_MS)
        assert page.evaluate("document.getAnimations().filter(each => each.playState === 'running').length") == 0
        assert "grayscale" in page.locator("#live").evaluate("element => getComputedStyle(element).filter")


def test_what_became_of_the_tenant_meanwhile_is_shown_when_it_comes_back(browser: Browser, front: ConsoleFront):
    with looking(browser, front, "tenants/acme") as page:
        front.mode = CUT
        expect(page.locator("#pulse")).to_have_text(AS_OF, timeout=SOON_MS)
        front.console.tenant(c.Cancel())
        front.mode = ""
        expect(page.locator(".head .pill")).to_have_text("Cancelling", timeout=SOON_MS)


def test_a_page_that_could_not_be_shown_is_not_replaced_by_a_foreign_one(browser: Browser, front: ConsoleFront):
    """The console has said that the ledger is away; then Airflow's own database goes, and then both come back."""
    tenancy = front.console.tenancy
    front.console.tenancy = None  # stands for a ledger that is away: any error is a 5xx
    with looking(browser, front, "tenants/acme") as page:
        expect(page.locator("[data-again]")).to_be_visible()
        front.mode = "Airflow's middleware fails"
        asked = len(front.requests)
        wait_until(lambda: len(front.requests) > asked, "the page to ask again")
        expect(page.locator("[data-again]")).to_be_visible()
        front.console.tenancy = tenancy
        front.mode = ""
        expect(page.locator(".timeline")).to_be_visible(timeout=SOON_MS)


def test_a_logged_out_user_keeps_the_page_and_is_led_back_to_the_whole_page(browser: Browser, front: ConsoleFront):
    with looking(browser, front, "tenants/acme?attempt=1") as page:
        front.console.caller = None
        login = page.locator("#notice a")
        expect(login).to_be_visible(timeout=SOON_MS)
        assert _is_frozen(page)
        assert page.locator(".timeline li").count() > 0
        href = str(login.get_attribute("href"))
        assert href.endswith("tenants%2Facme%3Fattempt%3D1")
        assert "part" not in href
        page.locator("#do-cancel").click()
        expect(page.locator("dialog a.button")).to_be_visible()
        assert page.locator("dialog a.button").get_attribute("href") == href


def test_in_airflows_frame_the_login_opens_around_it_and_leads_back_to_it(browser: Browser, front: ConsoleFront):
    with looking(browser, front, "tenants/acme") as page:
        around = front.address.replace("/tenancy/", "/plugin/tenants")
        page.route(around, lambda route: route.fulfill(content_type="text/html", body=_framed(front)))
        page.route(re.compile("/auth/login/"), lambda route: route.fulfill(content_type="text/html", body="Sign in"))
        page.goto(around)
        frame = page.frame_locator("iframe")
        expect(frame.locator(".timeline")).to_be_visible()
        front.console.caller = None
        frame.locator("#notice a").click(timeout=SOON_MS)
        page.wait_for_url(re.compile("/auth/login/"))
        assert page.url.endswith("next=" + around.replace(":", "%3A").replace("/", "%2F"))


def _framed(front: ConsoleFront) -> str:
    """As Airflow shows us."""
    allowed = "allow-scripts allow-same-origin allow-forms allow-downloads"
    return (
        f'<!doctype html><iframe src="{front.address}tenants/acme" sandbox="{allowed}" width=1200 height=800></iframe>'
    )


def _fill(page: Page, action: str) -> None:
    page.locator(f"#do-{action}").click()
    page.locator("#dialog-reason").fill("INC-7")


def test_escape_while_a_form_is_being_sent_neither_closes_nor_opens_anything(browser: Browser, front: ConsoleFront):
    with looking(browser, front, "tenants/acme") as page:
        _fill(page, "cancel")
        front.writes_wait.clear()
        page.locator("dialog .send").click()
        for _ in range(3):
            page.keyboard.press("Escape")
        page.locator("dialog [data-close]").click()
        expect(page.locator("dialog[open]")).to_have_count(1)
        expect(page.locator("dialog .sending")).to_have_text("Sending. Wait for the response.")
        front.writes_wait.set()
        expect(page.locator("#done")).to_be_visible(timeout=SOON_MS)
        for _ in range(20):  # the answer is visible a moment before its request has ended
            page.keyboard.press("Escape")
            if not page.locator("dialog[open]").count():
                break
            page.wait_for_timeout(100)
        expect(page.locator("dialog[open]")).to_have_count(0)


def test_a_click_without_a_connection_says_so(browser: Browser, front: ConsoleFront):
    with looking(browser, front, "tenants/acme") as page:
        page.context.set_offline(True)
        expect(page.locator("#notice")).to_contain_text("You are offline. You are seeing data from")
        page.locator("#do-cancel").click()
        expect(page.locator("dialog [role=alert]")).to_contain_text("Nothing was requested and nothing was changed.")
        page.keyboard.press("Escape")
        page.context.set_offline(False)
        expect(page.locator("#pulse")).to_have_text("live", timeout=SOON_MS)


@pytest.mark.parametrize("mode", ["Airflow's middleware fails", "a login page", CUT])
def test_a_form_whose_answer_does_not_come_stays_with_what_was_typed(browser: Browser, front: ConsoleFront, mode: str):
    with looking(browser, front, "tenants/acme") as page:
        _fill(page, "cancel")
        front.mode = mode
        page.locator("dialog .send").click()
        expect(page.locator("dialog [role=alert]")).to_contain_text("You can send it again: it is performed only once.")
        assert page.locator("#dialog-reason").input_value() == "INC-7"
        front.mode = ""
        page.locator("dialog .send").click()
        expect(page.locator("#done")).to_be_visible(timeout=SOON_MS)


def test_after_ones_own_action_the_page_behind_the_dialog_shows_it_at_once(browser: Browser, front: ConsoleFront):
    """A page at rest asks every 10 s, and answers are kept for a second: neither is waited for."""
    with looking(browser, front, "tenants/acme") as page:
        expect(page.locator("#pulse")).to_have_text("live")
        _fill(page, "cancel")
        asked = len(front.requests)
        page.locator("dialog .send").click()
        expect(page.locator("#done")).to_be_visible(timeout=SOON_MS)
        expect(page.locator(".head .pill")).to_have_text("Cancelling", timeout=1_500)
        polls = [path for method, path in front.requests[asked:] if method == "GET" and path.endswith("tenants/acme")]
        assert len(polls) <= 3


def test_a_note_stays_in_its_dialog_after_an_error_and_is_then_on_the_page_at_once(
    browser: Browser, front: ConsoleFront
):
    with looking(browser, front, "tenants/acme") as page:
        page.get_by_role("button", name="Add a note").click()
        page.locator("#dialog-text").fill("until 08:00\nthen cancel")
        front.mode = CUT
        page.locator("dialog .send").click()
        expect(page.locator("dialog [role=alert]")).to_contain_text("You can send it again: it is recorded only once.")
        expect(page.locator("#dialog-text")).to_have_value("until 08:00\nthen cancel")
        front.mode = ""
        page.locator("dialog .send").click()
        expect(page.locator("#done")).to_contain_text("The note on acme is recorded.", timeout=SOON_MS)
        noted = page.locator("#notes .text")
        expect(noted).to_have_text("until 08:00\nthen cancel", timeout=SOON_MS, use_inner_text=True)
        page.keyboard.press("Escape")


def test_every_page_says_that_it_is_the_consoles():
    assert HEADERS["X-Tenancy-Console"]


def test_another_product_brings_its_fields_and_keeps_what_was_typed(browser: Browser, front: ConsoleFront):
    crm = replace(with_parameters({"colour": {"type": "string", "title": "Colour"}}), name="crm")
    loaders = {"sample": with_parameters, "crm": lambda: crm}
    front.console.tenancy = replace(front.console.tenancy, products=FewProducts(loaders))
    with looking(browser, front, "new") as page:
        page.get_by_label("Slug").fill("globex")
        expect(page.get_by_label("Seats")).to_have_value("5")
        page.get_by_label("Product").select_option("crm")
        expect(page.get_by_label("Colour")).to_be_visible(timeout=SOON_MS)
        expect(page.get_by_label("Seats")).to_have_count(0)
        expect(page.get_by_label("Slug")).to_have_value("globex")
