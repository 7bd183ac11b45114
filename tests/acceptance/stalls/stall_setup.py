"""Causes each stall, checks how it is reported, and recovers its tenant."""

import re
from typing import Any

from sandbox.access import Access
from sandbox.faults.client import FaultClient
from tests.acceptance import operators, runs
from tests.acceptance.stalls.stall_cases import DEPLOY, STORAGE, VALIDATE, StallCase
from tests.acceptance.tenant_objects import find_objects

TIMEOUT_SECONDS = 150.0
_NOTED = """
select fact.kind from ledger.fact join ledger.tenant on stream = id
 where slug = %s and data ->> 'stall' = any(%s) and coalesce(data ->> 'activity', '') in ('', %s) order by fact.seq"""


def created(access: Access, **changes: Any) -> str:
    asked = runs.request(runs.new_slug("stall"), **changes)
    operators.create(access, asked)
    return str(asked["slug"])


def load_tenant(access: Access, slug: str) -> dict[str, Any]:
    return operators.get(access, f"/tenants/{slug}")


def wait_until(access: Access, slug: str, what: str, is_so: Any) -> None:
    def details() -> str:
        return f"; its stall is {load_tenant(access, slug)['stall']}\n{runs.history(access, slug)}"

    runs.wait_until(is_so, f"{slug} {what}", seconds=TIMEOUT_SECONDS, details=details)


def of_one(access: Access, fault_client: FaultClient, case: StallCase) -> str:
    """The fault is set before the tenant exists."""
    slug = runs.new_slug("stall")
    fault_client.set(case.fault, tenant=slug, **case.options)
    operators.create(access, runs.request(slug))
    return slug


def helm_hangs(access: Access, fault_client: FaultClient) -> str:
    """Its first write is through, which says that it has begun; those of the release are not."""
    slug = runs.new_slug("stall")
    slow = fault_client.set("slow", tenant=slug, on=["write"], milliseconds=2000)
    operators.create(access, runs.request(slug))
    wait_until(access, slug, "to be deployed", lambda: load_tenant(access, slug)["activity"] == DEPLOY)
    wait_until(access, slug, "to have a release", lambda: find_objects(access, slug).releases)
    fault_client.set("hang", tenant=slug, on=["write"])
    fault_client.clear(slow.id)
    return slug


def not_undone(access: Access, fault_client: FaultClient, case: StallCase) -> str:
    """Cancel it under a fault of the cluster that begins when it has objects there."""
    slug = runs.new_slug("stall")
    fault_client.set("slow-start", tenant=slug, seconds=600)
    operators.create(access, runs.request(slug))
    wait_until(access, slug, "to wait for its pods", lambda: runs.is_waiting_for_pods(access, slug))
    fault_client.set(case.fault, tenant=slug, on=["write"])
    operators.perform(access, slug, "cancel")
    return slug


def of_all(access: Access, fault_client: FaultClient, case: StallCase) -> str:
    """The fault is cleared when the tenant has failed."""
    fault = fault_client.set(case.fault)
    slug = failed(access)
    fault_client.clear(fault.id)
    return slug


def failed(access: Access, **changes: Any) -> str:
    slug = created(access, **changes)
    wait_until(access, slug, "to fail", lambda: load_tenant(access, slug)["failures"])
    return slug


def assert_stall_reported(access: Access, slug: str, case: StallCase) -> None:
    """The API reports the stall with advice, and the reconciler records it once by itself."""
    tenant: dict[str, Any] = {}

    def is_reported() -> object:
        tenant.update(load_tenant(access, slug))
        stall = tenant["stall"] or {}
        right = (
            stall.get("kind") in case.kinds and stall["activity"] in {None, case.at} and stall["cause"] in case.causes
        )
        advised = re.search(
            case.advice, tenant["next_action"]
        )  # what has just begun is waited for, beyond these limits
        return right and advised and recorded_stalls(access, slug, case)[-1:] == ["stalled"]

    wait_until(access, slug, f"to be told: {case}", is_reported)
    assert_advised(tenant, case)
    assert recorded_stalls(access, slug, case) == ["stalled"] or len(case.kinds) > 1


def assert_advised(tenant: dict[str, Any], case: StallCase) -> None:
    assert tenant["needs_attention"]
    assert re.search(case.advice, tenant["next_action"]), tenant["next_action"]


def assert_over(access: Access, slug: str, case: StallCase) -> None:
    """The next pass of the reconciler records the end of the stall."""
    wait_until(access, slug, "to be cleared", lambda: recorded_stalls(access, slug, case)[-1:] == ["stall_cleared"])
    assert recorded_stalls(access, slug, case) == runs.REPORTED_ONCE or len(case.kinds) > 1


def recorded_stalls(access: Access, slug: str, case: StallCase) -> list[str]:
    """The recorded events of these kinds of stall, in order."""
    found = runs.ledger(access, _NOTED, slug, list(case.kinds), case.at)
    return [fact["kind"].split(".")[2] for fact in found]


def past_storage(access: Access, slug: str) -> bool:
    return load_tenant(access, slug)["activity"] not in {VALIDATE, STORAGE}


def bring_back(access: Access, *slugs: str) -> None:
    """Bring all to Active: some continue by themselves, the others follow the advice."""
    for slug in slugs:
        _retry(access, slug)
    for slug in slugs:
        runs.await_phase(access, slug, "Active", seconds=TIMEOUT_SECONDS)


def _retry(access: Access, slug: str) -> None:
    phase = runs.await_phase(access, slug, "Active", "Failed settled", "Failed stuck", seconds=TIMEOUT_SECONDS)
    if phase == "Failed stuck":
        operators.perform(access, slug, "cancel")
        phase = runs.await_phase(access, slug, "Failed settled", seconds=TIMEOUT_SECONDS)
    if phase == "Failed settled":
        operators.perform(access, slug, "reset")
        operators.perform(access, slug, "retry")
