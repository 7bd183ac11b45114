"""The list of tenants on a real ledger: what is on top, filters, paging."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from tenancy.ledger import findings
from tenancy.ledger.findings import Finding, FindingKind
from tenancy.saga import commands as c
from tenancy.saga.causes import Cause
from tenancy.saga.names import RunId, TenantId
from tests.integration.console_client import EVIL, Console
from tests.unit.sagas import (
    ACME,
    ORDER,
    TENANT,
    VALIDATE,
    WAIT,
    begin,
    done,
    fail,
    give_up,
    lease,
    start,
)


def test_what_needs_a_person_is_on_top(console: Console):
    console.tenant(start(), begin(VALIDATE), fail(VALIDATE), give_up(VALIDATE, 1), c.Settle(1))
    for number, slug in ((1, "beta"), (2, "gamma")):
        console.tenant(
            start(RunId(slug), replace(ACME, slug=slug), TenantId(UUID(int=TENANT.int + number))), number=number
        )
    console.now = datetime(2026, 2, 1, 0, 5, tzinfo=UTC)
    text = console.get("/").text
    assert re.findall(r'<tr id="tenant-(\w+)"', text) == ["acme", "gamma", "beta"]
    assert "Needs a person" in text
    assert re.findall(r'<tr id="tenant-(\w+)"', console.get("/?state=Provisioning&region=&plan=").text) == [
        "gamma",
        "beta",
    ]
    assert re.findall(r'<tr id="tenant-(\w+)"', console.get("/?q=gam").text) == ["gamma"]
    assert "No tenant fits" in console.get("/?region=mars").text


@pytest.mark.parametrize("query", ["state=nonsense", "q=", "q=%20", "attention=true", "substate=stuck", "part=live"])
def test_an_empty_platform_has_a_list(console: Console, query: str):
    assert "<table" not in console.get(f"/?{query}").text


@pytest.mark.parametrize("query", ["cursor=nonsense", "part=x", "q=%00", "attention=perhaps", f"q={'x' * 101}"])
def test_an_address_that_is_none_is_refused(console: Console, query: str):
    console.get(f"/?{query}", 400)


def test_a_list_is_paged(console: Console):
    for number in range(52):
        slug = f"t-{number:02}"
        tenant_id = TenantId(UUID(int=TENANT.int + number))
        console.tenant(start(RunId(slug), replace(ACME, slug=slug), tenant_id), number=number)
    console.now = datetime(2026, 2, 1, 0, 0, tzinfo=UTC)
    first = console.get("/").text
    found = re.search(r'href="[^"]*\?(cursor=[^"]+)">Next page', first)
    assert found
    second = console.get(f"/?{found[1]}").text
    refs = [re.findall(r'<tr id="tenant-([\w-]+)"', page) for page in (first, second)]
    assert refs[0] + refs[1] == [f"t-{number:02}" for number in reversed(range(52))]
    assert "Next page" not in second


def test_a_difference_of_ledger_and_world_is_shown_on_both_pages(console: Console):
    tenant_id = console.tenant(start())
    finding = Finding(next(iter(FindingKind)), "role", "acme_1", "eu", tenant_id, f"{EVIL} is gone; escalate.")
    with console.ledger.open("test") as session:
        findings.confirm_findings(session, [finding])
    for path in ("/", "/tenants/acme"):
        text = console.get(path).text
        assert "The ledger and the world differ" in text
        assert "is gone; escalate." in text
        assert "<script>alert" not in text
    assert "The ledger and the world differ" not in console.get("/?state=Active").text


def test_a_tenant_that_a_person_cancelled_needs_nobody_until_it_is_left_for_too_long(console: Console):
    console.tenant(start(), begin(VALIDATE), c.Cancel(), c.Settle(1))
    console.now = datetime(2026, 2, 1, 0, 5, tzinfo=UTC)
    assert "Needs a person" not in console.get("/").text
    console.now = datetime(2026, 2, 1, 0, 16, tzinfo=UTC)
    assert "Needs a person" in console.get("/").text


def test_a_wait_that_something_keeps_is_a_warning_with_its_reason_before_its_time_is_up(console: Console):
    image = "0 of 1 pods ready; ImagePullBackOff: no such image"
    console.tenant(start(), *done(*ORDER[:-2]), begin(WAIT))
    console.tenant(c.ReportProgress(lease(WAIT), image, Cause.CLUSTER_IMAGE))
    console.now = datetime(2026, 2, 1, 0, 4, 20, tzinfo=UTC)
    for path in ("/", "/tenants/acme"):
        text = console.get(path).text
        assert image in text
        assert "Check that the image exists and can be pulled." in text
        assert re.search(r'class="[^"]*\bwarn\b', text)
