"""What happened since a recovery began, read from the tenant's facts. Pure; recovery_policy.py decides by it.

A recovery keeps no state of its own: it is known by the number of the tenant's newest fact when it began. So a closed
dialog and a killed command can continue it, and a new one can begin at any point.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tenancy.ledger.envelope import Envelope
from tenancy.ledger.interventions import newest_intervention_since
from tenancy.saga import facts as f
from tenancy.saga.evolve import fold
from tenancy.saga.names import ActivityName
from tenancy.saga.states import Phase
from tenancy.saga.tenant import Failure, Saga

RECONCILER: Final = "reconciler"
"""It finishes what others began, so what it does is no intervention."""
_ACTIONS: Final[dict[type[f.Fact], str]] = {f.CancelRequested: "cancel", f.RunReset: "reset", f.RetryRequested: "retry"}
_PROGRESS: Final = (
    f.CancelRequested,
    f.UnwindingStarted,
    f.ResourceReleasing,
    f.ResourceReleased,
    f.ResourceFoundAgain,
    f.CompensationFailed,
)
"""The facts that show that an unwinding moves. A stall and its cause are recorded while it does not."""


@dataclass(frozen=True)
class RecoveryHistory:
    """What happened since the recovery began."""

    began_in: Phase
    attempt: int
    """The attempt when it began."""
    actions: tuple[str, ...] = ()
    """The actions that it took, oldest first."""
    intervention: str = ""
    """What somebody else did since, as a sentence; empty if nobody acted."""
    cancels: int = 0
    """How often the newest attempt was cancelled since."""
    stuck_was_cancelled: bool = False
    """Whether a cancel since has tried again to release what was stuck."""
    failures: tuple[Failure, ...] = ()
    """The attempts that failed since."""
    previous_end: Failure | None = None
    """Where the attempt before the newest one ended. Its message is empty if it stalled there and was cancelled."""
    progressed_at: datetime | None = None
    """When the tenant's unwinding last moved."""


def recovery_history(envelopes: Sequence[Envelope], began_at: int, actor: str) -> RecoveryHistory:
    """The history of the recovery that `actor` began. `began_at`: the number of the newest fact then, from 1."""
    start, saga = _saga_at(envelopes, began_at), _saga_at(envelopes, len(envelopes))
    since = envelopes[began_at:]
    cancels = [each for each in since if isinstance(each.fact, f.CancelRequested)]
    others = newest_intervention_since(envelopes, began_at, except_by={actor, RECONCILER})
    return RecoveryHistory(
        began_in=start.phase,
        attempt=start.attempt,
        actions=tuple(_ACTIONS[type(each.fact)] for each in since if type(each.fact) in _ACTIONS),
        intervention=str(others) if others else "",
        cancels=sum(each.attempt == saga.attempt for each in cancels),
        stuck_was_cancelled=any(_saga_at(envelopes, each.seq - 1).phase is Phase.FAILED_STUCK for each in cancels),
        failures=saga.failures[len(start.failures) :],
        previous_end=_end_of(saga.attempt - 1, saga, envelopes, cancels),
        progressed_at=max((each.at for each in envelopes if isinstance(each.fact, _PROGRESS)), default=None),
    )


def _end_of(attempt: int, saga: Saga, envelopes: Sequence[Envelope], cancels: Sequence[Envelope]) -> Failure | None:
    failed = next((each for each in reversed(saga.failures) if each.attempt == attempt), None)
    cancel = next((each for each in cancels if each.attempt == attempt), None)
    if failed or cancel is None:
        return failed
    stalled_at = _saga_at(envelopes, cancel.seq - 1).current_activity
    return Failure(attempt, stalled_at or ActivityName(""), "")


def _saga_at(envelopes: Sequence[Envelope], seq: int) -> Saga:
    saga = fold(each.fact for each in envelopes[:seq])
    assert saga is not None  # a stream has a first fact
    return saga
