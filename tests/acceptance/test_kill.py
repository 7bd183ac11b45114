"""`kill -9` of the task process before, during and after the effect of each activity.

After Airflow's own recovery the tenant is Active and complete, or nothing is left; checked by plain SQL.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

import pytest

from sandbox.access import Access
from tenancy.engine.provisioning.retry_window import TRIES
from tests.acceptance import gates, runs
from tests.acceptance.tenant_objects import assert_complete, find_objects
from tests.products import PLAN

Gate = Callable[[Access, str, str], AbstractContextManager[None]]


@contextmanager
def before(access: Access, activity: str, slug: str) -> Iterator[None]:
    with gates.before_fact(access, "tenant.provisioning.step.started", activity):
        yield from _once_held(access)


@contextmanager
def after(access: Access, activity: str, slug: str) -> Iterator[None]:
    with gates.before_fact(access, "tenant.provisioning.step.completed", activity):
        yield from _once_held(access)


def _once_held(access: Access) -> Iterator[None]:
    ledger = access.superuser_dsn("platform", "ledger")
    runs.wait_until(lambda: gates.held(ledger, "%insert into ledger.fact%"), "the task to reach the gate")
    yield


@contextmanager
def during_create_database(access: Access, activity: str, slug: str) -> Iterator[None]:
    storage = access.superuser_dsn("storage")
    with gates.table_locked(storage, "pg_database", "share"):
        runs.wait_until(lambda: gates.held(storage, "create database%"), "CREATE DATABASE to be held")
        yield


@contextmanager
def during_post_connection(access: Access, activity: str, slug: str) -> Iterator[None]:
    metadata = access.superuser_dsn("platform", "airflow")
    with gates.table_locked(metadata, "connection", "share row exclusive"):
        runs.wait_until(lambda: gates.held(metadata, "insert into connection%"), "POST /connections to be held")
        yield


@contextmanager
def during_create_table(access: Access, activity: str, slug: str) -> Iterator[None]:
    with ExitStack() as stack:
        with gates.before_fact(access, "tenant.provisioning.step.started", activity):
            next(_once_held(access))
            database = access.superuser_dsn("storage", find_objects(access, slug).databases[0])
            stack.enter_context(gates.table_creation_held(database))
        runs.wait_until(lambda: gates.held(database, "%create table%"), "the migration to be held")
        yield


@contextmanager
def during_install(access: Access, activity: str, slug: str) -> Iterator[None]:
    """The namespace is there; what goes into it is taken by the cluster's API and never answered."""
    with gates.before_fact(access, "tenant.provisioning.step.started", activity):
        next(_once_held(access))
        row = runs.tenant(access, slug)
        assert row is not None
        fault = {"kind": "hang", "on": ["write"], "namespace": f"{slug}-{row['id'].hex[-10:]}"}
        hung = access.cluster.ask("POST", "/emulator/faults", fault)
    try:
        runs.wait_until(lambda: find_objects(access, slug).namespaces, "the namespace to be made")
        yield
    finally:
        access.cluster.ask("DELETE", f"/emulator/faults/{hung['id']}")


@contextmanager
def during_survey(access: Access, activity: str, slug: str) -> Iterator[None]:
    metadata = access.superuser_dsn("platform", "airflow")
    with ExitStack() as stack:
        with gates.before_fact(access, "tenant.provisioning.step.started", activity):
            next(_once_held(access))
            stack.enter_context(gates.table_locked(metadata, "connection", "access exclusive"))
        runs.wait_until(lambda: gates.held(metadata, "select connection%"), "the survey to be held")
        yield


@contextmanager
def between_facts(access: Access, activity: str, slug: str) -> Iterator[None]:
    """validate_request's effect is the reservation itself, which is one transaction."""
    with gates.before_fact(access, "tenant.provisioning.requested", activity):
        yield from _once_held(access)


DURING: dict[str, Gate] = {
    "validate_request": between_facts,
    "allocate_storage": during_create_database,
    "allocate_workflow_handle": during_post_connection,
    "apply_tenant_schema": during_create_table,
    "deploy_workloads": during_install,
    "mark_active": during_survey,
}
# A deferred wait has no process to kill in its middle.
CASES = [
    pytest.param(activity.name, gate, id=f"{when}-{activity.name}")
    for activity in PLAN
    for when, gate in (("before", before), ("during", DURING.get(activity.name)), ("after", after))
    if gate is not None
]


@pytest.mark.parametrize(("activity", "gate"), CASES)
def test_a_killed_task_is_tried_again_and_the_tenant_ends_active_and_complete(
    sandbox: Access, activity: str, gate: Gate
):
    slug = runs.new_slug("kill")
    run_id = runs.trigger(sandbox, runs.request(slug))
    with gate(sandbox, activity, slug):
        gates.kill(gates.task_process(sandbox))

    assert runs.await_end(sandbox, run_id) == "success"
    assert runs.phase(sandbox, slug) == "Active"
    assert_complete(sandbox, slug)
    assert runs.fact_kinds(sandbox, slug)[-1] == "tenant.provisioning.completed"


def test_a_task_killed_at_every_try_leaves_nothing(sandbox: Access):
    slug = runs.new_slug("kill")
    run_id = runs.trigger(sandbox, runs.request(slug))
    for _ in range(TRIES):
        with after(sandbox, "allocate_workflow_handle", slug):
            gates.kill(gates.task_process(sandbox))

    assert runs.await_phase(sandbox, slug, "Failed settled") == "Failed settled"
    assert runs.await_end(sandbox, run_id) == "failed"
    assert find_objects(sandbox, slug).is_empty
