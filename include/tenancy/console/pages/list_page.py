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
from tenancy.console.api.access import CurrentCaller, CurrentServices, GuardedRoute, needs
from tenancy.console.api.request_context import RequestContext
from tenancy.console.callers import Caller, Right
from tenancy.console.pages import class_view, reads
from tenancy.console.pages.health_view import health_lines
from tenancy.console.pages.list_view import Listed, is_busy, list_view, query_of, what_is_so
from tenancy.console.pages.platform_view import platform_lines
from tenancy.console.pages.poll_cache import PollCache, PollSnapshot
from tenancy.console.pages.poll_pacing import base_interval
from tenancy.console.pages.rendering import drawn, page
from tenancy.console.pages.timed_cache import TimedCache
from tenancy.console.services import Services
from tenancy.ledger import tenant_summaries
from tenancy.ledger.findings import load_open_findings
from tenancy.ledger.heartbeats import Heartbeat, load_heartbeats
from tenancy.ledger.tenant_summaries import PagePosition, TenantFilter
from tenancy.saga.names import RunId
from tenancy.saga.states import State, Substate

router = APIRouter(route_class=GuardedRoute)
PAGE_SIZE: Final = 50
URGENT: Final = 20

_Word = TypeVar("_Word", bound=StrEnum)
Chosen = Annotated[requests.Text, Query(max_length=60)]
"""A filter; empty where the form left it open."""


@dataclass(frozen=True)
class _PageData:
    listed: Listed
    more: str | None
    beats: tuple[Heartbeat, ...]
    regions: tuple[str, ...]
    plans: tuple[str, ...]


@router.get("/")
@needs(Right.READ)
def list_tenants(  # noqa: PLR0917 - FastAPI hands them over by name
    request: Request,
    services: CurrentServices,
    caller: CurrentCaller,
    q: Annotated[requests.Text, Query(max_length=100)] = "",
    state: Chosen = "",
    substate: Chosen = "",
    region: Chosen = "",
    plan: Chosen = "",
    attention: bool = False,
    cursor: requests.Cursor = None,
    part: requests.Part = None,
) -> Response:
    """The list, or with `part=live` what of it changes."""
    wanted = TenantFilter(
        _of(State, state), _of(Substate, substate), region or None, plan or None, attention, q.strip() or None
    )
    services.engine.begin()
    services.health.begin()
    asked = _Asked(wanted, cursor, cursors.decode(cursor) if cursor else None)
    if part:
        poll_cache: PollCache = request.app.state.poll_cache
        return poll_cache.answer(request, caller, lambda: _polled(request, caller, asked))
    return page(request, "list.html", **_variables(request, caller, asked, _seen(request, asked)))


@dataclass(frozen=True)
class _Asked:
    wanted: TenantFilter
    cursor: str | None
    after: PagePosition | None


def _seen(request: Request, asked: _Asked) -> _PageData:
    services: Services = request.app.state.services
    queued, counts = services.engine.known.queued, request.app.state.state_counts_cache
    return reads.read_ledger(services, lambda context: _look(context, asked.wanted, asked.after, queued, counts))


def _polled(request: Request, caller: Caller, asked: _Asked) -> PollSnapshot:
    """Has it changed? All that it shows is read for that; drawing it is most of the work."""
    seen = _seen(request, asked)
    listed, variables = seen.listed, _variables(request, caller, asked, seen)
    lines = tuple(what_is_so(line, listed.advisor) for line in (*listed.urgent, *listed.page))
    counts = tuple(listed.counts.items())
    shown = (listed.queued, listed.findings, listed.classes)
    state = (lines, counts, listed.attention, *shown, seen.more, variables["platform"])
    return PollSnapshot(state, _is_busy(seen), lambda: drawn(request, "_list.html", variables))


def _is_busy(seen: _PageData) -> bool:
    return bool(seen.listed.queued) or any(map(is_busy, (*seen.listed.urgent, *seen.listed.page)))


def _variables(request: Request, caller: Caller, asked: _Asked, seen: _PageData) -> dict[str, Any]:
    """All that the page is drawn from."""
    services, now = request.app.state.services, seen.listed.now
    return {
        "list": list_view(seen.listed, asked.wanted, cursor=asked.cursor, more=seen.more),
        "platform": (
            *platform_lines(services.engine.seen(), seen.beats, now),
            *health_lines(services.health.known, now),
        ),
        "regions": seen.regions,
        "plans": seen.plans,
        "states": [state.value for state in State],
        "may_create": Right.CREATE in caller.rights,
        "poll": query_of(asked.wanted, cursor=asked.cursor),
        "every": base_interval(busy=_is_busy(seen)),
    }


def _of(words: type[_Word], asked: str) -> _Word | None:
    """The word that was asked for; one there is not asks for nothing."""
    return words(asked) if asked in set(words) else None


def _look(
    context: RequestContext,
    wanted: TenantFilter,
    after: PagePosition | None,
    queued: tuple[QueuedRun, ...],
    counts: TimedCache[dict[State, int]],
) -> _PageData:
    ledger, late = context.ledger, context.late
    lines = tenant_summaries.load_tenants(ledger, wanted, cutoffs=late, limit=PAGE_SIZE + 1, after=after)
    page_of, last = lines[:PAGE_SIZE], lines[:PAGE_SIZE][-1] if len(lines) > PAGE_SIZE else None
    attention = tenant_summaries.count_needing_attention(ledger, cutoffs=late)
    on_top = wanted == TenantFilter() and after is None and attention
    listed = Listed(
        urgent=tuple(tenant_summaries.load_needing_attention(ledger, cutoffs=late, limit=URGENT)) if on_top else (),
        page=tuple(page_of),
        counts=counts.get(ledger),
        attention=attention,
        queued=tuple(run for run in queued if ledger.tenant_of_run(RunId(run.run_id)) is None),
        findings=tuple(load_open_findings(ledger, tenant_id=None, limit=reads.FINDINGS)),
        classes=class_view.look(ledger),
        advisor=context.advisor(context.services.engine.known),
    )
    more = cursors.encode(PagePosition(last.created_at, last.tenant_id)) if last else None
    offered = context.tenancy.platform
    return _PageData(listed, more, tuple(load_heartbeats(ledger)), tuple(offered.regions), tuple(offered.plans))
