"""An incident group, from one real fault to the recovery of its last tenant: shown once, no tenant acted on twice."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.access import Access
from sandbox.faults.client import FaultClient
from tests.acceptance import runs
from tests.acceptance.channels import received_bodies, webhook
from tests.acceptance.command_line import WHY, Operator
from tests.notification_receivers import Endpoint, closed_port, http_endpoint

REGION = "us-east"
"""Where no other test has tenants fail: a class has all of its region."""
LONG = (pytest.mark.slow, pytest.mark.timeout(3600))


@pytest.fixture
def fault_client(sandbox: Access) -> Iterator[FaultClient]:
    fault_client = FaultClient(sandbox.layout)
    yield fault_client
    fault_client.clear()


def _classes(access: Access) -> list[dict[str, Any]]:
    found = runs.get(access, "/tenancy/api/v1/classes")["classes"]
    return [each for each in found if each["region"] == REGION]


def _have_the_reconciler_look(access: Access) -> None:
    """A poke about a run there is not: it looks, and has nothing else to do."""
    runs.ledger(access, "insert into ledger.poke (run_id, action) values ('none', 'mark run failed') returning id")


def _page(access: Access) -> str:
    with access.client("operator") as client:
        return client.get("/tenancy/").text


def _are(access: Access, slugs: list[str], phase: str) -> bool:
    question = "select concat_ws(' ', state, substate) as phase from ledger.tenant where slug = any(%s)"
    return [row["phase"] for row in runs.ledger(access, question, slugs)] == [phase] * len(slugs)


def _about(endpoint: Endpoint, slugs: list[str]) -> list[str]:
    """The keys of all that was told about these tenants or their region, each once: it is sent at least once."""
    keys = (
        body["key"]
        for body in received_bodies(endpoint)
        if body["details"].get("region") == REGION or (body["tenant"] or {}).get("slug") in slugs
    )
    return list(dict.fromkeys(keys))


@pytest.mark.parametrize(
    "tenants", [pytest.param(4, marks=pytest.mark.timeout(900)), pytest.param(60, marks=LONG)], ids=str
)
def test_tenants_that_fail_for_one_fault_are_one_class_one_message_and_are_recovered_together(
    sandbox: Access, fault_client: FaultClient, tenants: int
):
    operator, slugs = Operator(sandbox), [runs.new_slug("class") for _ in range(tenants)]
    port, patience = closed_port(), 300.0 + 30 * tenants
    with webhook(sandbox, port), http_endpoint(port) as endpoint:
        fault = fault_client.set("failing-revision")
        for slug in slugs:
            runs.trigger(sandbox, runs.request(slug, region=REGION))
        runs.wait_until(lambda: _are(sandbox, slugs, "Failed settled"), "all to be undone", seconds=patience, every=0.5)
        _have_the_reconciler_look(sandbox)
        runs.wait_until(
            lambda: [each["members"] for each in _classes(sandbox)] == [tenants], "the class to have them all"
        )

        (one,) = _classes(sandbox)
        assert (one["activity"], one["cause"]) == ("apply_tenant_schema", "schema.migration")
        runs.wait_until(
            lambda: _page(sandbox).count(f'id="class-{one["id"]}"') == 1, "the page to have it once", every=1
        )
        shown = operator.json("show", slugs[0])
        assert shown["class_issue"] == one["id"]
        assert str(shown["next_action"]).startswith(f"A class issue, not this tenant's ({tenants} tenants)")
        planned: Any = operator.json("recover", "--class", str(one["id"]), "--dry-run")["tenants"]
        assert [each["would"] for each in planned] == [["reset", "retry"]] * tenants

        assert fault_client.clear(fault.id) == [fault.id]
        ended = operator("recover", "--class", str(one["id"]), *WHY, "--json", timeout=patience)
        assert ended.returncode == 0, ended.stderr
        tenants_now = json.loads(ended.stdout)["tenants"]

        assert {each["slug"]: each["outcome"] for each in tenants_now} == dict.fromkeys(slugs, "recovered")
        for slug in slugs:
            facts = Counter(runs.fact_kinds(sandbox, slug))
            assert (facts["tenant.provisioning.reset"], facts["tenant.provisioning.retried"]) == (1, 1)
            assert (runs.phase(sandbox, slug), runs.tenant(sandbox, slug)["attempt"]) == ("Active", 2)
        _have_the_reconciler_look(sandbox)
        runs.wait_until(lambda: not _classes(sandbox), "the class to close by itself")
        runs.wait_until(lambda: _about(endpoint, slugs), "somebody to be told")
        assert _about(endpoint, slugs) == [f"class:{one['id']}"]
