"""How each stall comes about, and how its tenant is brought back. For tests only."""

import re
from typing import Any

from sandbox.access import Access
from sandbox.faults.client import FaultClient
from tests.acceptance import operators, runs
from tests.acceptance.discovery import traces
from tests.acceptance.stalls.rows import DEPLOY, STORAGE, VALIDATE, Row

PATIENCE = 150.0
_NOTED = """
select fact.kind from ledger.fact join ledger.tenant on stream = id
 where slug = %s and data ->> 'stall' = any(%s) and coalesce(data ->> 'activity', '') in ('', %s) order by fact.seq"""


def created(access: Access, **changes: Any) -> str:
    asked = runs.request(runs.new_slug("stall"), **changes)
    operators.create(access, asked)
    return str(asked["slug"])


def look(access: Access, slug: str) -> dict[str, Any]:
    return operators.look(access, f"/tenants/{slug}")


def until(access: Access, slug: str, what: str, is_so: Any) -> None:
    def details() -> str:
        return f"; its stall is {look(access, slug)['stall']}\n{runs.history(access, slug)}"

    runs.wait_until(is_so, f"{slug} {what}", seconds=PATIENCE, details=details)


def of_one(access: Access, fault_client: FaultClient, row: Row) -> str:
    """Its fault holds for its very first request."""
    slug = runs.new_slug("stall")
    fault_client.set(row.fault, tenant=slug, **row.options)
    operators.create(access, runs.request(slug))
    return slug


def helm_hangs(access: Access, fault_client: FaultClient) -> str:
    """Its first write is through, which says that it has begun; those of the release are not."""
    slug = runs.new_slug("stall")
    slow = fault_client.set("slow", tenant=slug, on=["write"], milliseconds=2000)
    operators.create(access, runs.request(slug))
    until(access, slug, "to be deployed", lambda: look(access, slug)["activity"] == DEPLOY)
    until(access, slug, "to have a release", lambda: traces(access, slug).releases)
    fault_client.set("hang", tenant=slug, on=["write"])
    fault_client.clear(slow.id)
    return slug


def not_undone(access: Access, fault_client: FaultClient, row: Row) -> str:
    """Cancelled under a fault of the cluster that begins when it has something there."""
    slug = runs.new_slug("stall")
    fault_client.set("slow-start", tenant=slug, seconds=600)
    operators.create(access, runs.request(slug))
    until(access, slug, "to wait for its pods", lambda: runs.is_waiting_for_pods(access, slug))
    fault_client.set(row.fault, tenant=slug, on=["write"])
    operators.act(access, slug, "cancel")
    return slug


def of_all(access: Access, fault_client: FaultClient, row: Row) -> str:
    """Its fault is over when it has failed."""
    fault = fault_client.set(row.fault)
    slug = failed(access)
    fault_client.clear(fault.id)
    return slug


def failed(access: Access, **changes: Any) -> str:
    slug = created(access, **changes)
    until(access, slug, "to fail", lambda: look(access, slug)["failures"])
    return slug


def assert_told(access: Access, slug: str, row: Row) -> None:
    """By whoever looks, with what to do; and recorded once, by the reconciler's own beat."""
    seen: dict[str, Any] = {}

    def is_told() -> object:
        seen.update(look(access, slug))
        stall = seen["stall"] or {}
        right = stall.get("kind") in row.kinds and stall["activity"] in {None, row.at} and stall["cause"] in row.causes
        advised = re.search(row.advice, seen["next_action"])  # what has just begun is waited for, beyond these limits
        return right and advised and noted(access, slug, row)[-1:] == ["stalled"]

    until(access, slug, f"to be told: {row}", is_told)
    assert_advised(seen, row)
    assert noted(access, slug, row) == ["stalled"] or len(row.kinds) > 1


def assert_advised(seen: dict[str, Any], row: Row) -> None:
    assert seen["needs_attention"]
    assert re.search(row.advice, seen["next_action"]), seen["next_action"]


def assert_over(access: Access, slug: str, row: Row) -> None:
    """Recorded, too, by the next beat."""
    until(access, slug, "to be cleared", lambda: noted(access, slug, row)[-1:] == ["stall_cleared"])
    assert noted(access, slug, row) == runs.REPORTED_ONCE or len(row.kinds) > 1


def noted(access: Access, slug: str, row: Row) -> list[str]:
    """What was recorded of stalls of these kinds, in order."""
    found = runs.ledger(access, _NOTED, slug, list(row.kinds), row.at)
    return [fact["kind"].split(".")[2] for fact in found]


def past_storage(access: Access, slug: str) -> bool:
    return look(access, slug)["activity"] not in {VALIDATE, STORAGE}


def bring_back(access: Access, *slugs: str) -> None:
    """All are Active again: by themselves where the attempt went on, as advised where it did not."""
    for slug in slugs:
        _retry(access, slug)
    for slug in slugs:
        runs.await_phase(access, slug, "Active", seconds=PATIENCE)


def _retry(access: Access, slug: str) -> None:
    phase = runs.await_phase(access, slug, "Active", "Failed settled", "Failed stuck", seconds=PATIENCE)
    if phase == "Failed stuck":
        operators.act(access, slug, "cancel")
        phase = runs.await_phase(access, slug, "Failed settled", seconds=PATIENCE)
    if phase == "Failed settled":
        operators.act(access, slug, "reset")
        operators.act(access, slug, "retry")
