"""What an overdue tenant needs, given what Airflow says of its runs. Pure: looking and doing are reconcile.py's."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from tenancy.adapters.airflow_runs import RunStatus
from tenancy.engine.workflow import has_begun
from tenancy.saga.states import Phase, State
from tenancy.saga.tenant import Saga
from tenancy.saga.unwinding import is_to_be_unwound

CALLBACK_SECONDS: Final = 75.0
"""How long a failure callback may take to undo: task_success_overtime (60 s) and a margin. One that holds the lock for
longer without a word has been stopped."""
RUN_GRACE_SECONDS: Final = 20.0
"""How long Airflow may take to show what somebody has just triggered, or to end what has ended."""


class Correction(Enum):
    """What to do about a suspect."""

    NOTHING = auto()
    PURSUE = auto()
    """Make Airflow follow the ledger again."""
    RENEW = auto()
    """The compensation run ended without an end in the ledger: the next generation takes over."""
    LOST = auto()
    """The run of an attempt that has begun is gone: give the attempt up."""
    MISSED = auto()
    """The run ended and no callback said so: give up for it."""
    RESUME = auto()
    """The run ended well, and the ledger does not know it: it is older than the world. The attempt goes on, and from
    here on nothing undoes it but a person."""
    TRY_AGAIN = auto()
    """The run ended because of the platform: let it go on, for the platform may be mended."""
    KEEP = auto()
    """It would be undone, and Airflow knows of a later life of it than the ledger: keep everything, for a person."""
    LOOK = auto()
    """The run that has to go on lives: find out whether it is held, and by what."""


@dataclass(frozen=True)
class RunObservation:
    """What Airflow has: the attempt's run, and the compensation run of the newest generation."""

    run: RunStatus | None
    compensation: RunStatus | None = None
    ended_seconds: float = 0.0
    """How long ago the attempt's run ended."""
    undoing: bool = False
    """Does somebody who undoes it hold its lock? A dead process holds none."""
    marked: bool = False
    """Did somebody mark the attempt's run or a task of it by hand?"""
    rerun: bool = False
    """Did we clear the attempt's run once already?"""


def destroys(correction: Correction, saga: Saga) -> bool:
    """Does this move undo the tenant, or go on with that?"""
    return correction in {Correction.LOST, Correction.MISSED, Correction.RENEW} or (
        correction is Correction.PURSUE and is_to_be_unwound(saga)
    )


def next_correction(saga: Saga, observation: RunObservation, silent_seconds: float) -> Correction:
    """The move for a tenant whose last fact is `silent_seconds` old."""
    if is_to_be_unwound(saga):
        return _of_unwinding(saga, observation, silent_seconds)
    if saga.state is State.PROVISIONING:
        return _of_provisioning(saga, observation)
    return Correction.PURSUE if saga.phase is Phase.FAILED_READY and not saga.history_cleared else Correction.NOTHING


def _of_unwinding(saga: Saga, observation: RunObservation, silent_seconds: float) -> Correction:
    if observation.compensation is None:
        by_callback = observation.undoing and silent_seconds < CALLBACK_SECONDS
        return Correction.NOTHING if by_callback else Correction.PURSUE
    if observation.compensation.is_live:
        return Correction.LOOK if observation.compensation.state == "queued" or saga.hold_reason else Correction.NOTHING
    if saga.exhausted_generation == saga.generation:
        return Correction.NOTHING  # for a person: Decommission may be asked for again
    return Correction.RENEW if silent_seconds > RUN_GRACE_SECONDS else Correction.NOTHING


def _of_provisioning(saga: Saga, observation: RunObservation) -> Correction:
    if observation.run is None:
        return Correction.LOST if has_begun(saga) else Correction.PURSUE
    if observation.run.is_live:
        return Correction.LOOK
    if observation.ended_seconds <= RUN_GRACE_SECONDS:
        return Correction.NOTHING
    if saga.platform_fault:
        return Correction.TRY_AGAIN
    by_itself = observation.run.state == "success" and not observation.marked
    # That we cleared its run counts only with a ledger that knows of it: an older one may have been restored since.
    in_vain = saga.resumed and observation.rerun
    return Correction.RESUME if by_itself and not in_vain else Correction.MISSED
