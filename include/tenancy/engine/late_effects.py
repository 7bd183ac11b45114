"""Which requests of ended processes may still take effect, by the tenant's facts: what settling has to wait for. Pure.

A process that was killed, stopped or left without an answer may have sent a request that its system goes on with. It
cannot have sent one after the fact that fenced it; from then on the system's own limit counts (`late_seconds`). Whoever
got an answer has nothing under way, and what was seen to exist is no longer to be made.
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
"""Of errors that may pass: those in which the system told the end of the request, or nothing was sent."""
_FENCES: Final = (
    f.AttemptStarted,
    f.CancelRequested,
    f.DecommissionRequested,
    f.ProvisioningFailed,
    f.RunReset,
)


@dataclass(frozen=True)
class InFlight:
    """One process's request that may be under way; nothing of it shows after `until`."""

    activity: ActivityName
    until: datetime


def in_flight(
    envelopes: Iterable[Envelope], late_seconds: Mapping[ActivityName, float], now: datetime
) -> tuple[InFlight, ...]:
    """What may still take effect, in the order in which it was sent."""
    found: list[InFlight] = []
    running: set[ActivityName] = set()
    for envelope in envelopes:
        ended = _ended_by(envelope.fact, running)
        found += [InFlight(name, envelope.at + timedelta(seconds=late_seconds.get(name, 0.0))) for name in ended]
    return tuple(each for each in found if each.until > now)


def _ended_by(fact: f.Fact, running: set[ActivityName]) -> tuple[ActivityName, ...]:
    """Whose process this fact ends without an answer of its system. Keeps `running` up to date."""
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


def late_until(pending: Collection[InFlight], made: Collection[ActivityName]) -> datetime | None:
    """Until when to wait; None: there is nothing to wait for.

    `made`: activities of which all that could come late was seen to exist just now. Its request is done then, where it
    was the only one under way; of two, one may still be about to make it again.
    """
    alone = {name for name in made if sum(each.activity == name for each in pending) == 1}
    return max((each.until for each in pending if each.activity not in alone), default=None)
