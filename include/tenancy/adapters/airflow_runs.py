"""Airflow's runs by its REST API: started, ended, cleared, looked at. Every word may be said twice."""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from tenancy.adapters.airflow_client import AirflowClient
from tenancy.saga.errors import TransientError

_LIVE = frozenset({"queued", "running"})
_MARKS = frozenset({"patch_dag_run", "patch_task_instance", "post_clear_task_instances", "clear_dag_run"})
_RECENT = 50
SOMEBODY = "somebody"
"""The user of a mark whose entry in the event log has no owner."""
_DEADLOCK_SECONDS = 4.0
"""PostgreSQL finds a deadlock after 1 s. Who was away for longer waited for a lock, and would wait as long again."""
_HEALTH_SECONDS = 6.0
"""It is asked beside whatever an operator waits for."""

_QUEUED = 20


@dataclass(frozen=True)
class RunSeen:
    """One run as Airflow has it."""

    state: str
    ended_at: datetime | None = None

    @property
    def live(self) -> bool:
        """Is it queued or running?"""
        return self.state in _LIVE


@dataclass(frozen=True)
class TaskSeen:
    """One task of a run. `state` is empty before it has one; `moved_at`: when Airflow last did something to it."""

    state: str
    moved_at: datetime | None = None


@dataclass(frozen=True)
class Mark:
    """Somebody used Airflow's own buttons on a run."""

    event: str
    user: str
    at: datetime


@dataclass(frozen=True)
class QueuedRun:
    """A run that waits for its turn. `slug` is what it was asked for, if that is a text at all."""

    run_id: str
    slug: str
    since: datetime


class AirflowRuns:
    """The runs of the workflow engine behind `client`."""

    def __init__(self, client: AirflowClient) -> None:
        self._call = client.call
        self._health = client.read_openly
        self.user = client.user

    def find(self, dag_id: str, run_id: str) -> RunSeen | None:
        """The run, if Airflow has it."""
        answer = self._call("GET", _path(dag_id, run_id), accept=(200, 404))
        if answer.status_code == 404:
            return None
        run = answer.json()
        return RunSeen(run["state"], _time(run.get("end_date")))

    def start(self, dag_id: str, run_id: str, conf: dict[str, Any]) -> bool:
        """Trigger a run under this id; False when there is one already."""
        body = {"dag_run_id": run_id, "logical_date": None, "conf": conf}
        return self._call("POST", f"/dags/{dag_id}/dagRuns", body=body, accept=(200, 409)).status_code == 200

    def fail(self, dag_id: str, run_id: str) -> None:
        """Mark it failed, if it is there and lives: its process gets SIGTERM at its next heartbeat.

        Airflow's own transaction may deadlock with the scheduler's, which it answers with 500 (3.3.2): so a few times.
        """
        for last in (False, False, True):
            seen = self.find(dag_id, run_id)
            if seen is None or not seen.live:
                return
            began = time.monotonic()
            try:
                self._call("PATCH", _path(dag_id, run_id), body={"state": "failed"}, accept=(200, 404))
            except TransientError:
                if last or time.monotonic() - began > _DEADLOCK_SECONDS:
                    raise
            else:
                return

    def clear_history(self, dag_id: str, run_id: str) -> None:
        """Empty its task instances without starting it again. It must have ended; tries, logs and XComs stay.

        Airflow's defaults for the three switches are all true (facts/airflow-3.3.md): they are named here.
        """
        body = {
            "dry_run": False,
            "dag_run_id": run_id,
            "reset_dag_runs": False,
            "only_failed": False,
            "prevent_running_task": True,
        }
        self._call("POST", f"/dags/{dag_id}/clearTaskInstances", body=body, accept=(200, 404))

    def run_again(self, dag_id: str, run_id: str) -> None:
        """Queue an ended run once more, all of its tasks; its id and its tries stay."""
        body = {"dry_run": False, "only_failed": False}
        self._call("POST", f"{_path(dag_id, run_id)}/clear", body=body, accept=(200, 404))

    def tasks(self, dag_id: str, run_id: str) -> tuple[TaskSeen, ...]:
        """Its tasks; none when there is no such run."""
        answer = self._call("GET", _path(dag_id, run_id) + "/taskInstances", accept=(200, 404)).json()
        return tuple(TaskSeen(task["state"] or "", _moved_at(task)) for task in answer.get("task_instances", []))

    def marks(self, dag_id: str, run_id: str) -> tuple[Mark, ...]:
        """Who used Airflow's buttons on it, newest first (its event log)."""
        query = {"dag_id": dag_id, "run_id": run_id, "order_by": "-when", "limit": _RECENT}
        entries = self._call("GET", "/eventLogs", params=query).json()["event_logs"]
        return tuple(
            Mark(entry["event"], entry["owner"] or SOMEBODY, datetime.fromisoformat(entry["when"]))
            for entry in entries
            if entry["event"] in _MARKS
        )

    def is_paused(self, dag_id: str) -> bool:
        """Has somebody paused the DAG?"""
        return bool(self._call("GET", f"/dags/{dag_id}").json()["is_paused"])

    def queued(self, dag_id: str) -> tuple[QueuedRun, ...]:
        """Runs that wait in the queue, longest first; at most 20."""
        query = {"state": "queued", "order_by": "run_after", "limit": _QUEUED}
        runs = self._call("GET", f"/dags/{dag_id}/dagRuns", params=query, accept=(200, 404)).json()
        return tuple(
            QueuedRun(
                run["dag_run_id"],
                str((run.get("conf") or {}).get("slug", "")),
                datetime.fromisoformat(run["queued_at"]),
            )
            for run in runs.get("dag_runs", [])
        )

    def delete_ended(self, dag_id: str, *, before: datetime, limit: int) -> int:
        """Delete the DAG's oldest ended runs that were due before this moment, at most `limit`; how many there were."""
        old = {"run_after_lt": before.isoformat(), "order_by": "run_after", "limit": limit}
        query: dict[str, Any] = {**old, "state": ["success", "failed"]}
        found = self._call("GET", f"/dags/{dag_id}/dagRuns", params=query, accept=(200, 404)).json()
        ended = [run["dag_run_id"] for run in found.get("dag_runs", [])]
        for run_id in ended:
            self._call("DELETE", _path(dag_id, run_id), accept=(204, 404))
        return len(ended)

    def silent_parts(self) -> tuple[str, ...]:
        """Which parts of the engine give no sign of life, by its own health report."""
        health = self._health("/monitor/health", read_seconds=_HEALTH_SECONDS)
        return tuple(part for part, seen in health.items() if seen and seen.get("status") == "unhealthy")


def _path(dag_id: str, run_id: str) -> str:
    return f"/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}"


def _moved_at(task: dict[str, Any]) -> datetime | None:
    moments = (_time(task[field]) for field in ("scheduled_when", "queued_when", "start_date", "end_date"))
    return max((moment for moment in moments if moment), default=None)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
