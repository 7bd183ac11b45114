"""DAG runs by Airflow's REST API: trigger, mark failed, clear, delete, read. All calls are idempotent."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

from tenancy.adapters import airflow_responses as responses
from tenancy.adapters.airflow_api import AirflowApi
from tenancy.adapters.airflow_client import AirflowClient
from tenancy.saga.errors import TransientError

_LIVE = frozenset({"queued", "running"})
_MARKS = frozenset({"patch_dag_run", "patch_task_instance", "post_clear_task_instances", "clear_dag_run"})
_RECENT = 50
SOMEBODY = "somebody"
"""The user of an event without an owner."""
_DEADLOCK_SECONDS = 4.0
"""PostgreSQL detects a deadlock after 1 s. A call that took longer waited for a lock, and would wait as long again."""
_HEALTH_SECONDS = 6.0
"""Short: an operator may be waiting for the page that asks."""

_QUEUED = 20
_SUCCEEDED = 20
_T = TypeVar("_T")


@dataclass(frozen=True)
class RunStatus:
    """One run as Airflow has it."""

    state: str
    ended_at: datetime | None = None

    @property
    def is_live(self) -> bool:
        """Is it queued or running?"""
        return self.state in _LIVE


@dataclass(frozen=True)
class TaskStatus:
    """One task of a run. `state` is empty before it has one; `moved_at` is the time when Airflow last changed it."""

    state: str
    moved_at: datetime | None = None


@dataclass(frozen=True)
class UserMark:
    """A person used Airflow's own buttons on a run."""

    event: str
    user: str
    at: datetime


@dataclass(frozen=True)
class QueuedRun:
    """A queued run. `slug` comes from its conf, as text."""

    run_id: str
    slug: str
    since: datetime
    dag_id: str


class AirflowRuns:
    """The DAG runs of one Airflow."""

    def __init__(self, client: AirflowClient) -> None:
        self._call = client.call
        self._read = client.read
        self._health = client.read_openly
        self.user = client.user
        self._api = AirflowApi(client)

    def identity(self, *, make: bool = False) -> str:
        """The identity of the Airflow that has these runs; empty when it has none (AirflowApi.identity)."""
        return self._api.identity(make=make)

    def find(self, dag_id: str, run_id: str) -> RunStatus | None:
        """The run, if Airflow has it."""
        response = self._call("GET", _path(dag_id, run_id), accept=(200, 404))
        if response.status_code == 200:
            return responses.decode_response(response, _run)
        responses.require_absence(response, f"`{run_id}`")
        return None

    def start(self, dag_id: str, run_id: str, conf: dict[str, Any]) -> bool:
        """Trigger a run under this id; False if there is one already."""
        body = {"dag_run_id": run_id, "logical_date": None, "conf": conf}
        response = self._call("POST", f"/dags/{dag_id}/dagRuns", body=body, accept=(200, 409))
        if response.status_code == 409:
            return False
        responses.decode_response(response, _run_id)
        return True

    def fail(self, dag_id: str, run_id: str) -> None:
        """Mark it failed, if it exists and is live. Its process gets SIGTERM at its next heartbeat.

        Tried three times: Airflow's transaction may deadlock with the scheduler's, and then it answers 500 (3.3.2).
        """
        for last in (False, False, True):
            run = self.find(dag_id, run_id)
            if run is None or not run.is_live:
                return
            began = time.monotonic()
            try:
                self._change("PATCH", _path(dag_id, run_id), {"state": "failed"}, of=run_id)
            except TransientError:
                if last or time.monotonic() - began > _DEADLOCK_SECONDS:
                    raise
            else:
                return

    def clear_history(self, dag_id: str, run_id: str) -> None:
        """Clear its task instances without starting it again. It must have ended; tries, logs and XComs stay.

        All three switches are stated, because they default to true in Airflow 3.3.2.
        """
        body = {
            "dry_run": False,
            "dag_run_id": run_id,
            "reset_dag_runs": False,
            "only_failed": False,
            "prevent_running_task": True,
        }
        self._change("POST", f"/dags/{dag_id}/clearTaskInstances", body, of=run_id)

    def rerun(self, dag_id: str, run_id: str) -> None:
        """Queue an ended run again, with all of its tasks. Its id and its tries stay."""
        body = {"dry_run": False, "only_failed": False}
        self._change("POST", f"{_path(dag_id, run_id)}/clear", body, of=run_id)

    def _change(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, of: str, accept: int = 200
    ) -> None:
        """For a change of a run: a run that does not exist needs none. `of` is its id, which Airflow's 404 must
        name."""
        response = self._call(method, path, body=body, accept=(accept, 404))
        if response.status_code == 404:
            responses.require_absence(response, of)
        elif response.status_code == 200:
            responses.decode_response(response, _changed)

    def tasks(self, dag_id: str, run_id: str) -> tuple[TaskStatus, ...]:
        """Its tasks; none when there is no such run."""
        path = _path(dag_id, run_id) + "/taskInstances"
        return self._read(path, lambda document: _each(document, "task_instances", _task), absent=404)

    def marks(self, dag_id: str, run_id: str) -> tuple[UserMark, ...]:
        """Who used Airflow's buttons on it, newest first, from Airflow's event log."""
        query = {"dag_id": dag_id, "run_id": run_id, "order_by": "-when", "limit": _RECENT}
        marks = self._read("/eventLogs", lambda document: _each(document, "event_logs", _mark), params=query)
        return tuple(mark for mark in marks if mark.event in _MARKS)

    def is_paused(self, dag_id: str) -> bool:
        """Is the DAG paused? Not if Airflow does not know it, such as the DAG of a product with mistakes."""

        def paused(document: responses.Document) -> bool:
            return bool(document) and responses.boolean(document, "is_paused")

        return self._read(f"/dags/{dag_id}", paused, absent=404)

    def queued(self, dag_id: str) -> tuple[QueuedRun, ...]:
        """Queued runs, the longest waiting first; at most 20."""
        query = {"state": "queued", "order_by": "run_after", "limit": _QUEUED}
        path = f"/dags/{dag_id}/dagRuns"
        return self._read(path, lambda document: _each(document, "dag_runs", _queued_run), params=query, absent=404)

    def delete_ended(self, dag_id: str, *, before: datetime, limit: int) -> int:
        """Delete the DAG's oldest ended runs that were due before this moment, at most `limit`. Returns their
        number."""
        old = {"run_after_lt": before.isoformat(), "order_by": "run_after", "limit": limit}
        query: dict[str, Any] = {**old, "state": ["success", "failed"]}
        path = f"/dags/{dag_id}/dagRuns"
        ended = self._read(path, lambda document: _each(document, "dag_runs", _run_id), params=query, absent=404)
        for run_id in ended:
            self._change("DELETE", _path(dag_id, run_id), of=run_id, accept=204)
        return len(ended)

    def succeeded(self, dag_id: str, slug: str) -> tuple[str, ...]:
        """The ids of the newest successful runs for this slug; at most 20."""
        query = {
            "state": "success",
            "conf_contains": json.dumps({"slug": slug})[1:-1],
            "order_by": "-run_after",
            "limit": _SUCCEEDED,
        }
        path = f"/dags/{dag_id}/dagRuns"
        found = self._read(path, lambda document: _each(document, "dag_runs", _run_and_slug), params=query, absent=404)
        return tuple(run_id for run_id, requested_slug in found if requested_slug == slug)

    def unhealthy_components(self) -> tuple[str, ...]:
        """The components of Airflow without a recent heartbeat, by its own health report."""
        return self._health("/monitor/health", _silent, read_seconds=_HEALTH_SECONDS)


def _path(dag_id: str, run_id: str) -> str:
    return f"/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}"


def _each(document: responses.Document, key: str, decode: Callable[[responses.Document], _T]) -> tuple[_T, ...]:
    """The list of objects under the key; empty if there is none."""
    return tuple(decode(entry) for entry in responses.objects(document, key)) if document else ()


def _run(document: responses.Document) -> RunStatus:
    return RunStatus(responses.text(document, "state"), responses.optional_timestamp(document, "end_date"))


def _changed(document: responses.Document) -> None:
    """Airflow answers with the run that it changed, or the tasks that it cleared."""
    if not {"dag_run_id", "task_instances"} & document.keys():
        raise ValueError("neither a run nor tasks")


def _run_id(document: responses.Document) -> str:
    return responses.text(document, "dag_run_id")


def _run_and_slug(document: responses.Document) -> tuple[str, str]:
    return _run_id(document), str(responses.optional_object(document, "conf").get("slug", ""))


def _task(document: responses.Document) -> TaskStatus:
    fields = ("scheduled_when", "queued_when", "start_date", "end_date")
    moments = (responses.optional_timestamp(document, field) for field in fields)
    return TaskStatus(responses.optional_text(document, "state"), max((each for each in moments if each), default=None))


def _mark(document: responses.Document) -> UserMark:
    user = responses.optional_text(document, "owner") or SOMEBODY
    return UserMark(responses.text(document, "event"), user, responses.timestamp(document, "when"))


def _queued_run(document: responses.Document) -> QueuedRun:
    slug = responses.optional_object(document, "conf").get("slug", "")
    dag_id, run_id = responses.text(document, "dag_id"), responses.text(document, "dag_run_id")
    return QueuedRun(run_id, str(slug), responses.timestamp(document, "queued_at"), dag_id)


def _silent(document: responses.Document) -> tuple[str, ...]:
    return tuple(
        part
        for part in document
        if responses.optional_text(responses.optional_object(document, part), "status") == "unhealthy"
    )
