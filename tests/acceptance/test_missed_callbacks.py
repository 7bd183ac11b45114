"""All callbacks are killed: the reconciler finds and finishes the work within a minute."""

import psycopg

from sandbox.access import Access
from sandbox.faults.client import FaultClient
from tests.acceptance import gates, runs
from tests.acceptance.active_fault import active_fault
from tests.acceptance.tenant_objects import find_objects

_RELEASING = "tenant.resource.releasing"


def test_an_unwinding_whose_callbacks_are_all_killed_is_taken_over_and_completed(
    sandbox: Access, fault_client: FaultClient
):
    """First the task's own callback, in the worker, then the DAG's, in the dag-processor."""
    slug = runs.new_slug("missed")
    failing = active_fault(fault_client, "failing-revision", tenant=slug)
    with failing, gates.before_fact_of(sandbox, slug, _RELEASING, "database"):
        runs.trigger(sandbox, runs.request(slug))
        for _ in range(2):
            gates.kill(gates.unwinding_process(sandbox))
        # Held until then: on a busy machine a third callback may come, and would do it.
        runs.wait_until(lambda: _run_of_compensation(sandbox, slug), "the reconciler to take over", seconds=180)
    assert runs.await_phase(sandbox, slug, "Failed settled") == "Failed settled"
    assert find_objects(sandbox, slug).is_empty


def _run_of_compensation(access: Access, slug: str) -> bool:
    row = runs.tenant(access, slug)
    assert row is not None
    with psycopg.connect(access.metadata_dsn) as airflow:
        like = f"compensate__{row['id']}__%"
        return bool(airflow.execute("select from dag_run where run_id like %s", (like,)).fetchall())
