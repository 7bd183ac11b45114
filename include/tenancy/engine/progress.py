"""How far an unwinding is: is anything of the tenant's still at work, compensations n of m, what is left."""

from collections.abc import Sequence
from dataclasses import dataclass

from tenancy.engine.release_order import release_order
from tenancy.ledger.envelope import Envelope
from tenancy.ledger.ledger import LedgerSession
from tenancy.saga.facts import ResourceReleased
from tenancy.saga.tenant import Resource, Saga


@dataclass(frozen=True)
class Progress:
    """`in_flight` names who still holds the tenant's lock for an activity, empty when nobody does."""

    in_flight: str
    undone: int
    to_undo: int
    left: tuple[Resource, ...]


def progress(ledger: LedgerSession, saga: Saga, envelopes: Sequence[Envelope] | None = None) -> Progress:
    """The three facts a Cancel is judged by, as of now. `envelopes`: the tenant's facts, if they were read already."""
    holder = ledger.lock_holder(saga.tenant_id)
    at_work = holder is not None and holder.application.startswith("tenancy run")
    facts = ledger.envelopes(saga.tenant_id) if envelopes is None else envelopes
    undone = len(_released(facts, saga))
    left = release_order(saga.live_resources)
    return Progress(str(holder) if at_work else "", undone, undone + len(left), left)


def _released(envelopes: Sequence[Envelope], saga: Saga) -> set[tuple[str, str]]:
    """What this attempt has released and nobody made again."""
    live = {(resource.kind, resource.name) for resource in saga.live_resources}
    facts = (envelope.fact for envelope in envelopes if envelope.attempt == saga.attempt)
    return {(fact.resource, fact.name) for fact in facts if isinstance(fact, ResourceReleased)} - live
