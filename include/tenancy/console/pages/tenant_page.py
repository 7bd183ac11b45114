"""One tenant's page. It only reads.

The actions that it offers are in other modules: action_dialogs.py, recover_dialog.py, note_dialog.py and
invitation_dialog.py.
"""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from tenancy.console.api.requests import Part, Ref
from tenancy.console.api.route_guard import CurrentCaller, CurrentServices, GuardedRoute, needs
from tenancy.console.callers import Caller, Right
from tenancy.console.pages import reads
from tenancy.console.pages.list_view import is_busy, visible_state
from tenancy.console.pages.platform_view import platform_lines
from tenancy.console.pages.poll_cache import PollCache, PollSnapshot
from tenancy.console.pages.poll_pacing import base_interval
from tenancy.console.pages.rendering import page_response, render
from tenancy.console.pages.tenant_view import tenant_view
from tenancy.console.services import Services

router = APIRouter(route_class=GuardedRoute)

Attempt = Annotated[int | None, Query(ge=1, le=2**31)]
Below = Annotated[int | None, Query(ge=1, le=2**62)]


@router.get("/tenants/{ref}")
@needs(Right.READ)
def show_tenant(  # noqa: PLR0917 - FastAPI hands them over by name
    request: Request,
    services: CurrentServices,
    caller: CurrentCaller,
    ref: Ref,
    attempt: Attempt = None,
    below: Below = None,
    part: Part = None,
) -> Response:
    """The tenant's page, or with `part=live` what of it changes."""
    services.engine.start_refresh()
    query = TenantPageQuery(ref, attempt, below)
    if part:
        poll_cache: PollCache = request.app.state.poll_cache
        return poll_cache.answer(request, caller, lambda: poll_snapshot(request, caller, query))
    return page_response(request, "tenant.html", **page_variables(request, caller, query))


@dataclass(frozen=True)
class TenantPageQuery:
    """Which tenant, which attempt, which page of its audit log."""

    ref: str
    attempt: int | None = None
    below: int | None = None

    @property
    def poll(self) -> str:
        """The query string that polls the same page."""
        parameters = (("attempt", self.attempt), ("below", self.below))
        return "&".join(f"{name}={value}" for name, value in parameters if value)


def poll_snapshot(request: Request, caller: Caller, query: TenantPageQuery) -> PollSnapshot:
    """The state of the page. The facts are read only when it has changed."""
    services: Services = request.app.state.services
    overview = reads.read_ledger(services, lambda context: reads.load_overview(context, query.ref))
    lines = platform_lines(services.engine.wait_briefly(), overview.beats, overview.now)
    checks = tuple((check.name, check.sentence) for check in overview.advisor.checks(overview.summary))
    state = (overview.findings, overview.escalation, lines, checks, *visible_state(overview.summary, overview.advisor))
    return PollSnapshot(
        state,
        is_busy(overview.summary),
        lambda: render(request, "_tenant.html", page_variables(request, caller, query)),
    )


def page_variables(request: Request, caller: Caller, query: TenantPageQuery) -> dict[str, Any]:
    """The template's variables."""
    services: Services = request.app.state.services
    snapshot = reads.read_ledger(
        services, lambda context: reads.load_snapshot(context, query.ref, request.app.state.durations_cache)
    )
    view = tenant_view(snapshot, rights=caller.rights, attempt=query.attempt, below=query.below)
    lines = platform_lines(services.engine.wait_briefly(), snapshot.beats, snapshot.now)
    return {
        "tenant": view,
        "platform": lines,
        "poll": query.poll,
        "every": base_interval(busy=is_busy(snapshot.summary)),
    }
