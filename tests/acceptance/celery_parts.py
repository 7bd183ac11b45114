"""For tests of Celery: which worker has a task, who queued it, and how parts are killed."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import dict_row

from sandbox import processes, status
from sandbox.access import Access
from sandbox.components import SCHEDULERS
from sandbox.processes import Register
from tests.acceptance import operators, runs
from tests.chaos import verdict
from tests.chaos.campaign import addresses_of

PATIENCE = 240.0
_DRAWS = 24
"""Of two workers: one of sixteen million times the wrong one gets all."""
_PROBE = "/api/v2/dags/sandbox_probe/dagRuns"
_TASK = """
select task.state, try_number, task.hostname, job.hostname as queued_by
  from task_instance as task left join job on job.id = queued_by_job_id
 where run_id = %s and task_id = %s
"""


def task(access: Access, run_id: str, name: str) -> dict[str, Any]:
    """The task instance, with the worker that has it and the scheduler that queued it."""
    with psycopg.connect(access.superuser_dsn("platform", "airflow"), row_factory=dict_row) as airflow:
        return airflow.execute(_TASK, (run_id, name)).fetchone() or {}


def is_running(access: Access, slug: str, activity: str) -> bool:
    """Does a worker have this activity of the tenant?"""
    row = runs.tenant(access, slug)
    at_it = row is not None and row["activity"] == activity
    return at_it and task(access, runs.first_run(access, slug), activity).get("state") == "running"


def create(access: Access, number: int) -> list[str]:
    slugs = [runs.new_slug("celery") for _ in range(number)]
    for slug in slugs:
        operators.create(access, runs.request(slug))
    return slugs


def all_end(access: Access, slugs: list[str], phase: str = "Active") -> None:
    """Wait for this phase, then check without code of the project that each is complete or left nothing."""
    for slug in slugs:
        runs.wait_until(lambda slug=slug: runs.phase(access, slug) == phase, f"{slug} to be {phase}", seconds=PATIENCE)
    places = addresses_of(access)
    assert [sentence for slug in slugs for sentence in verdict.check_tenant(places, slug)] == []


def pid_of(access: Access, part: str) -> int:
    daemon = Register(access.layout.processes).get(part)
    assert daemon is not None
    return daemon.pid


def kill(access: Access, part: str) -> None:
    """kill -9 of all its processes, the tasks of a worker among them."""
    daemon = Register(access.layout.processes).get(part)
    assert daemon is not None
    processes.send_signal(daemon, signal.SIGKILL)
    runs.wait_until(lambda: not processes.members(daemon), f"{part} to be dead")
    assert states(access)[part] == "dead"


@contextmanager
def stopped(access: Access, part: str) -> Iterator[None]:
    """Stop it: it keeps its sockets and does not respond."""
    daemon = Register(access.layout.processes).get(part)
    assert daemon is not None
    processes.send_signal(daemon, signal.SIGSTOP)
    try:
        yield
    finally:
        processes.send_signal(daemon, signal.SIGCONT)


def states(access: Access) -> dict[str, str]:
    return {part.component: part.state for part in status.read_status(access.layout)}


def await_health(access: Access) -> None:
    """Wait until `status` reports all parts healthy; an api-server may be slow."""
    runs.wait_until(lambda: set(states(access).values()) == {"healthy"}, "all parts to be healthy", every=1)


def probe_on(access: Access, worker: str) -> str:
    """Start a run whose task has no tries left and waits on this worker."""
    for _ in range(_DRAWS):
        with access.client("engineer") as client:
            answer = client.post(_PROBE, json={"logical_date": None, "conf": {"seconds": 600}})
            run_id = str(answer.raise_for_status().json()["dag_run_id"])
            runs.wait_until(
                lambda run_id=run_id: task(access, run_id, "wait").get("state") == "running", "the probe to run"
            )
            if task(access, run_id, "wait")["hostname"] == worker:
                return run_id
            # It must not keep the other worker's places.
            client.patch(f"{_PROBE}/{run_id}", json={"state": "failed"}).raise_for_status()
    raise AssertionError(f"no probe came to {worker}")


def unsent_tasks(access: Access) -> int:
    """How often a scheduler could not send a task and kept it: it logs that after its time limit."""
    logs = [access.layout.log_of(name).read_text(errors="replace") for name in SCHEDULERS]
    return sum(log.count("Celery Task Timeout Error") for log in logs)
