"""One tenant as its page shows it, joined from its parts: situation, actions, timeline, logs. Pure."""

from collections.abc import Collection
from dataclasses import dataclass

from tenancy.bootstrap import tenant_url_of
from tenancy.console.callers import Right
from tenancy.console.pages import words
from tenancy.console.pages.action_view import ActionView, action_views
from tenancy.console.pages.audit_view import AuditLine, audit_page
from tenancy.console.pages.status_panel import StatusPanel, status_panel
from tenancy.console.pages.tabs import Tab, tabs_of
from tenancy.console.pages.tenant_snapshot import TenantSnapshot
from tenancy.console.pages.timeline_view import AttemptView, TimelineContext, attempt_ends, attempt_view
from tenancy.engine.recovery.progress import Progress
from tenancy.ledger.action_history import PastAction, build_action_history
from tenancy.ledger.envelope import find_chain_break
from tenancy.ledger.error_log import ErrorEntry, build_error_log
from tenancy.ledger.findings import OpenFinding
from tenancy.ledger.interventions import find_invitation_view
from tenancy.ledger.notes import Note
from tenancy.ledger.tenant_summaries import TenantSummary
from tenancy.ledger.timeline import build_timelines
from tenancy.saga.states import Phase, State
from tenancy.saga.tenant import Saga


@dataclass(frozen=True)
class TenantView:
    """The whole page."""

    summary: TenantSummary
    saga: Saga
    phase: Phase
    tone: str
    status_panel: StatusPanel
    seconds_in_state: float
    url: str
    actions: tuple[ActionView, ...]
    tabs: tuple[Tab, ...]
    attempt: AttemptView | None
    progress: Progress
    unwinding: bool
    past_actions: tuple[PastAction, ...]
    """What people tried, newest first."""
    errors: tuple[ErrorEntry, ...]
    audit: tuple[AuditLine, ...]
    older: int | None
    """The page of the audit log behind this one begins below this seq."""
    broken_at: int | None
    findings: tuple[OpenFinding, ...]
    """Differences between the ledger and the outside world."""
    escalation: str
    """What became of its escalation; empty when it is not escalated."""
    notes: tuple[Note, ...]
    may_note: bool
    """May this caller add one? In every state."""


def tenant_view(
    snapshot: TenantSnapshot, *, rights: Collection[Right], attempt: int | None = None, below: int | None = None
) -> TenantView:
    """The page for a caller with these rights; `attempt` chooses a tab, `below` an older page of the audit log."""
    saga, context, history = snapshot.saga, _timeline_context(snapshot), build_timelines(snapshot.envelopes)
    chosen = next((each for each in history if each.attempt == attempt), history[-1] if history else None)
    newest = attempt_view(history[-1], context) if history else None
    audit, older = audit_page(snapshot.envelopes, below)
    return TenantView(
        summary=snapshot.summary,
        saga=saga,
        phase=saga.phase,
        tone=words.TONES[saga.phase],
        status_panel=status_panel(snapshot, newest, rights),
        seconds_in_state=snapshot.seconds_in_state,
        url=tenant_url_of(snapshot.platform, saga),
        actions=action_views(saga, rights, find_invitation_view(snapshot.envelopes, saga.invitation.generation)),
        tabs=tabs_of(history, snapshot.envelopes, chosen=chosen, live=bool(context.live_attempt)),
        attempt=attempt_view(chosen, context) if chosen else None,
        progress=snapshot.progress,
        unwinding=context.unwinding,
        past_actions=build_action_history(snapshot.envelopes)[::-1],
        errors=build_error_log(snapshot.envelopes)[::-1],
        audit=audit,
        older=older,
        broken_at=find_chain_break(snapshot.envelopes),
        findings=snapshot.findings,
        escalation=snapshot.escalation,
        notes=snapshot.notes,
        may_note=Right.EDIT in rights,
    )


def _timeline_context(snapshot: TenantSnapshot) -> TimelineContext:
    saga = snapshot.saga
    return TimelineContext(
        now=snapshot.now,
        phase=saga.phase,
        live_attempt=saga.attempt if saga.state is State.PROVISIONING else 0,
        held=snapshot.held,
        current=saga.current_activity or "",
        platform=snapshot.platform,
        usual=snapshot.usual,
        ends=attempt_ends(snapshot.envelopes),
    )
