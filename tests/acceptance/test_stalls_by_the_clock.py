"""Limits of seconds in a sandbox of its own: clocks, reconciler and page find each kind of stall by themselves."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from sandbox import lifecycle
from sandbox.access import Access
from sandbox.faults.desk import Desk
from sandbox.layout import Layout
from tests.acceptance import operators, runs
from tests.acceptance.browsing import PATIENCE_MS, chromium, console, shoot, violations, window
from tests.sandboxes import WISH, kept_up

PATIENCE = 120.0
WAIT = "wait_for_workloads_ready"
LIMITS = {WAIT: 12, "provisioning": 18, "in_between": 10, "failed": 10}
"""Seconds."""
STUCK = {
    "activity": (WAIT, {"cluster.image"}),
    "provisioning": ("apply_tenant_schema", {"storage.blocked"}),
    # While the undoing hangs in its call, and after it was given up.
    "in between": (None, {"ledger.lock_held", "cluster.unreachable"}),
    "untouched": (None, {"schema.migration"}),
}
"""Each kind: at which activity, for which of these causes."""
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def limited(sandbox_layout: Layout, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Access]:
    layout = Layout.find(sandbox_layout.home.with_name(f"{sandbox_layout.home.name}-limited"))
    platform = _platform_file(layout, tmp_path_factory.mktemp("platform"))
    wish = replace(WISH, extra_env={**WISH.extra_env, "TENANCY_PLATFORM_FILE": str(platform)})
    with kept_up(layout, lambda: lifecycle.up(layout, wish=wish, usual_ports=False)) as access:
        yield access


def _platform_file(layout: Layout, folder: Path) -> Path:
    """The sandbox's own with other limits."""
    section = "[stall_limits_minutes]\n"
    limits = "".join(f"{name} = {seconds / 60}\n" for name, seconds in LIMITS.items())
    usual = layout.platform_file.read_text(encoding="utf-8")
    assert section in usual
    (folder / "platform.toml").write_text(usual.replace(section, section + limits), encoding="utf-8")
    return folder / "platform.toml"


@pytest.fixture
def stuck(limited: Access) -> Iterator[dict[str, str]]:
    """A tenant for each kind of stall, by its slug."""
    desk, slugs = Desk(limited.layout), {kind: runs.new_slug("clock") for kind in STUCK}
    desk.set("image-pull-backoff", tenant=slugs["activity"])
    desk.set("schema-locked", tenant=slugs["provisioning"])
    desk.set("slow-start", tenant=slugs["in between"], seconds=600)
    desk.set("failing-revision", tenant=slugs["untouched"])
    for slug in slugs.values():
        operators.create(limited, runs.request(slug))
    runs.until(lambda: runs.waits(limited, slugs["in between"]), "one to wait for its pods", seconds=PATIENCE)
    desk.set("hang", tenant=slugs["in between"], on=["write"])
    operators.act(limited, slugs["in between"], "cancel")
    yield slugs
    desk.clear()


def _is_told(access: Access, slug: str, kind: str) -> bool:
    stall = operators.look(access, f"/tenants/{slug}")["stall"] or {"kind": None, "activity": None, "cause": None}
    activity, causes = STUCK[kind]
    return (stall["kind"], stall["activity"]) == (kind, activity) and stall["cause"] in causes


def _page_says_so(page: Page) -> None:
    expect(page.locator("#situation h2")).to_have_text("Wait for workloads ready is stuck", timeout=PATIENCE_MS)
    expect(page.locator("#situation")).to_contain_text("its limit is 12 s", timeout=PATIENCE_MS)
    expect(page.locator(f"#row-{WAIT}")).to_have_attribute("data-look", "late")
    shoot(page, "stalled-light")
    page.emulate_media(color_scheme="dark")
    shoot(page, "stalled-dark")
    assert violations(page) == []


def test_each_kind_is_found_recorded_and_cleared_by_the_clock_alone(limited: Access, stuck: dict[str, str]):
    with chromium() as browser, window(browser, limited, "operator", height=1180) as page:
        page.goto(console(limited, f"tenants/{stuck['activity']}"))
        for kind, slug in stuck.items():
            _until(limited, slug, f"to be told: {kind}", lambda kind=kind, slug=slug: _is_told(limited, slug, kind))
        _page_says_so(page)
    for slug in stuck.values():
        _until(limited, slug, "to be noted", lambda slug=slug: runs.stalls(limited, slug)[-1:] == ["stalled"])

    Desk(limited.layout).clear()
    runs.await_phase(limited, stuck["in between"], "Failed settled", seconds=PATIENCE)
    for kind in ("in between", "untouched"):
        operators.act(limited, stuck[kind], "reset")
        operators.act(limited, stuck[kind], "retry")
    for slug in stuck.values():
        runs.await_phase(limited, slug, "Active", seconds=PATIENCE)
        _until(limited, slug, "to be cleared", lambda slug=slug: runs.stalls(limited, slug)[-1:] == ["stall_cleared"])
        assert operators.look(limited, f"/tenants/{slug}")["stall"] is None


def _until(access: Access, slug: str, what: str, look: Callable[[], bool]) -> None:
    def told() -> str:
        return f"; its stall is {operators.look(access, f'/tenants/{slug}')['stall']}\n{runs.story(access, slug)}"

    runs.until(look, f"{slug} {what}", seconds=PATIENCE, told=told)
