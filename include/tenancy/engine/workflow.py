"""Brings the workflow engine in line with the ledger: starts, ends and clears runs, and starts compensation runs.

`sync_workflow_engine` reads from the saga which runs are needed. Actions call it right after they are recorded; the
reconciler calls it again if that failed. It may be called at any time: every step is idempotent or checks first.

A Cancel, a Decommission or a failure starts an unwinding; the unwinding compensates each activity, which releases the
resources that the activity made. A compensation run is the run in Airflow that does this.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import uuid4

from tenancy.adapters.airflow_runs import QueuedRun, RunStatus, TaskStatus, UserMark
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import LedgerSession
from tenancy.saga.commands import RecordHistoryCleared
from tenancy.saga.errors import PermanentError, PlatformError, TransientError
from tenancy.saga.names import RunId
from tenancy.saga.states import Phase, State
from tenancy.saga.tenant import Saga
from tenancy.saga.unwinding_rules import is_to_be_unwound

COMPENSATION_DAG: Final = "tenant_compensation"


class Runs(Protocol):
    """The workflow engine's runs (adapters/airflow_runs.py, tests/contract/fake_runs.py)."""

    @property
    def user(self) -> str: ...
    def identity(self, *, make: bool = False) -> str: ...
    def find(self, dag_id: str, run_id: str) -> RunStatus | None: ...
    def start(self, dag_id: str, run_id: str, conf: dict[str, Any]) -> bool: ...
    def fail(self, dag_id: str, run_id: str) -> None: ...
    def clear_history(self, dag_id: str, run_id: str) -> None: ...
    def rerun(self, dag_id: str, run_id: str) -> None: ...
    def tasks(self, dag_id: str, run_id: str) -> Iterable[TaskStatus]: ...
    def marks(self, dag_id: str, run_id: str) -> Iterable[UserMark]: ...
    def is_paused(self, dag_id: str) -> bool: ...
    def queued(self, dag_id: str) -> Iterable[QueuedRun]: ...
    def delete_ended(self, dag_id: str, *, before: datetime, limit: int) -> int: ...
    def succeeded(self, dag_id: str, slug: str) -> Iterable[str]: ...
    def unhealthy_components(self) -> Iterable[str]: ...


def new_run_id(slug: str) -> RunId:
    """A new id for an attempt's run. It is recorded before the run is triggered, so that no run is unknown."""
    return RunId(f"tenancy__{slug}__{uuid4().hex[:12]}")


def compensation_run_id(saga: Saga) -> str:
    """The id of this generation's compensation run. Each generation has its own: Airflow refuses a used id with 409."""
    return f"compensate__{saga.tenant_id}__{saga.attempt}__{saga.generation}"


def sync_workflow_engine(
    runs: Callable[[], Runs], ledger: LedgerSession, saga: Saga, *, stamp: Stamp
) -> tuple[str, ...]:
    """Bring the workflow engine in line with the ledger. Returns a warning if that is not possible yet.

    `runs` opens the engine (engine_identity.py), and is called in here on purpose: if that fails, or another engine
    answers, the caller's action is still recorded, and only a warning may follow. It is called only when needed.
    """
    try:
        if _is_unchanged(ledger, saga):
            _bring_in_line(runs, ledger, saga, stamp)
    except TransientError as error:
        return (f"It is recorded, and continues by itself within a minute of the engine's return. {error}",)
    except (PermanentError, PlatformError) as error:
        return (f"It is recorded, but the workflow engine does not follow: {error}",)
    return ()


def _bring_in_line(runs: Callable[[], Runs], ledger: LedgerSession, saga: Saga, stamp: Stamp) -> None:
    if is_to_be_unwound(saga):
        _end_and_compensate(runs(), saga)
    elif saga.state is State.PROVISIONING and not saga.current_attempt.has_begun:
        runs().start(saga.dag_id, saga.run_id, saga.parameters.conf)
    elif saga.phase is Phase.FAILED_READY and not saga.current_attempt.history_cleared:
        _clear_history(runs(), ledger, saga, stamp)


def _end_and_compensate(runs: Runs, saga: Saga) -> None:
    try:
        runs.fail(saga.dag_id, saga.run_id)
    finally:  # even if the run cannot be ended in Airflow, the ledger fences its tasks
        start_compensation(runs, saga)


def _clear_history(runs: Runs, ledger: LedgerSession, saga: Saga, stamp: Stamp) -> None:
    """Clear the run's history. Checked before each step, because a retry may reuse the run meanwhile."""
    runs.fail(saga.dag_id, saga.run_id)
    if _is_unchanged(ledger, saga):
        runs.clear_history(saga.dag_id, saga.run_id)
        ledger.record(saga.tenant_id, RecordHistoryCleared(), stamp=stamp)


def _is_unchanged(ledger: LedgerSession, saga: Saga) -> bool:
    """Is the tenant's state still the one that the decision was based on?"""
    now = ledger.saga(saga.tenant_id)
    return now is not None and (now.phase, now.attempt, now.generation) == (saga.phase, saga.attempt, saga.generation)


def start_compensation(runs: Runs, saga: Saga) -> None:
    """Start this generation's compensation run, unless it exists.

    Airflow then runs dags/tenant_compensation.py, whose one task calls `unwind` in engine/recovery/unwind.py.
    """
    conf = {
        "tenant_id": str(saga.tenant_id),
        "attempt": saga.attempt,
        "generation": saga.generation,
        "purpose": _purpose(saga),
    }
    runs.start(COMPENSATION_DAG, compensation_run_id(saga), conf)


def _purpose(saga: Saga) -> str:
    return {State.CANCELLING: "cancel", State.DECOMMISSIONING: "decommission"}.get(saga.state, "failure")
