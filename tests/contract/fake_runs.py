"""Airflow's runs in memory. It passes the same contract as the real ones (runs_contract.py)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tenancy.adapters.airflow_runs import QueuedRun, RunStatus, TaskStatus, UserMark
from tenancy.saga.errors import TransientError


class FakeRuns:
    """Runs by DAG and id. While `away`, no call is answered."""

    user = "tenancy-service"

    def __init__(self, system: str = "airflow:fake") -> None:
        self.system = system
        self.asked_for_identity = 0
        self.stored: dict[tuple[str, str], RunStatus] = {}
        self.confs: dict[tuple[str, str], dict[str, Any]] = {}
        self.cleared: list[str] = []
        self.states: dict[str, tuple[str, ...]] = {}
        """Of tasks by run; they have none yet where nothing is said."""
        self.moved_at: datetime | None = None
        self.due: dict[str, datetime] = {}
        """When a run was to begin; now where nothing is said."""
        self.made_marks: dict[str, tuple[UserMark, ...]] = {}
        self.paused: set[str] = set()
        self.silent: tuple[str, ...] = ()
        self.away = False
        self.broken = ""
        """A run that nobody gets an answer about."""

    def identity(self, *, make: bool = False) -> str:
        with self._call():
            self.asked_for_identity += 1
            self.system = self.system or ("airflow:made" if make else "")
            return self.system

    def find(self, dag_id: str, run_id: str) -> RunStatus | None:
        with self._call():
            if run_id == self.broken:
                raise TransientError("The workflow engine answered 500.")
            return self.stored.get((dag_id, run_id))

    def start(self, dag_id: str, run_id: str, conf: dict[str, Any]) -> bool:
        with self._call():
            self.confs.setdefault((dag_id, run_id), conf)
            return self.stored.setdefault((dag_id, run_id), status := RunStatus("queued")) is status

    def fail(self, dag_id: str, run_id: str) -> None:
        with self._call():
            if run_id == self.broken:
                raise TransientError("The workflow engine answered 500.")
            status = self.stored.get((dag_id, run_id))
            if status is not None and status.is_live:
                self.end(dag_id, run_id, "failed")

    def clear_history(self, dag_id: str, run_id: str) -> None:
        with self._call():
            self.cleared.append(run_id)

    def rerun(self, dag_id: str, run_id: str) -> None:
        with self._call():
            if (dag_id, run_id) in self.stored:
                self.stored[dag_id, run_id] = RunStatus("queued")
                mark = UserMark("clear_dag_run", self.user, datetime.now(UTC))
                self.made_marks[run_id] = (mark, *self.made_marks.get(run_id, ()))

    def tasks(self, dag_id: str, run_id: str) -> tuple[TaskStatus, ...]:
        with self._call():
            usual = ("",) if (dag_id, run_id) in self.stored else ()
            return tuple(TaskStatus(state, self.moved_at) for state in self.states.get(run_id, usual))

    def marks(self, dag_id: str, run_id: str) -> tuple[UserMark, ...]:
        with self._call():
            return self.made_marks.get(run_id, ())

    def is_paused(self, dag_id: str) -> bool:
        with self._call():
            return dag_id in self.paused

    def queued(self, dag_id: str) -> tuple[QueuedRun, ...]:
        with self._call():
            return tuple(
                QueuedRun(run_id, str(self.confs.get((dag, run_id), {}).get("slug", "")), datetime.now(UTC), dag)
                for (dag, run_id), status in self.stored.items()
                if dag == dag_id and status.state == "queued"
            )

    def delete_ended(self, dag_id: str, *, before: datetime, limit: int) -> int:
        with self._call():
            ended = [
                (dag, run_id)
                for (dag, run_id), status in self.stored.items()
                if dag == dag_id and not status.is_live and self.due.get(run_id, datetime.now(UTC)) < before
            ]
            for key in ended[:limit]:
                del self.stored[key]
            return len(ended[:limit])

    def succeeded(self, dag_id: str, slug: str) -> tuple[str, ...]:
        with self._call():
            return tuple(
                run_id
                for (dag, run_id), status in self.stored.items()
                if dag == dag_id and status.state == "success" and self.confs.get((dag, run_id), {}).get("slug") == slug
            )

    def unhealthy_components(self) -> tuple[str, ...]:
        with self._call():
            return self.silent

    # -- what Airflow and people do

    def end(self, dag_id: str, run_id: str, state: str) -> None:
        """The run is in this state now."""
        known = self.stored.get((dag_id, run_id), RunStatus("running"))
        self.stored[dag_id, run_id] = replace(known, state=state, ended_at=datetime.now(UTC))

    def of(self, dag_id: str) -> list[str]:
        """The ids of a DAG's runs, in order."""
        return [run_id for dag, run_id in self.stored if dag == dag_id]

    @contextmanager
    def _call(self) -> Iterator[None]:
        if self.away:
            raise TransientError("The workflow engine does not respond.")
        yield
