"""The list of tenants as its page shows it: what needs a person first, then the newest. Pure."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from tenancy.activities.registry import label_of
from tenancy.adapters.airflow_runs import QueuedRun
from tenancy.console.advisor import Advisor
from tenancy.console.pages import words
from tenancy.console.pages.incident_group_view import IncidentGroupsView
from tenancy.ledger.findings import OpenFinding
from tenancy.ledger.tenant_summaries import TenantFilter, TenantSummary
from tenancy.saga.states import Phase, State

_WAIT: Final = frozenset({Phase.PROVISIONING, Phase.CANCELLING, Phase.FAILED_UNWINDING, Phase.DECOMMISSIONING})
BUSY: Final = _WAIT
"""Phases that end without an operator."""


@dataclass(frozen=True)
class TenantRowView:
    """One tenant in the list."""

    ref: str
    slug: str
    name: str
    plan: str
    region: str
    phase: Phase
    tone: str
    busy: bool
    substate_text: str
    activity: str
    held: str
    attempt: int
    state_since: datetime
    seconds_in_state: float
    created_at: datetime
    age_seconds: float
    attention: bool
    next: str


@dataclass(frozen=True)
class StateCount:
    """A filter, and the number of its tenants."""

    label: str
    tenants: int
    query: str
    chosen: bool


@dataclass(frozen=True)
class ListView:
    """The whole page."""

    urgent: tuple[TenantRowView, ...]
    others: tuple[TenantRowView, ...]
    counts: tuple[StateCount, ...]
    total: int
    filters: TenantFilter
    filtered: bool
    first_page: bool
    next_query: str
    queued: tuple[QueuedRun, ...]
    findings: tuple[OpenFinding, ...]
    incident_groups: IncidentGroupsView
    now: datetime


@dataclass(frozen=True)
class ListSnapshot:
    """What was read from the ledger for the list."""

    urgent: tuple[TenantSummary, ...]
    page: tuple[TenantSummary, ...]
    counts: Mapping[State, int]
    attention: int
    queued: tuple[QueuedRun, ...]
    findings: tuple[OpenFinding, ...]
    advisor: Advisor
    incident_groups: IncidentGroupsView = field(default_factory=IncidentGroupsView)

    @property
    def now(self) -> datetime:
        """When it was read."""
        return self.advisor.now


def list_view(snapshot: ListSnapshot, filters: TenantFilter, *, cursor: str | None, more: str | None) -> ListView:
    """The page of the filtered tenants after `cursor`; `more` is the next page's cursor."""
    urgent_ids = {summary.tenant_id for summary in snapshot.urgent}
    return ListView(
        urgent=tuple(tenant_row_view(summary, snapshot.advisor) for summary in snapshot.urgent),
        others=tuple(
            tenant_row_view(summary, snapshot.advisor)
            for summary in snapshot.page
            if summary.tenant_id not in urgent_ids
        ),
        counts=_counts(snapshot, filters),
        total=sum(snapshot.counts.values()),
        filters=filters,
        filtered=filters != TenantFilter(),
        first_page=cursor is None,
        next_query=query_of(filters, cursor=more) if more else "",
        queued=snapshot.queued,
        findings=snapshot.findings,
        incident_groups=snapshot.incident_groups,
        now=snapshot.now,
    )


def is_busy(summary: TenantSummary) -> bool:
    """Does the tenant's state change without an operator?"""
    return _phase(summary) in BUSY


def visible_state(summary: TenantSummary, advisor: Advisor) -> tuple[Hashable, ...]:
    """All that a page shows of the tenant except times: while this is the same, so is the page."""
    group = (summary.incident_group, summary.standing.group_tenants)
    advice = (advisor.stall(summary), advisor.cause(summary), advisor.advice(summary).sentence)
    return summary.tenant_id, summary.seq, summary.needs_attention, advice, group


def _phase(summary: TenantSummary) -> Phase:
    return Phase.of(summary.state, summary.substate)


def tenant_row_view(summary: TenantSummary, advisor: Advisor) -> TenantRowView:
    """One tenant's row."""
    now, stall, advice = advisor.now, advisor.stall(summary), advisor.advice(summary)
    attention = summary.needs_attention or stall is not None
    phase = _phase(summary)
    return TenantRowView(
        ref=str(summary.tenant_id) if summary.state is State.DECOMMISSIONED else summary.parameters.slug,
        slug=summary.parameters.slug,
        name=summary.parameters.name,
        plan=summary.parameters.plan,
        region=summary.parameters.region,
        phase=phase,
        tone=_tone(phase, attention=attention or advice.warning),
        busy=phase in BUSY,
        substate_text=words.SUBSTATE_TEXTS.get(phase, ""),
        activity=label_of(summary.activity or ""),
        held=advisor.evidence(summary) if stall or advice.warning else summary.held,
        attempt=summary.attempt,
        state_since=summary.state_since,
        seconds_in_state=(now - summary.state_since).total_seconds(),
        created_at=summary.created_at,
        age_seconds=(now - summary.created_at).total_seconds(),
        attention=attention,
        next=advice.sentence if attention or advice.warning else "",
    )


def _tone(phase: Phase, *, attention: bool) -> str:
    return "warn" if attention and phase in {Phase.PROVISIONING, Phase.ACTIVE} else words.TONES[phase]


def _counts(snapshot: ListSnapshot, filters: TenantFilter) -> tuple[StateCount, ...]:
    states = [
        StateCount(
            str(state), number, query_of(TenantFilter(state=state)), filters.state is state and not filters.attention
        )
        for state, number in snapshot.counts.items()
    ]
    attention = StateCount(
        "need a person", snapshot.attention, query_of(TenantFilter(attention=True)), filters.attention
    )
    everything = StateCount("all", sum(snapshot.counts.values()), "", filters == TenantFilter())
    return (attention, everything, *states)


def query_of(filters: TenantFilter, *, cursor: str | None = None) -> str:
    """The filters as a query string; empty without any."""
    parameters = {
        "q": filters.text,
        "state": filters.state and filters.state.value,
        "substate": filters.substate and filters.substate.value,
        "region": filters.region,
        "plan": filters.plan,
        "product": filters.product,
        "attention": "true" if filters.attention else None,
        "cursor": cursor,
    }
    return urlencode({name: value for name, value in parameters.items() if value})
