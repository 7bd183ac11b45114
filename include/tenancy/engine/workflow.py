"""What the saga wants of the workflow engine: an attempt's run, its end, its history cleared, a compensation run.

The ledger says what is wanted; `pursue` makes the engine follow. It may be called again at any time, by an action right
after it was recorded and by the reconciler when that did not succeed: every step looks first, or may be done twice.
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
from tenancy.saga.states import Phase, State, StepStatus
from tenancy.saga.tenant import Saga
from tenancy.saga.unwinding import is_to_be_unwound

PROVISIONING_DAG: Final = "tenant_provisioning"
COMPENSATION_DAG: Final = "tenant_compensation"


class Runs(Protocol):
    """The workflow engine's runs (adapters/airflow_runs.py, tests/contract/fake_runs.py)."""

    @property
    def user(self) -> str: ...
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
    """The id of an attempt's run, recorded before it is triggered."""
    return RunId(f"tenancy__{slug}__{uuid4().hex[:12]}")


def compensation_run_id(saga: Saga) -> str:
    """One run a generation: an ended one is never asked to run again (Airflow answers 409 for ever)."""
    return f"compensate__{saga.tenant_id}__{saga.attempt}__{saga.generation}"


def has_begun(saga: Saga) -> bool:
    """Has any task of this attempt acted?"""
    return any(step.status is not StepStatus.IDLE for step in saga.steps.values())


def sync_workflow_engine(
    runs: Callable[[], Runs], ledger: LedgerSession, saga: Saga, *, stamp: Stamp
) -> tuple[str, ...]:
    """Make the workflow engine follow the ledger; sentences about what could not be done yet, none when all was.

    The way to the engine is opened in here: that it cannot be found must not hide that something was recorded.
    """
    try:
        if _still(ledger, saga):
            _follow(runs(), ledger, saga, stamp)
    except TransientError as error:
        return (f"It is recorded, and goes on by itself within a minute of the engine's return. {error}",)
    except (PermanentError, PlatformError) as error:
        return (f"It is recorded, but the workflow engine does not follow: {error}",)
    return ()


def _follow(runs: Runs, ledger: LedgerSession, saga: Saga, stamp: Stamp) -> None:
    if is_to_be_unwound(saga):
        try:
            runs.fail(PROVISIONING_DAG, saga.run_id)
        finally:  # a run that cannot be marked is fenced by the ledger all the same
            start_compensation(runs, saga)
    elif saga.state is State.PROVISIONING and not has_begun(saga):
        runs.start(PROVISIONING_DAG, saga.run_id, vars(saga.parameters))
    elif saga.phase is Phase.FAILED_READY and not saga.history_cleared:
        _clear_history(runs, ledger, saga, stamp)


def _clear_history(runs: Runs, ledger: LedgerSession, saga: Saga, stamp: Stamp) -> None:
    """A cleared run keeps its id: each step only while it has not been retried meanwhile."""
    runs.fail(PROVISIONING_DAG, saga.run_id)
    if _still(ledger, saga):
        runs.clear_history(PROVISIONING_DAG, saga.run_id)
        ledger.record(saga.tenant_id, RecordHistoryCleared(), stamp=stamp)


def _still(ledger: LedgerSession, saga: Saga) -> bool:
    """Is it what it was when somebody decided what to do?"""
    now = ledger.saga(saga.tenant_id)
    return now is not None and (now.phase, now.attempt, now.generation) == (saga.phase, saga.attempt, saga.generation)


def start_compensation(runs: Runs, saga: Saga) -> None:
    """Start the run that undoes this generation, unless it is there."""
    conf = {
        "tenant_id": str(saga.tenant_id),
        "attempt": saga.attempt,
        "generation": saga.generation,
        "purpose": _purpose(saga),
    }
    runs.start(COMPENSATION_DAG, compensation_run_id(saga), conf)


def _purpose(saga: Saga) -> str:
    return {State.CANCELLING: "cancel", State.DECOMMISSIONING: "decommission"}.get(saga.state, "failure")
