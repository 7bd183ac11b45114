"""Every row of the runbook's stall table, with its real fault: seen by the next beat, with its cause and what to do."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from sandbox.access import Access
from sandbox.faults.desk import Desk
from tenancy.engine.reconcile import reconcile
from tests.acceptance import gates, operators, runs
from tests.acceptance.attempts import joined
from tests.acceptance.clocks import age

PATIENCE = 180.0
WAIT, DEPLOY, SCHEMA = "wait_for_workloads_ready", "deploy_workloads", "apply_tenant_schema"
ESCALATE = "Escalate for a cluster-level investigation"
pytestmark = pytest.mark.timeout(600)

HANGING = {
    "image-pull-backoff": (WAIT, {}, "cluster.image", f"See that the image exists.*{ESCALATE}"),
    "crash-loop-backoff": (WAIT, {}, "cluster.crash", f"Read the container's log.*{ESCALATE}"),
    "unschedulable": (WAIT, {}, "cluster.unschedulable", f"no node takes the pod.*{ESCALATE}"),
    "quota-exceeded": (WAIT, {}, "cluster.quota", f"quota compared with the plan.*{ESCALATE}"),
    "slow-start": (WAIT, {"seconds": 600}, "cluster.probe", f"health check can succeed.*{ESCALATE}"),
    "schema-locked": (SCHEMA, {}, "storage.blocked", "session that blocks it ended.*Read the error log"),
}
"""Faults of one tenant under which its activity hangs: where, with which options, the cause, the advice."""


def look(access: Access, slug: str) -> dict[str, Any]:
    return operators.look(access, f"/tenants/{slug}")


def beat(access: Access) -> None:
    """The reconciler's next pass."""
    reconcile(joined(access))


def reach(access: Access, slug: str, activity: str) -> None:
    runs.until(lambda: look(access, slug)["activity"] == activity, f"{slug} to reach {activity}", seconds=PATIENCE)


def becomes(access: Access, slug: str, phase: str) -> None:
    runs.until(lambda: runs.phase(access, slug) == phase, f"{slug} to become {phase}", seconds=PATIENCE)


def assert_advised(seen: dict[str, Any], cause: str, advice: str) -> None:
    assert (seen["stall"] and seen["stall"]["cause"], seen["needs_attention"]) == (cause, True)
    assert re.search(advice, seen["next_action"]), seen["next_action"]


def test_what_hangs_is_seen_with_its_cause_and_cleared_when_the_fault_goes(sandbox: Access, desk: Desk):
    slugs = {kind: runs.new_slug("stall") for kind in HANGING}
    for kind, (_, options, _, _) in HANGING.items():
        desk.set(kind, tenant=slugs[kind], **options)
        operators.create(sandbox, runs.request(slugs[kind]))
    for kind, slug in slugs.items():
        reach(sandbox, slug, HANGING[kind][0])
        age(sandbox, slug, 11, "activity_since")
    runs.until(lambda: _all_are_explained(sandbox, slugs), "every cause to be found", seconds=PATIENCE, every=1.0)
    for kind, slug in slugs.items():
        assert_advised(look(sandbox, slug), *HANGING[kind][2:])
        assert runs.stalls(sandbox, slug) == ["stalled"]
    desk.clear()
    for slug in slugs.values():
        becomes(sandbox, slug, "Active")
    beat(sandbox)
    for slug in slugs.values():
        assert runs.stalls(sandbox, slug) == runs.TOLD_ONCE


def _all_are_explained(access: Access, slugs: dict[str, str]) -> bool:
    """A fault needs a moment to show in pods and events; the reconciler looks again in each pass."""
    beat(access)
    seen = {kind: look(access, slug)["stall"] for kind, slug in slugs.items()}
    return all(stall and stall["cause"] == HANGING[kind][2] for kind, stall in seen.items())


FAILING = {
    "no-createdb": ("storage.permission", "storage role's rights restored.* Reset, then retry"),
    "failing-revision": ("schema.migration", "statement that failed stands in the error log.* Reset, then retry"),
    "http-500": ("cluster.refuses", "it answers, and refuses.* Reset, then retry"),
    "refuse": ("cluster.unreachable", "cluster looked at.* Reset, then retry"),
}
"""Faults that are met by an error: the attempt fails, is undone, and waits for somebody. The others have the same cause
with the same error (test_faults_through_activities.py)."""


def test_what_fails_says_why_and_is_told_when_nobody_touches_it(sandbox: Access, desk: Desk):
    slugs = {kind: runs.new_slug("fails") for kind in FAILING}
    _fail_one(sandbox, desk, slugs["no-createdb"], "no-createdb")  # it concerns every tenant
    faults = {kind: desk.set(kind, tenant=slug) for kind, slug in list(slugs.items())[1:]}
    for kind in faults:
        operators.create(sandbox, runs.request(slugs[kind]))
    for slug in slugs.values():
        runs.until(lambda slug=slug: look(sandbox, slug)["failures"], f"{slug} to fail", seconds=PATIENCE)
    desk.clear(faults["http-500"].id)  # undoing wants a cluster that answers
    desk.clear(faults["refuse"].id)
    for slug in slugs.values():
        becomes(sandbox, slug, "Failed settled")
    desk.clear()
    for kind, slug in slugs.items():
        assert re.search(FAILING[kind][1], look(sandbox, slug)["next_action"])
        age(sandbox, slug, 16)
    beat(sandbox)
    for kind, slug in slugs.items():
        assert_advised(look(sandbox, slug), *FAILING[kind])
        operators.act(sandbox, slug, "reset")
    beat(sandbox)
    for slug in slugs.values():
        assert runs.stalls(sandbox, slug) == runs.TOLD_ONCE
        operators.act(sandbox, slug, "retry")
    for slug in slugs.values():
        becomes(sandbox, slug, "Active")


def _fail_one(access: Access, desk: Desk, slug: str, kind: str) -> None:
    desk.set(kind)
    operators.create(access, runs.request(slug))
    runs.until(lambda: look(access, slug)["failures"], f"{slug} to fail", seconds=PATIENCE)
    desk.clear()


HELD = {
    "allocate_workflow_handle": "a platform matter: escalate",
    "mark_active": "Cancel provisioning, then reset, then retry",
    "validate_request": "Cancel provisioning, correct the input, and recreate",
}
"""Held while they record that they are done: nobody else can record anything of the tenant meanwhile."""


@pytest.mark.parametrize("activity", HELD)
def test_a_stall_is_told_at_every_look_also_where_it_cannot_be_recorded(sandbox: Access, activity: str):
    slug = runs.new_slug("held")
    with gates.before_fact(sandbox, "tenant.provisioning.step.completed", activity):
        operators.create(sandbox, runs.request(slug))
        reach(sandbox, slug, activity)
        age(sandbox, slug, 6)
        seen = look(sandbox, slug)
        assert (seen["stall"]["activity"], seen["stall"]["kind"]) == (activity, "activity")
        assert HELD[activity] in seen["next_action"]
    becomes(sandbox, slug, "Active")
    assert look(sandbox, slug)["stall"] is None


@contextmanager
def no_places(access: Access) -> Iterator[None]:
    """Airflow's own pool has no place for any task."""
    pool, only = "/api/v2/pools/default_pool", {"update_mask": "slots"}
    with access.client("engineer") as client:
        usual = client.get(pool).json()
        client.patch(pool, params=only, json={"pool": "default_pool", "slots": 0}).raise_for_status()
        try:
            yield
        finally:
            client.patch(pool, params=only, json={"pool": "default_pool", "slots": usual["slots"]}).raise_for_status()


def test_what_waits_for_a_place_says_so_and_is_no_stall(sandbox: Access):
    slug = runs.new_slug("queued")
    with no_places(sandbox):
        operators.create(sandbox, runs.request(slug))
        age(sandbox, slug, 16)

        def is_told() -> bool:
            beat(sandbox)
            return "waits in Airflow's queue" in look(sandbox, slug)["held"]

        runs.until(is_told, "the queue to be told", seconds=PATIENCE, every=1.0)
        seen = look(sandbox, slug)
        assert (seen["stall"], seen["next_action"]) == (None, "Nothing: it goes on when a place is free.")
    becomes(sandbox, slug, "Active")
    assert runs.stalls(sandbox, slug) == []


def test_an_in_between_state_and_compensations_out_of_tries_are_stalls(sandbox: Access, desk: Desk):
    slug = runs.new_slug("stuck")
    desk.set("slow-start", tenant=slug, seconds=600)
    operators.create(sandbox, runs.request(slug))
    runs.until(lambda: runs.waits(sandbox, slug), f"{slug} to wait for its pods", seconds=PATIENCE)
    desk.set("hang", tenant=slug, on=["write"])
    operators.act(sandbox, slug, "cancel")
    age(sandbox, slug, 3)
    seen = look(sandbox, slug)
    assert (seen["stall"]["kind"], seen["advice"]["action"]) == ("in between", "cancel")
    assert "cancel again, then reset" in seen["next_action"]
    desk.clear()
    becomes(sandbox, slug, "Failed settled")
    beat(sandbox)
    assert look(sandbox, slug)["stall"] is None
