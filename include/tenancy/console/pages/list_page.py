"""The list of tenants: filters, a page at a time, what needs a person on top."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final, TypeVar

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from tenancy.adapters.airflow_runs import QueuedRun
from tenancy.console.api import cursor as cursors
from tenancy.console.api import requests
from tenancy.console.api.request_context import RequestContext
from tenancy.console.api.route_guard import CurrentCaller, CurrentServices, GuardedRoute, needs
from tenancy.console.callers import Caller, Right
from tenancy.console.pages import incident_group_view, reads
from tenancy.console.pages.health_view import health_lines
from tenancy.console.pages.list_view import ListSnapshot, is_busy, list_view, query_of, visible_state
from tenancy.console.pages.platform_view import platform_lines
from tenancy.console.pages.poll_cache import PollCache, PollSnapshot
from tenancy.console.pages.poll_pacing import base_interval
from tenancy.console.pages.rendering import page_response, render
from tenancy.console.pages.timed_cache import TimedCache
from tenancy.console.services import Services
from tenancy.ledger import tenant_summaries
from tenancy.ledger.findings import load_open_findings
from tenancy.ledger.heartbeats import Heartbeat, load_heartbeats
from tenancy.ledger.tenant_summaries import PagePosition, TenantFilter
from tenancy.saga.names import RunId
from tenancy.saga.products import listing_of
from tenancy.saga.states import State, Substate

router = APIRouter(route_class=GuardedRoute)
PAGE_SIZE: Final = 50
URGENT: Final = 20

_Member = TypeVar("_Member", bound=StrEnum)
FilterField = Annotated[requests.Text, Query(max_length=60)]
"""A filter; empty where the form left it open."""


@dataclass(frozen=True)
class _PageData:
    snapshot: ListSnapshot
    more: str | None
    beats: tuple[Heartbeat, ...]
    regions: tuple[str, ...]
    plans: tuple[str, ...]
    products: tuple[str, ...]


@router.get("/")
@needs(Right.READ)
def list_tenants(  # noqa: PLR0917 - FastAPI hands them over by name
    request: Request,
    services: CurrentServices,
    caller: CurrentCaller,
    q: Annotated[requests.Text, Query(max_length=100)] = "",
    state: FilterField = "",
    substate: FilterField = "",
    region: FilterField = "",
    plan: FilterField = "",
    product: FilterField = "",
    attention: bool = False,
    cursor: requests.Cursor = None,
    part: requests.Part = None,
) -> Response:
    """The list, or with `part=live` what of it changes."""
    filters = TenantFilter(
        _member(State, state),
        _member(Substate, substate),
        region or None,
        plan or None,
        attention,
        q.strip() or None,
        product or None,
    )
    services.engine.start_refresh()
    services.health.start_refresh()
    query = _ListQuery(filters, cursor, cursors.decode(cursor) if cursor else None)
    if part:
        poll_cache: PollCache = request.app.state.poll_cache
        return poll_cache.answer(request, caller, lambda: _poll_snapshot(request, caller, query))
    return page_response(request, "list.html", **_variables(request, caller, query, _load(request, query)))


@dataclass(frozen=True)
class _ListQuery:
    filters: TenantFilter
    cursor: str | None
    after: PagePosition | None


def _load(request: Request, query: _ListQuery) -> _PageData:
    services: Services = request.app.state.services
    queued, counts = services.engine.latest.queued, request.app.state.state_counts_cache
    return reads.read_ledger(services, lambda context: _read(context, query.filters, query.after, queued, counts))


def _poll_snapshot(request: Request, caller: Caller, query: _ListQuery) -> PollSnapshot:
    """The state of the list. It is read in full each time; rendering is most of the work, and is left out."""
    data = _load(request, query)
    snapshot, variables = data.snapshot, _variables(request, caller, query, data)
    summaries = tuple(visible_state(summary, snapshot.advisor) for summary in (*snapshot.urgent, *snapshot.page))
    counts = tuple(snapshot.counts.items())
    above_list = (snapshot.queued, snapshot.findings, snapshot.incident_groups)
    state = (summaries, counts, snapshot.attention, *above_list, data.more, variables["platform"])
    return PollSnapshot(state, _is_busy(data), lambda: render(request, "_list.html", variables))


def _is_busy(data: _PageData) -> bool:
    return bool(data.snapshot.queued) or any(map(is_busy, (*data.snapshot.urgent, *data.snapshot.page)))


def _variables(request: Request, caller: Caller, query: _ListQuery, data: _PageData) -> dict[str, Any]:
    """The template's variables."""
    services, now = request.app.state.services, data.snapshot.now
    return {
        "list": list_view(data.snapshot, query.filters, cursor=query.cursor, more=data.more),
        "platform": (
            *platform_lines(services.engine.wait_briefly(), data.beats, now),
            *health_lines(services.health.latest, now),
        ),
        "regions": data.regions,
        "plans": data.plans,
        "products": data.products if len(data.products) > 1 else (),
        "states": [state.value for state in State],
        "may_create": Right.CREATE in caller.rights,
        "poll": query_of(query.filters, cursor=query.cursor),
        "every": base_interval(busy=_is_busy(data)),
    }


def _member(kind: type[_Member], text: str) -> _Member | None:
    """The member of this value; None, which filters nothing, when there is none."""
    return kind(text) if text in set(kind) else None


def _read(
    context: RequestContext,
    filters: TenantFilter,
    after: PagePosition | None,
    queued: tuple[QueuedRun, ...],
    counts: TimedCache[dict[State, int]],
) -> _PageData:
    ledger, late = context.ledger, context.late
    summaries = tenant_summaries.load_tenants(ledger, filters, cutoffs=late, limit=PAGE_SIZE + 1, after=after)
    page, last = summaries[:PAGE_SIZE], summaries[:PAGE_SIZE][-1] if len(summaries) > PAGE_SIZE else None
    attention = tenant_summaries.count_needing_attention(ledger, cutoffs=late)
    on_top = filters == TenantFilter() and after is None and attention
    snapshot = ListSnapshot(
        urgent=tuple(tenant_summaries.load_needing_attention(ledger, cutoffs=late, limit=URGENT)) if on_top else (),
        page=tuple(page),
        counts=counts.get(),
        attention=attention,
        queued=tuple(run for run in queued if ledger.tenant_of_run(RunId(run.run_id)) is None),
        findings=tuple(load_open_findings(ledger, tenant_id=None, limit=reads.FINDINGS)),
        incident_groups=incident_group_view.load_open_views(ledger),
        advisor=context.advisor(context.services.engine.latest),
    )
    more = cursors.encode(PagePosition(last.created_at, last.tenant_id)) if last else None
    offered = context.tenancy.platform
    products = listing_of(context.tenancy.products).names
    return _PageData(
        snapshot, more, tuple(load_heartbeats(ledger)), tuple(offered.regions), tuple(offered.plans), products
    )
