"""SIGSTOP of a task and its supervisor; the next try continues; SIGCONT: the world is unchanged."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import psutil
import pytest

from sandbox.access import Access
from tests.acceptance import gates, runs
from tests.acceptance.tenant_objects import assert_complete


@contextmanager
def creating_the_database(access: Access) -> Iterator[None]:
    """Its sessions then hold the tenant's lock on the ledger and on the storage server."""
    storage = access.superuser_dsn("storage")
    with gates.table_locked(storage, "pg_database", "share"):
        runs.wait_until(lambda: gates.held(storage, "create database%"), "CREATE DATABASE to be held")
        yield


@contextmanager
def recording_its_outcome(access: Access) -> Iterator[None]:
    """It then has a transaction open on the ledger."""
    ledger = access.superuser_dsn("platform", "ledger")
    with gates.before_fact(access, "tenant.resource.present", "allocate_storage"):
        runs.wait_until(lambda: gates.held(ledger, "%insert into ledger.fact%"), "the task to reach the gate")
        yield


@pytest.mark.parametrize("moment", [creating_the_database, recording_its_outcome])
def test_a_stopped_task_that_wakes_after_its_successor_changes_nothing(
    sandbox: Access, moment: Callable[[Access], AbstractContextManager[None]]
):
    slug = runs.new_slug("stop")
    run_id = runs.trigger(sandbox, runs.request(slug))
    with moment(sandbox):
        stopped = _stop(gates.task_process(sandbox))
    try:
        # Airflow misses the heartbeats (after 12 s here, 120 s as shipped) and starts the next try.
        assert runs.await_phase(sandbox, slug, "Active") == "Active"
        assert runs.await_end(sandbox, run_id) == "success"
        before, facts = assert_complete(sandbox, slug), runs.fact_kinds(sandbox, slug)
    finally:
        for process in stopped:
            process.resume()

    runs.wait_until(lambda: _ended(stopped[0]), "the old process to end")
    assert assert_complete(sandbox, slug) == before
    assert runs.fact_kinds(sandbox, slug) == facts
    assert runs.phase(sandbox, slug) == "Active"


def _stop(task: psutil.Process) -> tuple[psutil.Process, psutil.Process]:
    supervisor = task.parent()
    assert supervisor is not None
    task.suspend()
    supervisor.suspend()
    return task, supervisor


def _ended(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
