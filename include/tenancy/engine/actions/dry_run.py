"""Dry runs: an action is performed by its own code and rolled back. Called by the JSON API.

`for_dry_run` returns a Tenancy whose ledger sessions are rolled back when they close, and whose workflow engine does
nothing. So a dry run decides exactly as the action would, and leaves nothing behind. Airflow is not asked.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from tenancy.adapters.airflow_runs import QueuedRun, RunStatus, TaskStatus, UserMark
from tenancy.engine.tenancy import Tenancy
from tenancy.engine.workflow import Runs
from tenancy.ledger.ledger import Ledger, LedgerSession


def for_dry_run(tenancy: Tenancy) -> Tenancy:
    """The same platform, but what is recorded is rolled back, and requests to the workflow engine are dropped."""
    return replace(tenancy, ledger=_RehearsalLedger(tenancy.ledger), runs=_idle_runs, asks_engine=False)


def _idle_runs() -> Runs:
    return _IdleRuns()


class _RehearsalLedger(Ledger):
    """The ledger, every session of it inside one transaction that is rolled back."""

    def __init__(self, ledger: Ledger) -> None:
        self._real = ledger

    @contextmanager
    def open(self, application: str) -> Iterator[LedgerSession]:
        with self._real.open(application) as session, session.dry_run():
            yield session


class _IdleRuns:
    """A workflow engine that has no runs, is well, and starts nothing."""

    @property
    def user(self) -> str:
        return "nobody"

    def identity(self, *, make: bool = False) -> str:  # noqa: ARG002
        return ""

    def find(self, dag_id: str, run_id: str) -> RunStatus | None:  # noqa: ARG002
        return None

    def start(self, dag_id: str, run_id: str, conf: dict[str, Any]) -> bool:  # noqa: ARG002
        return True

    def fail(self, dag_id: str, run_id: str) -> None: ...
    def clear_history(self, dag_id: str, run_id: str) -> None: ...
    def rerun(self, dag_id: str, run_id: str) -> None: ...

    def tasks(self, dag_id: str, run_id: str) -> tuple[TaskStatus, ...]:  # noqa: ARG002
        return ()

    def marks(self, dag_id: str, run_id: str) -> tuple[UserMark, ...]:  # noqa: ARG002
        return ()

    def succeeded(self, dag_id: str, slug: str) -> tuple[str, ...]:  # noqa: ARG002
        return ()

    def is_paused(self, dag_id: str) -> bool:  # noqa: ARG002
        return False

    def queued(self, dag_id: str) -> tuple[QueuedRun, ...]:  # noqa: ARG002
        return ()

    def delete_ended(self, dag_id: str, *, before: datetime, limit: int) -> int:  # noqa: ARG002
        return 0

    def unhealthy_components(self) -> tuple[str, ...]:
        return ()
