"""A tenant as one reading of the ledger found it: its page is made from it and from nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tenancy.console.advisor import Advisor
from tenancy.engine.recovery.progress import Progress
from tenancy.ledger.activity_durations import DurationStats
from tenancy.ledger.envelope import Envelope
from tenancy.ledger.findings import OpenFinding
from tenancy.ledger.heartbeats import Heartbeat
from tenancy.ledger.notes import Note
from tenancy.ledger.tenant_summaries import TenantSummary
from tenancy.saga.platform import Platform
from tenancy.saga.tenant import Saga


@dataclass(frozen=True)
class TenantSnapshot:
    """All that a tenant's page is made from."""

    summary: TenantSummary
    saga: Saga
    envelopes: tuple[Envelope, ...]
    held: str
    """Why its run does not continue, also while the scheduler is down and nobody records it; empty when it does."""
    progress: Progress
    usual: Mapping[str, DurationStats]
    beats: tuple[Heartbeat, ...]
    findings: tuple[OpenFinding, ...]
    escalation: str
    """What became of the tenant's escalation, in a sentence; empty when it is not escalated."""
    notes: tuple[Note, ...]
    """The newest ones, newest first."""
    platform: Platform
    advisor: Advisor
    now: datetime

    @property
    def seconds_in_state(self) -> float:
        return max(0.0, (self.now - self.summary.state_since).total_seconds())
