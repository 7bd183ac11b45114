"""Triggers runs by the REST API, waits for tenants and runs, and reads the ledger by plain SQL."""

import time
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import psycopg
from psycopg.rows import dict_row

from sandbox.access import Access

DAG = "/api/v2/dags/tenant_provisioning"
PATIENCE_SECONDS = 90.0
_LONGEST_PAUSE = 0.3
REPORTED_ONCE = ["stalled", "stall_cleared"]
"""What `recorded_stalls` returns for one stall that was cleared."""


def new_slug(prefix: str = "t") -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def request(default_slug: str, /, **changes: Any) -> dict[str, Any]:
    """A valid request with some fields changed. None omits a field."""
    asked = {
        "slug": default_slug,
        "name": "Acme Corporation",
        "plan": "starter",
        "region": "eu-central",
        "admin_email": "admin@acme.example",
    }
    return {key: value for key, value in {**asked, **changes}.items() if value is not None}


def trigger(access: Access, conf: dict[str, Any], *, user: str = "operator", dag: str = DAG) -> str:
    with access.client(user) as client:
        answer = client.post(f"{dag}/dagRuns", json={"logical_date": None, "conf": conf})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["dag_run_id"])


def send_again_after_deadlock(send: Callable[[], httpx.Response]) -> httpx.Response:
    """Send up to three times: Airflow 3.3.2 answers 500 when a mark deadlocks with the scheduler, and people press
    again."""
    answer = send()
    for _ in range(2):
        if answer.status_code != 500:
            break
        answer = send()
    return answer


def get(access: Access, path: str) -> dict[str, Any]:
    with access.client("engineer") as client:
        answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def await_end(access: Access, run_id: str) -> str:
    """Wait until the run ends. Returns its state."""
    ended: dict[str, Any] = {}

    def condition() -> bool:
        ended.update(get(access, f"{DAG}/dagRuns/{run_id}"))
        return ended["state"] in {"success", "failed"}

    wait_until(condition, f"run {run_id} to end")
    return str(ended["state"])


def task_log(access: Access, run_id: str, task: str, try_number: int = 1) -> str:
    with access.client("operator") as client:
        return client.get(f"{DAG}/dagRuns/{run_id}/taskInstances/{task}/logs/{try_number}").text


def wait_until(
    condition: Callable[[], object],
    what: str,
    *,
    seconds: float = PATIENCE_SECONDS,
    every: float = 0.1,
    details: Callable[[], str] = str,
) -> None:
    """Wait until `condition` is true. `details` is added to the message of a failure.

    What takes longer is looked at less often: a look at the API or the ledger costs a hundredth of a second of a core.
    """
    deadline, pause = time.monotonic() + seconds, every
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}{details()}"
        time.sleep(pause)
        pause = max(every, min(pause * 1.1, _LONGEST_PAUSE))


def ledger(access: Access, statement: str, *parameters: object) -> list[dict[str, Any]]:
    """Rows of a statement on the ledger, by plain SQL."""
    with psycopg.connect(access.ledger_dsn, row_factory=dict_row, autocommit=True) as connection:
        return connection.execute(statement, parameters).fetchall()


def tenant(access: Access, slug: str) -> dict[str, Any] | None:
    """The row of the newest tenant with this slug."""
    rows = ledger(access, "select * from ledger.tenant where slug = %s order by created_at desc", slug)
    return rows[0] if rows else None


def phase(access: Access, slug: str) -> str:
    row = tenant(access, slug)
    if row is None:
        return "unknown"
    return f"{row['state']} {row['substate']}" if row["substate"] else str(row["state"])


def await_phase(access: Access, slug: str, *phases: str, seconds: float = PATIENCE_SECONDS) -> str:
    wait_until(
        lambda: phase(access, slug) in phases,
        f"{slug} to be {' or '.join(phases)}",
        seconds=seconds,
        details=lambda: f"; it is {phase(access, slug)}\n{history(access, slug)}",
    )
    return phase(access, slug)


def history(access: Access, slug: str) -> str:
    """The tenant's facts, one per line, and the task instances of its runs."""
    facts = ledger(
        access,
        "select at, fact.attempt, kind, data::text from ledger.fact join ledger.tenant on stream = id "
        "where slug = %s order by stream, fact.seq",
        slug,
    )
    lines = [f"{fact['at']:%H:%M:%S.%f} {fact['attempt']} {fact['kind']} {fact['data'][:300]}" for fact in facts]
    for run_id in _runs(access, slug):
        lines += [run_id, *_task_lines(access, run_id)]
    return "\n".join(lines)


def _task_lines(access: Access, run_id: str) -> list[str]:
    with access.client("engineer") as client:
        answer = client.get(f"{DAG}/dagRuns/{quote(run_id, safe='')}/taskInstances")
    tasks = answer.json().get("task_instances", [])
    keys = ("task_id", "state", "try_number", "queued_when", "start_date", "end_date")
    return ["  ".join(str(task[key]) for key in keys) for task in tasks] or [answer.text[:300]]


def fact_kinds(access: Access, slug: str) -> list[str]:
    """The tenant's facts, in order, by kind."""
    row = tenant(access, slug)
    assert row is not None, f"no tenant {slug}"
    rows = ledger(access, "select kind from ledger.fact where stream = %s order by seq", row["id"])
    return [fact["kind"] for fact in rows]


def is_waiting_for_pods(access: Access, slug: str) -> bool:
    """Whether the tenant's readiness wait is in progress."""
    row = tenant(access, slug)
    return bool(row and row["state"] == "Provisioning" and row["activity"] == "wait_for_workloads_ready") and bool(
        ledger(
            access,
            "select from ledger.fact where stream = %s and kind = 'tenant.provisioning.step.progress' and attempt = %s",
            row["id"],
            row["attempt"],
        )
    )


def recorded_stalls(access: Access, slug: str) -> list[str]:
    """The stalls that were recorded for the tenant, in order."""
    details = [kind.split(".")[2] for kind in fact_kinds(access, slug) if kind.startswith("tenant.provisioning.stall")]
    return [what for what in details if what in REPORTED_ONCE]


def first_run(access: Access, slug: str) -> str:
    """The run of the tenant's first attempt."""
    return _runs(access, slug)[0]


def _runs(access: Access, slug: str) -> list[str]:
    question = (
        "select run.run_id from ledger.run join ledger.tenant on tenant_id = id where slug = %s order by run.attempt"
    )
    return [str(row["run_id"]) for row in ledger(access, question, slug)]


def refusals(access: Access, slug: str) -> list[str]:
    """The messages of all refusals in the tenant's audit log."""
    question = (
        "select data ->> 'message' as message from ledger.fact join ledger.tenant on stream = id "
        "where slug = %s and kind like '%%refused' order by fact.seq"
    )
    return [row["message"] for row in ledger(access, question, slug)]


def mark_task_failed(access: Access, run_id: str, task_id: str) -> None:
    """Mark it failed as an operator, with Airflow's own button."""
    with access.client("operator") as client:
        task = f"{DAG}/dagRuns/{quote(run_id, safe='')}/taskInstances/{task_id}"
        answer = send_again_after_deadlock(lambda: client.patch(task, json={"new_state": "failed"}))
    assert answer.status_code == 200, answer.text
