"""Late effects: requests of ended processes that may still take effect, computed from the tenant's facts. Pure.

Why: a process that was killed, or got no answer, may have sent a request that the system still carries out. If the
tenant settled before, a resource would appear that nobody owns. So settling waits. A process cannot have sent a request
after the fact that fenced it; from then on the system's own limit counts (`Activity.late_seconds`). A process that got
an answer has no request left, and a resource that exists is not about to be created.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tenancy.ledger.envelope import Envelope
from tenancy.saga import facts as f
from tenancy.saga.causes import Cause
from tenancy.saga.names import ActivityName

_ANSWERED: Final = frozenset({Cause.CLUSTER_WEBHOOK, Cause.CLUSTER_ENDING, Cause.CLUSTER_QUOTA, Cause.LOCK_HELD})
"""Causes of transient errors after which no request is left: the system has answered, or nothing was sent."""
_FENCES: Final = (
    f.AttemptStarted,
    f.CancelRequested,
    f.DecommissionRequested,
    f.ProvisioningFailed,
    f.RunReset,
)


@dataclass(frozen=True)
class PendingRequest:
    """A request of one process that may still be carried out. It has no effect after `until`."""

    activity: ActivityName
    until: datetime


def pending_requests(
    envelopes: Iterable[Envelope], late_seconds: Mapping[ActivityName, float], now: datetime
) -> tuple[PendingRequest, ...]:
    """The requests that may still take effect, in the order in which they were sent."""
    found: list[PendingRequest] = []
    running: set[ActivityName] = set()
    for envelope in envelopes:
        ended = _ended_by(envelope.fact, running)
        found += [PendingRequest(name, envelope.at + timedelta(seconds=late_seconds.get(name, 0.0))) for name in ended]
    return tuple(each for each in found if each.until > now)


def _ended_by(fact: f.Fact, running: set[ActivityName]) -> tuple[ActivityName, ...]:
    """The activities whose process this fact ends before its system has answered. Updates `running`."""
    match fact:
        case f.ActivityStarted(activity=activity):
            superseded = (activity,) if activity in running else ()
            running.add(activity)
            return superseded
        case f.ActivityCompleted(activity=activity):
            running.discard(activity)
        case f.ActivityFailed(activity=activity):
            running.discard(activity)
            return () if _is_answered(fact) else (activity,)
        case _ if isinstance(fact, _FENCES):
            ended = tuple(sorted(running))
            running.clear()
            return ended
    return ()


def _is_answered(fact: f.ActivityFailed) -> bool:
    return fact.platform or fact.permanent or fact.cause in _ANSWERED


def earliest_settling(pending: Collection[PendingRequest], made: Collection[ActivityName]) -> datetime | None:
    """Until when settling has to wait; None if it need not.

    `made`: activities whose late resources have just been observed to exist. If an activity has one request pending,
    that request is done; if it has two, the second may still create the resource again.
    """
    alone = {name for name in made if sum(each.activity == name for each in pending) == 1}
    return max((each.until for each in pending if each.activity not in alone), default=None)
