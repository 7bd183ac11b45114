"""What every route does first: open the ledger and find the tenant. Each request has its own session."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from tenancy.activities.plan import limits
from tenancy.console.advisor import Advisor
from tenancy.console.api import serializers, tenant_models
from tenancy.console.api.problems import ProblemError
from tenancy.console.services import Services
from tenancy.engine.engine_status import EngineStatus
from tenancy.engine.recovery.escalation import outcome
from tenancy.engine.recovery.progress import load_progress
from tenancy.engine.tenancy import Tenancy
from tenancy.ledger.escalations import load_escalation
from tenancy.ledger.findings import load_open_findings
from tenancy.ledger.ledger import LedgerSession
from tenancy.ledger.notes import load_notes
from tenancy.ledger.tenant_summaries import AttentionCutoffs, TenantSummary, attention_cutoffs, find_tenant
from tenancy.saga.tenant import Saga

_FINDINGS: Final = 50


@dataclass(frozen=True)
class RequestContext:
    """The platform and an open ledger session for one request."""

    services: Services
    tenancy: Tenancy
    ledger: LedgerSession

    @property
    def late(self) -> AttentionCutoffs:
        """Which tenants need attention because they are late, now and by this platform's limits."""
        return attention_cutoffs(limits(self.tenancy.platform), self.services.clock())

    def summary(self, ref: str) -> TenantSummary:
        """The tenant's row; 404 when there is no such tenant."""
        summary = find_tenant(self.ledger, ref, cutoffs=self.late)
        if summary is None:
            raise ProblemError(404, "There is no tenant of this id or slug.")
        return summary

    def saga(self, ref: str) -> Saga:
        """The tenant's saga; 404 when there is no such tenant."""
        return self.saga_of(self.summary(ref))

    def saga_of(self, summary: TenantSummary) -> Saga:
        saga = self.ledger.saga(summary.tenant_id)
        assert saga is not None  # its row is written with its facts
        return saga

    def tenant(self, ref: str) -> tenant_models.Tenant:
        """The tenant as the API shows it; 404 when there is no such tenant."""
        summary = self.summary(ref)
        saga = self.saga_of(summary)
        progress = load_progress(self.ledger, saga)
        findings = load_open_findings(self.ledger, tenant_id=summary.tenant_id, limit=_FINDINGS)
        engine = self.services.engine()
        self.services.health.wait_briefly()
        held = engine.holds(saga) or saga.hold.reason  # while nothing is scheduled, nobody records the hold
        escalation, notes = self.escalation(summary), load_notes(self.ledger, summary.tenant_id)
        return serializers.tenant(
            summary, saga, progress, findings, self.advisor(engine), held=held, escalation=escalation, notes=notes
        )

    def escalation(self, summary: TenantSummary) -> str:
        """What became of the tenant's escalation, in a sentence; empty when it is not escalated."""
        escalation = load_escalation(self.ledger, summary.tenant_id) if summary.standing.escalated else None
        return outcome(escalation, self.services.clock()) if escalation else ""

    def advisor(self, engine: EngineStatus) -> Advisor:
        """The advisor for now, with this status of the engine."""
        self.services.engine.start_refresh()  # for the next request: this one uses what is known
        self.services.health.start_refresh()
        return Advisor(self.tenancy.platform, engine, self.services.clock(), self.services.health.latest)


@contextmanager
def open_context(services: Services) -> Iterator[RequestContext]:
    """Open the ledger for one request."""
    tenancy = services.tenancy()
    with tenancy.ledger.open_pooled(services.lending, "tenancy console") as ledger:
        yield RequestContext(services, tenancy, ledger)
