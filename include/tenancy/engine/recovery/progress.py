"""Progress of an unwinding: does an activity still run, how many resources are released, and which are left?"""

from collections.abc import Sequence
from dataclasses import dataclass

from tenancy.engine.recovery.release_order import release_order
from tenancy.ledger.envelope import Envelope
from tenancy.ledger.ledger import LedgerSession
from tenancy.saga.facts import ResourceReleased
from tenancy.saga.tenant import Resource, Saga


@dataclass(frozen=True)
class Progress:
    """`in_flight` names the activity's session that still holds the tenant's lock; empty if none does."""

    in_flight: str
    undone: int
    to_undo: int
    left: tuple[Resource, ...]


def load_progress(ledger: LedgerSession, saga: Saga, envelopes: Sequence[Envelope] | None = None) -> Progress:
    """The progress as of now. `envelopes`: the tenant's facts, if the caller has already read them."""
    holder = ledger.lock_holder(saga.tenant_id)
    at_work = holder is not None and holder.application.startswith("tenancy run")
    facts = ledger.envelopes(saga.tenant_id) if envelopes is None else envelopes
    undone = len(_released(facts, saga))
    left = release_order(saga.live_resources)
    return Progress(str(holder) if at_work else "", undone, undone + len(left), left)


def _released(envelopes: Sequence[Envelope], saga: Saga) -> set[tuple[str, str]]:
    """What this attempt has released and what was not created again."""
    live = {(resource.kind, resource.name) for resource in saga.live_resources}
    facts = (envelope.fact for envelope in envelopes if envelope.attempt == saga.attempt)
    return {(fact.resource, fact.name) for fact in facts if isinstance(fact, ResourceReleased)} - live
