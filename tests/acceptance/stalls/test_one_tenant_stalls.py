"""Stalls of one tenant, each by a real fault: reported, recorded once, and cleared."""

from contextlib import ExitStack

import pytest
from playwright.sync_api import expect

from sandbox.access import Access
from sandbox.faults.client import FaultClient
from tests.acceptance import gates, runs
from tests.acceptance.browser_pages import TIMEOUT_MS, chromium, console, open_page, take_screenshot, violations
from tests.acceptance.stalls import stall_setup
from tests.acceptance.stalls.stall_cases import HUNG, LIMITS, MARK, OF_ONE, PENDING, REFUSED, VALIDATE, WAIT, StallCase

CASES = (PENDING, *reversed(OF_ONE), HUNG, REFUSED)  # it is given up after a minute
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def stuck(limited: Access, limited_fault_client: FaultClient) -> dict[StallCase, str]:
    """The slug of a stalled tenant for each case, all at once."""
    slugs = {case: stall_setup.not_undone(limited, limited_fault_client, case) for case in (REFUSED, HUNG)}
    slugs[PENDING] = stall_setup.helm_hangs(limited, limited_fault_client)
    return slugs | {case: stall_setup.of_one(limited, limited_fault_client, case) for case in OF_ONE}


@pytest.fixture(scope="module")
def mended(limited: Access, limited_fault_client: FaultClient, stuck: dict[StallCase, str]) -> dict[StallCase, str]:
    """The faults are cleared, and all tenants are Active."""
    limited_fault_client.clear()
    stall_setup.bring_back(limited, *stuck.values())
    return stuck


@pytest.mark.parametrize("case", CASES[:-1], ids=str)
def test_it_is_reported_with_its_cause_and_what_to_do(limited: Access, stuck: dict[StallCase, str], case: StallCase):
    stall_setup.assert_stall_reported(limited, stuck[case], case)


def test_the_page_says_so(limited: Access, stuck: dict[StallCase, str]):
    with chromium() as browser, open_page(browser, limited, "operator", height=1180) as page:
        page.goto(console(limited, f"tenants/{stuck[OF_ONE[0]]}"))
        situation = page.locator("#situation")
        expect(situation.locator("h2")).to_have_text("Wait for workloads ready is stalled", timeout=TIMEOUT_MS)
        expect(situation).to_contain_text(f"its limit is {LIMITS[WAIT]} s", timeout=TIMEOUT_MS)
        expect(page.locator(f"#row-{WAIT}")).to_have_attribute("data-look", "late", timeout=TIMEOUT_MS)
        take_screenshot(page, "stalled-light")
        page.emulate_media(color_scheme="dark")
        take_screenshot(page, "stalled-dark")
        assert violations(page) == []


HELD = {
    VALIDATE: "Cancel provisioning, correct the input, and recreate",
    MARK: "Mark its running task failed in Airflow",
}
"""Held while they record that they are done: nobody else can record anything of the tenant meanwhile."""


@pytest.mark.usefixtures("stuck")  # which go on meanwhile
def test_a_stall_is_shown_at_each_request_also_if_it_cannot_be_recorded(limited: Access):
    slugs = {activity: runs.new_slug("held") for activity in HELD}
    with ExitStack() as held:
        for activity, slug in slugs.items():
            held.enter_context(gates.before_fact_of(limited, slug, "tenant.provisioning.step.completed", activity))
            stall_setup.created(limited, slug=slug)
        for activity, slug in slugs.items():
            stall_setup.wait_until(limited, slug, "to be told", lambda s=slug, a=activity: _is_stuck_at(limited, s, a))
            assert HELD[activity] in stall_setup.load_tenant(limited, slug)["next_action"]
    stall_setup.bring_back(limited, *slugs.values())
    for slug in slugs.values():
        assert stall_setup.load_tenant(limited, slug)["stall"] is None


def _is_stuck_at(access: Access, slug: str, activity: str) -> bool:
    stall = stall_setup.load_tenant(access, slug)["stall"] or {}
    return (stall.get("kind"), stall.get("activity")) == ("activity", activity)


def test_an_unwinding_without_tries_left_is_reported(limited: Access, stuck: dict[StallCase, str]):
    stall_setup.assert_stall_reported(limited, stuck[REFUSED], REFUSED)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_is_over_once_its_fault_has_gone(limited: Access, mended: dict[StallCase, str], case: StallCase):
    stall_setup.assert_over(limited, mended[case], case)
