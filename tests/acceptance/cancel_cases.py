"""Holds tenants before, during and after the effect of one activity, and cancels them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from sandbox.access import Access
from sandbox.faults.client import FaultClient
from tenancy.saga.names import ActivityName
from tests.acceptance import gates, operators, runs
from tests.products import PLAN

WAYS = ("the API", "PATCH on the run")


@dataclass(frozen=True)
class CancelCase:
    """One tenant that is held at a point of an activity."""

    slug: str
    run_id: str
    moment: str
    way: str


def hold_tenants(access: Access, activity: str, stack: ExitStack) -> list[CancelCase]:
    """Tenants at each point of the activity, one for each way to cancel. Those held during the effect come last."""
    cases = []
    for moment, fact in (
        ("before", ("tenant.provisioning.step.started", activity)),
        ("after", first_fact_after(activity)),
    ):
        for way in WAYS:
            slug = runs.new_slug("cancel")
            stack.enter_context(gates.before_fact_of(access, slug, *fact))
            cases.append(_create(access, slug, moment, way))
    for case in cases:
        runs.wait_until(lambda case=case: _is_held(access, case, activity), f"{case} of {activity} to be held")
    if activity in DURING:
        ways = WAYS[:1] if activity == "apply_tenant_schema" else WAYS  # one schema is locked at a time
        slugs = [runs.new_slug("cancel") for _ in ways]
        stack.enter_context(DURING[activity](access, slugs))
        late = [_create(access, slug, "during", way) for slug, way in zip(slugs, ways, strict=True)]
        for case in late:
            runs.wait_until(lambda case=case: _is_held(access, case, activity), f"{case} of {activity} to be held")
        cases += late
    return cases


def first_fact_after(activity: str) -> tuple[str, str]:
    """The fact with which the activity begins to record that its effect is there."""
    made = {each.name: each.resources for each in PLAN}[ActivityName(activity)]
    return ("tenant.resource.present", made[0]) if made else ("tenant.provisioning.step.completed", activity)


def cancel(access: Access, case: CancelCase) -> dict[str, Any] | None:
    """Cancel by the case's way. Returns the API's answer."""
    if case.way == WAYS[0]:
        return operators.perform(access, case.slug, "cancel")
    with access.client("operator") as client:
        url = f"{runs.DAG}/dagRuns/{case.run_id}"
        marked = runs.send_again_after_deadlock(lambda: client.patch(url, json={"state": "failed"}))
    assert marked.status_code == 200, marked.text
    return None


def _create(access: Access, slug: str, moment: str, way: str) -> CancelCase:
    return CancelCase(slug, operators.create(access, runs.request(slug))["run_id"], moment, way)


def _is_held(access: Access, case: CancelCase, activity: str) -> bool:
    """Whether it is as far as it can get. The held fact is not visible yet, the facts before it are."""
    row, kinds = runs.tenant(access, case.slug), runs.fact_kinds(access, case.slug)
    assert row is not None
    if row["activity"] != activity:
        return False
    begun = kinds.count("tenant.provisioning.step.started") > kinds.count("tenant.provisioning.step.completed")
    if case.moment == "before":
        return not begun and _waits_in_ledger(access, case)
    return begun and (case.moment == "during" or _waits_in_ledger(access, case))


def _waits_in_ledger(access: Access, case: CancelCase) -> bool:
    """Whether a session of one of its tasks waits while it records a fact."""
    tasks = "select id::text from task_instance where run_id = %s and state = 'running'"
    with gates.connected(access.superuser_dsn("platform", "airflow")) as airflow:
        holders = [row[0] for row in airflow.execute(tasks, (case.run_id,))]
    waits = "select from pg_stat_activity where application_name = any(%s) and wait_event = 'PgSleep'"
    with gates.connected(access.superuser_dsn("platform")) as session:
        return session.execute(waits, ([f"tenancy run {holder}" for holder in holders],)).fetchone() is not None


@contextmanager
def _faults(access: Access, slugs: list[str], kind: str, **options: Any) -> Iterator[None]:
    fault_client = FaultClient(access.layout)
    made = [fault_client.set(kind, tenant=slug, **options).id for slug in slugs]
    try:
        yield
    finally:
        for fault in made:
            fault_client.clear(fault)


DURING: dict[str, Callable[[Access, list[str]], Any]] = {
    "allocate_storage": lambda access, _: gates.table_locked(access.superuser_dsn("storage"), "pg_database", "share"),
    "allocate_workflow_handle": lambda access, _: gates.table_locked(
        access.superuser_dsn("platform", "airflow"), "connection", "share"
    ),
    "deploy_workloads": lambda access, slugs: _faults(access, slugs, "hang", on=["write"]),
    "wait_for_workloads_ready": lambda access, slugs: _faults(access, slugs, "slow-start", seconds=600),
    "apply_tenant_schema": lambda access, slugs: _faults(access, slugs, "schema-locked"),
}
"""What holds an activity during its effect, until right after the Cancel."""
