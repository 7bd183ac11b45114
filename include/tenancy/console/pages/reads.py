"""What the pages read from the ledger: each reads once, in a thread of its own and for a bounded time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from tenancy.console.advisor import Advisor
from tenancy.console.api.request_context import RequestContext, open_context
from tenancy.console.pages.read_timeout import with_timeout
from tenancy.console.pages.tenant_snapshot import TenantSnapshot
from tenancy.console.pages.timed_cache import TimedCache
from tenancy.console.services import Services
from tenancy.engine.recovery.progress import load_progress
from tenancy.ledger import tenant_summaries
from tenancy.ledger.activity_durations import DurationStats, load_durations
from tenancy.ledger.findings import OpenFinding, load_open_findings
from tenancy.ledger.heartbeats import Heartbeat, load_heartbeats
from tenancy.ledger.notes import load_notes
from tenancy.ledger.tenant_summaries import TenantSummary
from tenancy.saga.evolve import fold
from tenancy.saga.states import State

_Value = TypeVar("_Value")
FINDINGS: Final = 20
"""More than these are for the API."""


def read_ledger(services: Services, read: Callable[[RequestContext], _Value]) -> _Value:
    """What `read` returns, given a context of its own; TransientError when the ledger does not respond in time."""

    def in_context() -> _Value:
        with open_context(services) as context:
            return read(context)

    return with_timeout(in_context, "The ledger")


@dataclass(frozen=True)
class TenantOverview:
    """The part of a tenant that shows whether its page has changed. It is cheap to read."""

    summary: TenantSummary
    beats: tuple[Heartbeat, ...]
    findings: tuple[OpenFinding, ...]
    escalation: str
    """What became of its escalation; empty when it is not escalated."""
    advisor: Advisor

    @property
    def now(self) -> datetime:
        """When it was read."""
        return self.advisor.now


def load_overview(context: RequestContext, ref: str) -> TenantOverview:
    """The tenant's row, without its facts; 404 when there is no such tenant."""
    summary = context.summary(ref)
    findings = tuple(load_open_findings(context.ledger, tenant_id=summary.tenant_id, limit=FINDINGS))
    escalation = context.escalation(summary)
    return TenantOverview(
        summary,
        tuple(load_heartbeats(context.ledger)),
        findings,
        escalation,
        context.advisor(context.services.engine.latest),
    )


def load_snapshot(context: RequestContext, ref: str, history: TimedCache[dict[str, DurationStats]]) -> TenantSnapshot:
    """All that a tenant's page shows; 404 when there is no such tenant."""
    overview = load_overview(context, ref)
    summary = overview.summary
    envelopes = tuple(context.ledger.envelopes(summary.tenant_id))  # read once: they are most of the work
    saga = fold(envelope.fact for envelope in envelopes)
    assert saga is not None  # its row is written with its facts
    return TenantSnapshot(
        summary=summary,
        saga=saga,
        envelopes=envelopes,
        held=context.services.engine.latest.holds(saga) or saga.hold.reason,
        progress=load_progress(context.ledger, saga, envelopes),
        usual=history.get(),
        beats=overview.beats,
        findings=overview.findings,
        escalation=overview.escalation,
        notes=tuple(load_notes(context.ledger, summary.tenant_id)),
        platform=context.tenancy.platform,
        advisor=overview.advisor,
        now=overview.now,
    )


def durations_cache(services: Services) -> TimedCache[dict[str, DurationStats]]:
    """How long activities usually take. It changes slowly."""
    return TimedCache(services, load_durations, 60.0)


def state_counts_cache(services: Services) -> TimedCache[dict[State, int]]:
    """How many tenants are in each state. Counting takes 20 ms with 100,000 tenants."""
    return TimedCache(services, tenant_summaries.count_by_state, 3.0)
