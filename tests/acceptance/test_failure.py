"""A permanent failure: the callback in the worker unwinds in reverse order; a failed flip keeps everything."""

import os
import signal
import time

import psycopg

from sandbox import servers
from sandbox.access import Access
from sandbox.faults.client import FaultClient
from sandbox.processes import Register
from tenancy.engine.provisioning.retry_window import TRIES
from tests.acceptance import gates, runs
from tests.acceptance.active_fault import active_fault
from tests.acceptance.tenant_objects import assert_complete, find_objects


def test_a_permanent_error_unwinds_at_once_and_keeps_its_reason(sandbox: Access, fault_client: FaultClient):
    slug = runs.new_slug("fail")
    with active_fault(fault_client, "failing-revision", tenant=slug):
        run_id = runs.trigger(sandbox, runs.request(slug))
        assert runs.await_phase(sandbox, slug, "Failed settled") == "Failed settled"

    kinds = runs.fact_kinds(sandbox, slug)
    assert find_objects(sandbox, slug).is_empty
    assert kinds.count("tenant.provisioning.step.failed") == 1
    assert kinds[-1] == "tenant.provisioning.settled"
    assert runs.await_end(sandbox, run_id) == "failed"
    (failed,) = runs.ledger(
        sandbox,
        "select data from ledger.fact join ledger.tenant on stream = id where slug = %s and kind = %s",
        slug,
        "tenant.provisioning.failed",
    )
    assert "this revision fails" in failed["data"]["message"]


def test_a_fault_of_the_platform_holds_the_tenant_and_undoes_nothing_until_it_is_repaired(sandbox: Access):
    """More tries than an error of the tenant's gets; the run stays alive in Airflow, and nobody has to do anything."""
    slug = runs.new_slug("held")
    with gates.without_pool(sandbox, "tenants_business"):
        run_id = runs.trigger(sandbox, runs.request(slug, plan="business"))
        failed = "tenant.provisioning.step.failed"
        runs.wait_until(lambda: runs.tenant(sandbox, slug), "the tenant to be there")
        runs.wait_until(
            lambda: runs.fact_kinds(sandbox, slug).count(failed) > TRIES, "it to be tried again", seconds=90
        )
        row = runs.tenant(sandbox, slug)
        assert row is not None
        assert (row["state"], "wants the Airflow pool tenants_business" in row["held"]) == ("Provisioning", True)

    assert runs.await_end(sandbox, run_id) == "success"
    assert runs.phase(sandbox, slug) == "Active"
    assert_complete(sandbox, slug)
    assert "tenant.resource.releasing" not in runs.fact_kinds(sandbox, slug)


def test_resources_are_undone_in_reverse(sandbox: Access, fault_client: FaultClient):
    slug = runs.new_slug("fail")
    with active_fault(fault_client, "failing-revision", tenant=slug):
        runs.trigger(sandbox, runs.request(slug))
        runs.await_phase(sandbox, slug, "Failed settled")

    released = runs.ledger(
        sandbox,
        "select data ->> 'resource' as kind from ledger.fact join ledger.tenant on stream = id "
        "where slug = %s and fact.kind = %s order by fact.seq",
        slug,
        "tenant.resource.released",
    )
    kinds = [fact["kind"] for fact in released if fact["kind"] != "schema"]  # a schema goes with its database
    assert kinds == ["connection", "database", "role"]


def test_a_failed_flip_keeps_every_resource(sandbox: Access):
    slug = runs.new_slug("flip")
    run_id = runs.trigger(sandbox, runs.request(slug))
    with gates.before_fact(sandbox, "tenant.provisioning.step.started", "mark_active"):
        runs.wait_until(lambda: find_objects(sandbox, slug).tables, "the schema")
        with psycopg.connect(sandbox.superuser_dsn("platform", "airflow"), autocommit=True) as connection:
            row = connection.execute(
                "delete from connection where conn_id like %s returning conn_id, description",
                (slug.replace("-", r"\_") + "%",),
            ).fetchone()
            assert row is not None
    runs.wait_until(lambda: "tenant.provisioning.step.failed" in runs.fact_kinds(sandbox, slug), "the flip to fail")
    runs.mark_task_failed(sandbox, run_id, "mark_active")  # it would be tried again for five minutes

    assert runs.await_phase(sandbox, slug, "Failed retained") == "Failed retained"
    assert runs.await_end(sandbox, run_id) == "failed"
    found = find_objects(sandbox, slug)
    assert len(found.databases) == len(found.roles) == 1


def test_storage_that_does_not_answer_is_named_with_its_region(sandbox: Access):
    slug = runs.new_slug("mute")
    daemon = Register(sandbox.layout.processes).get(servers.process_name(servers.STORAGE))
    assert daemon is not None
    with gates.before_fact(sandbox, "tenant.provisioning.step.completed", "validate_request"):
        runs.trigger(sandbox, runs.request(slug))
        gates.task_process(sandbox)
        os.kill(daemon.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        runs.wait_until(
            lambda: "tenant.provisioning.step.failed" in runs.fact_kinds(sandbox, slug), "the first failed try"
        )
        took = time.monotonic() - began
    finally:
        os.kill(daemon.pid, signal.SIGCONT)

    failed = runs.ledger(
        sandbox,
        "select data from ledger.fact join ledger.tenant on stream = id where slug = %s and kind = %s",
        slug,
        "tenant.provisioning.step.failed",
    )[0]["data"]
    assert "The storage of region eu-central does not respond" in failed["message"]
    assert failed["error"] == "TransientError"
    assert took < 60  # the bound on connecting is 5 s; the rest is Airflow's
    assert runs.await_phase(sandbox, slug, "Active") == "Active"
    assert_complete(sandbox, slug)
