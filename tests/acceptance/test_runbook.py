"""The runbook's stall table, row by row: the real fault and the row's action, by the command line only."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from kubernetes.client import CoreV1Api
from kubernetes.config import new_client_from_config

from sandbox.access import Access
from sandbox.faults.client import FaultClient
from tests.acceptance import gates, runs
from tests.acceptance.command_line import WHY, Operator
from tests.acceptance.tenant_objects import assert_complete, find_objects

STARTED = "tenant.provisioning.step.started"


@pytest.fixture
def operator(sandbox: Access) -> Operator:
    return Operator(sandbox)


@pytest.fixture
def fault(sandbox: Access) -> Iterator[Callable[..., None]]:
    fault_client = FaultClient(sandbox.layout)
    yield fault_client.set
    fault_client.clear()


def wedged(access: Access, slug: str, activity: str) -> None:
    """Wait until this activity is under way and does not get on."""

    def is_there() -> bool:
        row = runs.tenant(access, slug)
        return bool(row and row["activity"] == activity)

    runs.wait_until(is_there, f"{slug} to hang at {activity}")


def test_validate_request_cancel_correct_the_input_recreate(sandbox: Access, operator: Operator):
    slug = runs.new_slug("row")
    with gates.before_fact_of(sandbox, slug, STARTED, "validate_request"):
        operator.create(slug)
        operator.run("cancel", slug, "--wait", *WHY)
    output = operator.run("recreate", slug, "--plan", "business", *WHY)
    assert slug in output
    operator.run("watch", slug)
    shown = operator.json("show", slug)
    assert (shown["state"], shown["plan"]) == ("Active", "business")
    assert shown["predecessor"]


@contextmanager
def _set_fault(access: Access, kind: str, **options: Any) -> Iterator[None]:
    fault_client = FaultClient(access.layout)
    made = fault_client.set(kind, **options)
    try:
        yield
    finally:
        fault_client.clear(made.id)


STALLS: dict[str, Callable[[Access, str], Any]] = {
    "allocate_storage": lambda access, _: _set_fault(access, "databases-locked"),
    "apply_tenant_schema": lambda access, slug: _set_fault(access, "schema-locked", tenant=slug),
    "deploy_workloads": lambda access, slug: _set_fault(access, "hang", tenant=slug, on=["write"]),
}


@pytest.mark.parametrize("activity", STALLS)
def test_storage_schema_and_deploy_cancel_reset_retry(sandbox: Access, operator: Operator, activity: str):
    slug = runs.new_slug("row")
    with STALLS[activity](sandbox, slug):
        operator.create(slug)
        wedged(sandbox, slug, activity)
        early = operator("reset", slug, *WHY)
        assert early.returncode == 3, "reset before cancel is refused"
        operator.run("cancel", slug, *WHY)
    runs.await_phase(sandbox, slug, "Failed settled")
    assert find_objects(sandbox, slug).is_empty
    operator.run("reset", slug, *WHY)
    operator.run("retry", slug, *WHY)
    assert "(attempt 2) is Active" in operator.run("watch", slug)
    assert_complete(sandbox, slug)


def test_workflow_handle_escalate(sandbox: Access, operator: Operator, fault: Callable[..., None]):
    slug = runs.new_slug("row")
    fault("handles-locked")
    operator.create(slug)
    wedged(sandbox, slug, "allocate_workflow_handle")
    captured = operator.run("escalate", slug, *WHY)
    for words in (slug, str(operator.json("show", slug)["id"]), "Allocate storage", "cancel no, reset no, retry no"):
        assert words in captured
    assert "tenant.provisioning.escalated" in runs.fact_kinds(sandbox, slug)


def test_workloads_ready_wait_then_escalate_and_recover_once_repaired(sandbox: Access, operator: Operator):
    slug = runs.new_slug("row")
    with _set_fault(sandbox, "image-pull-backoff", tenant=slug):
        operator.create(slug)
        runs.wait_until(lambda: "ImagePullBackOff" in operator.run("timeline", slug), "the reason to be told", every=1)
        assert "Deploy tenant workloads" in operator.run("escalate", slug, *WHY)
    operator.run("recover", slug, *WHY)
    _assert_active_without_a_cancel(sandbox, slug)


def test_recover_past_the_point_of_no_return_waits_for_the_attempt(sandbox: Access, operator: Operator):
    slug = runs.new_slug("row")
    with gates.before_fact_of(sandbox, slug, STARTED, "mark_active"):
        operator.create(slug)
        wedged(sandbox, slug, "mark_active")
        recovering = operator.start("recover", slug, *WHY)
        assert recovering.stdout is not None
        assert "it is not stalled, so nothing is cancelled" in recovering.stdout.readline()
    output, errors = recovering.communicate(timeout=120)
    assert recovering.returncode == 0, output + errors
    _assert_active_without_a_cancel(sandbox, slug)


def _assert_active_without_a_cancel(access: Access, slug: str) -> None:
    assert_complete(access, slug)
    assert "tenant.provisioning.cancel.requested" not in runs.fact_kinds(access, slug)


def test_mark_active_reset_and_retry_with_the_same_database_and_the_same_release(sandbox: Access, operator: Operator):
    slug = runs.new_slug("row")
    with gates.before_fact_of(sandbox, slug, STARTED, "mark_active"):
        operator.create(slug)
        wedged(sandbox, slug, "mark_active")
        _lose_the_connection(sandbox, slug)
    failed = "tenant.provisioning.step.failed"
    runs.wait_until(lambda: failed in runs.fact_kinds(sandbox, slug), "the flip to fail")
    runs.mark_task_failed(sandbox, runs.first_run(sandbox, slug), "mark_active")  # it would be tried for five minutes
    runs.await_phase(sandbox, slug, "Failed retained")
    kept = _identity(sandbox, slug)
    operator.run("reset", slug, *WHY)
    operator.run("retry", slug, *WHY)
    operator.run("watch", slug)
    assert_complete(sandbox, slug)
    assert _identity(sandbox, slug) == kept


def _lose_the_connection(access: Access, slug: str) -> None:
    with psycopg.connect(access.superuser_dsn("platform", "airflow"), autocommit=True) as airflow:
        airflow.execute("delete from connection where conn_id like %s", (slug.replace("-", r"\_") + "%",))


def _identity(access: Access, slug: str) -> tuple[Any, ...]:
    """The database's OID and the release's revisions."""
    like = slug.replace("-", r"\_") + r"\_%"
    with psycopg.connect(access.superuser_dsn("storage"), autocommit=True) as storage:
        oid = storage.execute("select oid from pg_database where datname like %s", (like,)).fetchone()
    with new_client_from_config(str(access.layout.kubeconfig)) as client:
        secrets = CoreV1Api(client).list_secret_for_all_namespaces(label_selector="owner=helm").items
    return (oid, sorted(secret.metadata.name for secret in secrets if f".{slug}-" in secret.metadata.name))
