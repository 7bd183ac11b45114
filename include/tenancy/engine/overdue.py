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


class Move(Enum):
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
class Seen:
    """What Airflow has: the attempt's run, and the compensation run of the newest generation."""

    run: RunStatus | None
    compensation: RunStatus | None = None
    ended_seconds: float = 0.0
    """How long ago the attempt's run ended."""
    undoing: bool = False
    """Does somebody who undoes it hold its lock? A dead process holds none."""
    marked: bool = False
    """Did somebody mark the attempt's run or a task of it by hand?"""
    run_again: bool = False
    """Did we clear the attempt's run once already?"""


def destroys(move: Move, saga: Saga) -> bool:
    """Does this move undo the tenant, or go on with that?"""
    return move in {Move.LOST, Move.MISSED, Move.RENEW} or (move is Move.PURSUE and is_to_be_unwound(saga))


def next_move(saga: Saga, seen: Seen, silent_seconds: float) -> Move:
    """The move for a tenant whose last fact is `silent_seconds` old."""
    if is_to_be_unwound(saga):
        return _of_unwinding(saga, seen, silent_seconds)
    if saga.state is State.PROVISIONING:
        return _of_provisioning(saga, seen)
    return Move.PURSUE if saga.phase is Phase.FAILED_READY and not saga.history_cleared else Move.NOTHING


def _of_unwinding(saga: Saga, seen: Seen, silent_seconds: float) -> Move:
    if seen.compensation is None:
        by_callback = seen.undoing and silent_seconds < CALLBACK_SECONDS
        return Move.NOTHING if by_callback else Move.PURSUE
    if seen.compensation.live:
        return Move.LOOK if seen.compensation.state == "queued" or saga.hold_reason else Move.NOTHING
    if saga.exhausted_generation == saga.generation:
        return Move.NOTHING  # for a person: Decommission may be asked for again
    return Move.RENEW if silent_seconds > RUN_GRACE_SECONDS else Move.NOTHING


def _of_provisioning(saga: Saga, seen: Seen) -> Move:
    if seen.run is None:
        return Move.LOST if has_begun(saga) else Move.PURSUE
    if seen.run.live:
        return Move.LOOK
    if seen.ended_seconds <= RUN_GRACE_SECONDS:
        return Move.NOTHING
    if saga.platform_fault:
        return Move.TRY_AGAIN
    by_itself = seen.run.state == "success" and not seen.marked
    # That we cleared its run counts only with a ledger that knows of it: an older one may have been restored since.
    in_vain = saga.resumed and seen.run_again
    return Move.RESUME if by_itself and not in_vain else Move.MISSED
