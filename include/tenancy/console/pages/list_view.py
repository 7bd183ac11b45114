"""The list of tenants as its page shows it: what needs a person first, then the newest. Pure."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from tenancy.adapters.airflow_runs import QueuedRun
from tenancy.console.advisor import Advisor
from tenancy.console.pages import words
from tenancy.console.pages.class_view import ClassesView
from tenancy.ledger.findings import OpenFinding
from tenancy.ledger.tenant_summaries import TenantFilter, TenantSummary
from tenancy.saga.states import Phase, State

_WAIT: Final = frozenset({Phase.PROVISIONING, Phase.CANCELLING, Phase.FAILED_UNWINDING, Phase.DECOMMISSIONING})
BUSY: Final = _WAIT
"""Phases in which something is at work by itself."""


@dataclass(frozen=True)
class LineView:
    """One tenant in the list."""

    ref: str
    slug: str
    name: str
    plan: str
    region: str
    phase: Phase
    tone: str
    busy: bool
    says: str
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
class Count:
    """A way to filter, and how many there are of it."""

    label: str
    tenants: int
    query: str
    chosen: bool


@dataclass(frozen=True)
class ListView:
    """The whole page."""

    urgent: tuple[LineView, ...]
    others: tuple[LineView, ...]
    counts: tuple[Count, ...]
    total: int
    wanted: TenantFilter
    filtered: bool
    first_page: bool
    next_query: str
    queued: tuple[QueuedRun, ...]
    findings: tuple[OpenFinding, ...]
    classes: ClassesView
    now: datetime


@dataclass(frozen=True)
class Listed:
    """What one look at the ledger saw."""

    urgent: tuple[TenantSummary, ...]
    page: tuple[TenantSummary, ...]
    counts: Mapping[State, int]
    attention: int
    queued: tuple[QueuedRun, ...]
    findings: tuple[OpenFinding, ...]
    advisor: Advisor
    classes: ClassesView = field(default_factory=ClassesView)

    @property
    def now(self) -> datetime:
        """The moment of the look."""
        return self.advisor.now


def list_view(seen: Listed, wanted: TenantFilter, *, cursor: str | None, more: str | None) -> ListView:
    """The page of what was `wanted`, after `cursor`; `more` is the next page's."""
    shown = {line.tenant_id for line in seen.urgent}
    return ListView(
        urgent=tuple(line_view(line, seen.advisor) for line in seen.urgent),
        others=tuple(line_view(line, seen.advisor) for line in seen.page if line.tenant_id not in shown),
        counts=_counts(seen, wanted),
        total=sum(seen.counts.values()),
        wanted=wanted,
        filtered=wanted != TenantFilter(),
        first_page=cursor is None,
        next_query=query_of(wanted, cursor=more) if more else "",
        queued=seen.queued,
        findings=seen.findings,
        classes=seen.classes,
        now=seen.now,
    )


def is_busy(line: TenantSummary) -> bool:
    """Is something at work on it by itself?"""
    return _phase(line) in BUSY


def what_is_so(line: TenantSummary, advisor: Advisor) -> tuple[Hashable, ...]:
    """All that a page says of it but for the time: as long as this is the same, the page is."""
    belongs = (line.class_issue, line.standing.group_tenants)
    told = (advisor.stall(line), advisor.cause(line), advisor.advice(line).sentence)
    return line.tenant_id, line.seq, line.needs_attention, told, belongs


def _phase(line: TenantSummary) -> Phase:
    return Phase.of(line.state, line.substate)


def line_view(line: TenantSummary, advisor: Advisor) -> LineView:
    """One tenant's line."""
    now, stall, advice = advisor.now, advisor.stall(line), advisor.advice(line)
    attention = line.needs_attention or stall is not None
    phase = _phase(line)
    return LineView(
        ref=str(line.tenant_id) if line.state is State.DECOMMISSIONED else line.parameters.slug,
        slug=line.parameters.slug,
        name=line.parameters.name,
        plan=line.parameters.plan,
        region=line.parameters.region,
        phase=phase,
        tone=_tone(phase, attention=attention or advice.warning),
        busy=phase in BUSY,
        says=words.SHORTLY.get(phase, ""),
        activity=words.LABELS.get(line.activity or "", line.activity or ""),
        held=advisor.evidence(line) if stall or advice.warning else line.held,
        attempt=line.attempt,
        state_since=line.state_since,
        seconds_in_state=(now - line.state_since).total_seconds(),
        created_at=line.created_at,
        age_seconds=(now - line.created_at).total_seconds(),
        attention=attention,
        next=advice.sentence if attention or advice.warning else "",
    )


def _tone(phase: Phase, *, attention: bool) -> str:
    return "warn" if attention and phase in {Phase.PROVISIONING, Phase.ACTIVE} else words.TONES[phase]


def _counts(seen: Listed, wanted: TenantFilter) -> tuple[Count, ...]:
    states = [
        Count(str(state), number, query_of(TenantFilter(state=state)), wanted.state is state and not wanted.attention)
        for state, number in seen.counts.items()
    ]
    attention = Count("need a person", seen.attention, query_of(TenantFilter(attention=True)), wanted.attention)
    everything = Count("all", sum(seen.counts.values()), "", wanted == TenantFilter())
    return (attention, everything, *states)


def query_of(wanted: TenantFilter, *, cursor: str | None = None) -> str:
    """The same wish as a query string; empty when nothing is asked for."""
    asked = {
        "q": wanted.text,
        "state": wanted.state and wanted.state.value,
        "substate": wanted.substate and wanted.substate.value,
        "region": wanted.region,
        "plan": wanted.plan,
        "attention": "true" if wanted.attention else None,
        "cursor": cursor,
    }
    return urlencode({name: value for name, value in asked.items() if value})
