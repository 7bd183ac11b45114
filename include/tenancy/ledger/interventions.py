"""What people did to a tenant, for an operator whose page is older than that. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tenancy.ledger.envelope import Envelope
from tenancy.saga import facts as f

_ACTIONS: Final[dict[type[f.Fact], str]] = {
    f.CancelRequested: "asked to cancel it",
    f.RunReset: "reset it",
    f.RetryRequested: "had it retried",
    f.DecommissionRequested: "asked to decommission it",
    f.Escalated: "escalated it",
}


@dataclass(frozen=True)
class InvitationView:
    """Who was shown the admin's invitation, and when."""

    actor: str
    at: datetime


def find_invitation_view(envelopes: Iterable[Envelope], generation: int) -> InvitationView | None:
    """Who was shown the invitation of this generation; None when nobody was."""
    for envelope in envelopes:
        if isinstance(envelope.fact, f.InvitationShown) and envelope.fact.generation == generation:
            return InvitationView(envelope.stamp.actor, envelope.at)
    return None


@dataclass(frozen=True)
class Intervention:
    """Somebody acted on the tenant."""

    actor: str
    action: str
    at: datetime
    reason: str

    def __str__(self) -> str:
        why = f" ({self.reason})" if self.reason else ""
        return f"{self.actor} {self.action} at {self.at:%H:%M:%S} UTC{why}"


def newest_intervention_since(
    envelopes: Iterable[Envelope], seq: int, *, except_by: Collection[str] = ()
) -> Intervention | None:
    """The newest intervention after this fact by a person other than these; None if there is none."""
    newest = None
    for envelope in envelopes:
        did = _ACTIONS.get(type(envelope.fact))
        if did and envelope.seq > seq and envelope.stamp.actor not in except_by:
            newest = Intervention(envelope.stamp.actor, did, envelope.at, envelope.stamp.reason)
    return newest
