"""An operator's hands on the console, in a real browser: create, cancel in the middle, reset, retry, recover."""

import re
from collections.abc import Iterator

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
    wait_for_timeline,
)

DEPLOY, WAIT = "deploy_workloads", "wait_for_workloads_ready"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


def _dialog(page: Page, action: str) -> None:
    """Open the action's dialog."""
    page.locator(f"#do-{action}").click()
    expect(page.locator("dialog[open] #dialog-reason")).to_be_focused(timeout=TIMEOUT_MS)


def _send(page: Page, reason: str) -> None:
    page.locator("#dialog-reason").fill(reason)
    page.locator("dialog .send").click()


def _ended(page: Page) -> None:
    """The dialog says that it is really over; then close it."""
    expect(page.locator("dialog .ended")).to_be_visible(timeout=2 * TIMEOUT_MS)
    page.locator("dialog [data-close]").click()
    expect(page.locator("dialog[open]")).to_have_count(0)


def _phase(page: Page, phase: str) -> None:
    expect(page.locator(".head .pill")).to_have_text(phase, timeout=2 * TIMEOUT_MS)


def test_a_tenant_is_created_cancelled_in_the_middle_reset_retried_active_and_its_admin_invited(
    browser: Browser, sandbox: Access, fault_client: FaultClient
):
    slug = runs.new_slug("umbrella")
    fault = fault_client.set("image-pull-backoff", tenant=slug)
    with open_page(browser, sandbox, "operator", height=1000) as page:
        page.goto(console(sandbox))
        page.get_by_role("link", name="Create tenant").click()
        page.locator("#field-slug").fill("No Slug")
        page.locator("#field-name").fill("Umbrella <b>GmbH</b>")
        page.locator("#field-email").fill("alice@umbrella.example")
        page.locator(".new .send").click()
        expect(page.locator("#wrong-slug")).to_contain_text("3 to 40 characters", timeout=TIMEOUT_MS)
        assert violations(page) == []
        page.locator("#field-slug").fill(slug)
        page.locator(".new .send").click()
        page.wait_for_url("**/tenancy/tenants/*")
        expect(page.locator("h1")).to_have_text("Umbrella <b>GmbH</b>")
        expect(page.locator("#do-reset")).to_be_disabled()
        expect(page.locator("#why-reset")).to_contain_text("Cancel first")
        expect(page.locator("#do-invitation")).to_be_disabled()
        expect(page.locator("#why-invitation")).to_contain_text("while the tenant is Active")
        wait_for_timeline(page, lambda rows: rows.get(WAIT) == "running" and rows[DEPLOY] == "done", "five ticks")

        _dialog(page, "cancel")
        take_screenshot(page, "dialog-light")
        page.emulate_media(color_scheme="dark")
        take_screenshot(page, "dialog-dark")
        assert violations(page) == []
        _send(page, "INC-7: wrong customer")
        wait_for_timeline(page, lambda rows: rows.get(DEPLOY) in {"undoing", "undone"}, "rows unwinding")
        _ended(page)
        _phase(page, "Failed settled")

        fault_client.clear(fault.id)
        _dialog(page, "reset")
        _send(page, "INC-7: the image is there")
        _ended(page)
        _phase(page, "Failed ready")
        _dialog(page, "retry")
        _send(page, "INC-7: the image is there")
        _ended(page)
        _phase(page, "Active")
        expect(page.locator(".tabs a")).to_have_count(2)
        expect(page.locator("#audit")).to_contain_text("INC-7: wrong customer")
        secret = _shown_once(page)
        _nowhere(page, sandbox, slug, secret)


def _shown_once(page: Page) -> str:
    """The admin's invitation is in its dialog and nowhere else; a second look says who saw it and when."""
    page.locator("#do-invitation").click()
    page.locator("dialog .send").click()
    invitation = page.locator("dialog #the-invitation")
    expect(invitation).to_be_visible(timeout=TIMEOUT_MS)
    secret = invitation.inner_text()
    assert len(secret) > 20
    assert violations(page) == []
    page.locator("dialog [data-close]").click()
    expect(page.locator("dialog[open]")).to_have_count(0)
    assert secret not in page.content()
    expect(page.locator("#why-invitation")).to_have_text(_SHOWN_BEFORE, timeout=TIMEOUT_MS)
    page.get_by_role("button", name="Make a new invitation").click()
    expect(page.locator("dialog .dialog")).to_contain_text("It was shown to operator at 20", timeout=TIMEOUT_MS)
    assert secret not in page.content()
    page.keyboard.press("Escape")
    return secret


_SHOWN_BEFORE = re.compile(r"It was shown to operator at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\.")


def _answered(page: Page, address: str) -> str:
    """The page as it is sent; a busy machine may need more than one try."""
    answers: list[str] = []

    def asked() -> bool:
        answer = page.request.get(address)
        answers.append(answer.text())
        return answer.ok

    runs.wait_until(asked, f"{address} to answer", every=1)
    return answers[-1]


def _nowhere(page: Page, sandbox: Access, slug: str, secret: str) -> None:
    """No page has the secret, neither as it is sent nor when somebody goes back to it."""
    sent = ("", f"?q={slug}", f"tenants/{slug}", f"tenants/{slug}?part=live", f"tenants/{slug}/invitation")
    for path in sent:
        assert secret not in _answered(page, console(sandbox, path)), path
    page.goto(console(sandbox))
    page.go_back()
    expect(page.locator("#audit")).to_contain_text("tenant.invitation.shown")
    assert secret not in page.content()


def test_recover_is_one_guided_action(browser: Browser, sandbox: Access, fault_client: FaultClient):
    slug = runs.new_slug("stark")
    fault = fault_client.set("failing-revision")
    operators.create(sandbox, runs.request(slug, name="Stark"))
    runs.await_phase(sandbox, slug, "Failed settled")
    fault_client.clear(fault.id)
    with open_page(browser, sandbox, "operator", width=360, height=740) as page:
        page.goto(console(sandbox, f"tenants/{slug}"))
        _dialog(page, "recover")
        assert overflow(page) <= 0
        _send(page, "INC-8")
        expect(page.locator("#recovering .three .done")).to_have_count(2, timeout=2 * TIMEOUT_MS)
        _ended(page)
        _phase(page, "Active")


def test_recover_waits_for_an_attempt_that_goes_on(browser: Browser, sandbox: Access, fault_client: FaultClient):
    slug = runs.new_slug("stark")
    fault = fault_client.set("image-pull-backoff", tenant=slug)
    operators.create(sandbox, runs.request(slug, name="Stark"))
    runs.wait_until(lambda: runs.is_waiting_for_pods(sandbox, slug), f"{slug} to wait for its workloads")
    with open_page(browser, sandbox, "operator") as page:
        page.goto(console(sandbox, f"tenants/{slug}"))
        _dialog(page, "recover")
        _send(page, "INC-8")
        expect(page.locator("#recovering")).to_contain_text("it is not stalled, so nothing is cancelled")
        fault_client.clear(fault.id)
        _ended(page)
        _phase(page, "Active")
    assert "tenant.provisioning.cancel.requested" not in runs.fact_kinds(sandbox, slug)


def test_what_destroys_wants_the_slug_typed_and_escape_leaves_all_as_it_was(browser: Browser, sandbox: Access):
    slug = runs.new_slug("wayne")
    operators.create(sandbox, runs.request(slug, name="Wayne"))
    runs.await_phase(sandbox, slug, "Active")
    with open_page(browser, sandbox, "operator") as page:
        page.goto(console(sandbox, f"tenants/{slug}"))
        _dialog(page, "decommission")
        page.keyboard.press("Escape")
        expect(page.locator("dialog[open]")).to_have_count(0)
        expect(page.locator("#do-decommission")).to_be_focused()
        _dialog(page, "decommission")
        _send(page, "contract ended")
        assert page.locator("#dialog-slug").evaluate("field => field.validity.valueMissing"), "it is not sent"
        page.locator("#dialog-slug").fill(slug)
        page.locator("dialog .send").dblclick()
        _ended(page)
        _phase(page, "Decommissioned")
    assert runs.fact_kinds(sandbox, slug).count("tenant.decommission.requested") == 1
