"""Overdue tenants: which correction one needs, given the state of its runs in Airflow. Pure.

reconcile.py observes the runs and carries the correction out.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from tenancy.adapters.airflow_runs import RunStatus
from tenancy.saga.states import Phase, State
from tenancy.saga.tenant import Saga
from tenancy.saga.unwinding_rules import is_to_be_unwound

CALLBACK_SECONDS: Final = 75.0
"""How long a failure callback may take to unwind: Airflow's task_success_overtime (60 s) and a margin. If the lock is
held for longer without a new fact, the callback has been stopped."""
RUN_GRACE_SECONDS: Final = 20.0
"""How long Airflow may take until a triggered run is visible, or until the callbacks of an ended run are done."""


class Correction(Enum):
    """What to do about an overdue tenant. The names appear in the summary of a pass."""

    NOTHING = auto()
    PURSUE = auto()
    """Bring Airflow in line with the ledger again."""
    RENEW = auto()
    """The compensation run ended without recording an outcome: start the next generation."""
    LOST = auto()
    """The run of an attempt that has begun no longer exists: give the attempt up."""
    MISSED = auto()
    """The run ended and no callback has recorded it: give the attempt up."""
    RESUME = auto()
    """The run succeeded and the ledger does not know it: the ledger was restored from an older backup. The attempt
    continues, and from here on only a person may destroy its resources."""
    TRY_AGAIN = auto()
    """The run ended because of a platform fault: clear it, since the fault may be repaired."""
    KEEP = auto()
    """It would be unwound, but the ledger seems older than the outside world (restored_ledger.py): keep everything for
    a person."""
    LOOK = auto()
    """The run exists and has not ended: find out whether it is held, and why."""


@dataclass(frozen=True)
class RunObservation:
    """The tenant's runs in Airflow: the attempt's run, and the compensation run of the newest generation."""

    run: RunStatus | None
    compensation: RunStatus | None = None
    ended_seconds: float = 0.0
    """How long ago the attempt's run ended."""
    undoing: bool = False
    """Does an unwinding process hold its lock? A dead process holds none."""
    marked: bool = False
    """Did somebody mark the attempt's run or a task of it in Airflow?"""
    rerun: bool = False
    """Has our own user already cleared the attempt's run?"""


def destroys(correction: Correction, saga: Saga) -> bool:
    """Does this move undo the tenant, or go on with that?"""
    return correction in {Correction.LOST, Correction.MISSED, Correction.RENEW} or (
        correction is Correction.PURSUE and is_to_be_unwound(saga)
    )


def next_correction(saga: Saga, observation: RunObservation, silent_seconds: float) -> Correction:
    """The step for a tenant whose last fact is `silent_seconds` old."""
    if is_to_be_unwound(saga):
        return _of_unwinding(saga, observation, silent_seconds)
    if saga.state is State.PROVISIONING:
        return _of_provisioning(saga, observation)
    is_reset = saga.phase is Phase.FAILED_READY
    return Correction.PURSUE if is_reset and not saga.current_attempt.history_cleared else Correction.NOTHING


def _of_unwinding(saga: Saga, observation: RunObservation, silent_seconds: float) -> Correction:
    if observation.compensation is None:
        by_callback = observation.undoing and silent_seconds < CALLBACK_SECONDS
        return Correction.NOTHING if by_callback else Correction.PURSUE
    if observation.compensation.is_live:
        return Correction.LOOK if observation.compensation.state == "queued" or saga.hold.reason else Correction.NOTHING
    if saga.unwinding.is_exhausted:
        return Correction.NOTHING  # a person decides: Decommission may be repeated
    return Correction.RENEW if silent_seconds > RUN_GRACE_SECONDS else Correction.NOTHING


def _of_provisioning(saga: Saga, observation: RunObservation) -> Correction:
    if observation.run is None:
        return Correction.LOST if saga.current_attempt.has_begun else Correction.PURSUE
    if observation.run.is_live:
        return Correction.LOOK
    if observation.ended_seconds <= RUN_GRACE_SECONDS:
        return Correction.NOTHING
    if saga.hold.platform_fault:
        return Correction.TRY_AGAIN
    by_itself = observation.run.state == "success" and not observation.marked
    # "Already cleared" counts only if the ledger has recorded it: an older ledger may have been restored since.
    in_vain = saga.current_attempt.resumed and observation.rerun
    return Correction.RESUME if by_itself and not in_vain else Correction.MISSED
