"""A class of stall, from one real fault to the last tenant recovered: one matter, shown once, nobody touched twice."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.access import Access
from sandbox.faults.desk import Desk
from tests.acceptance import runs
from tests.acceptance.command_line import WHY, Operator

REGION = "us-east"
"""Where no other test has tenants fail: a class has all of its region."""


@pytest.fixture
def desk(sandbox: Access) -> Iterator[Desk]:
    desk = Desk(sandbox.layout)
    yield desk
    desk.clear()


def _classes(access: Access) -> list[dict[str, Any]]:
    found = runs.get(access, "/tenancy/api/v1/classes")["classes"]
    return [each for each in found if each["region"] == REGION]


def _have_the_reconciler_look(access: Access) -> None:
    """A poke about a run there is not: it looks, and has nothing else to do."""
    runs.ledger(access, "insert into ledger.poke (run_id, action) values ('none', 'mark run failed') returning id")


@pytest.mark.timeout(900)
def test_four_tenants_fail_for_one_fault_are_one_class_and_are_recovered_together(sandbox: Access, desk: Desk):
    operator, slugs = Operator(sandbox), [runs.new_slug("class") for _ in range(4)]
    fault = desk.set("failing-revision")
    for slug in slugs:
        runs.trigger(sandbox, runs.request(slug, region=REGION))
    settled = {"Failed settled"}
    runs.until(lambda: {runs.phase(sandbox, slug) for slug in slugs} == settled, "all to be undone", seconds=300)
    _have_the_reconciler_look(sandbox)
    runs.until(lambda: [each["members"] for each in _classes(sandbox)] == [4], "the class to have them all")

    (one,) = _classes(sandbox)
    assert (one["members"], one["activity"], one["cause"]) == (4, "apply_tenant_schema", "schema.migration")
    with sandbox.client("operator") as client:
        page = client.get("/tenancy/").text
    assert page.count(f'id="class-{one["id"]}"') == 1
    assert operator.json("show", slugs[0])["class_issue"] == one["id"]
    assert str(operator.json("show", slugs[0])["next_action"]).startswith(
        "A class issue, not this tenant's (4 tenants)"
    )
    planned: Any = operator.json("recover", "--class", str(one["id"]), "--dry-run")["tenants"]
    assert [each["would"] for each in planned] == [["reset", "retry"]] * 4

    assert desk.clear(fault.id) == [fault.id]
    ended = operator("recover", "--class", str(one["id"]), *WHY, "--json", timeout=400)
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)["tenants"]

    assert {each["slug"]: each["outcome"] for each in told} == dict.fromkeys(slugs, "recovered")
    for slug in slugs:
        facts = Counter(runs.kinds(sandbox, slug))
        assert (facts["tenant.provisioning.reset"], facts["tenant.provisioning.retried"]) == (1, 1)
    _have_the_reconciler_look(sandbox)
    runs.until(lambda: not _classes(sandbox), "the class to close by itself")
