"""One tenant's page."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from tenancy.console.api.access import CurrentCaller, CurrentServices, GuardedRoute, needs
from tenancy.console.api.requests import Part, Ref
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
    services.engine.begin()
    shown = Shown(ref, attempt, below)
    if part:
        poll_cache: PollCache = request.app.state.poll_cache
        return poll_cache.answer(request, caller, lambda: polled(request, caller, shown))
    return page_response(request, "tenant.html", **looked_up(request, caller, shown))


@dataclass(frozen=True)
class Shown:
    """Which tenant, which attempt, which page of its audit log."""

    ref: str
    attempt: int | None = None
    below: int | None = None

    @property
    def poll(self) -> str:
        """The same once more, as a query."""
        asked = (("attempt", self.attempt), ("below", self.below))
        return "&".join(f"{name}={value}" for name, value in asked if value)


def polled(request: Request, caller: Caller, shown: Shown) -> PollSnapshot:
    """Has it changed? Its facts are read only then."""
    services: Services = request.app.state.services
    seen = reads.read_ledger(services, lambda context: reads.load_overview(context, shown.ref))
    lines = platform_lines(services.engine.seen(), seen.beats, seen.now)
    checks = tuple((check.name, check.sentence) for check in seen.advisor.checks(seen.summary))
    state = (seen.findings, seen.escalation, lines, checks, *visible_state(seen.summary, seen.advisor))
    return PollSnapshot(
        state, is_busy(seen.summary), lambda: render(request, "_tenant.html", looked_up(request, caller, shown))
    )


def looked_up(request: Request, caller: Caller, shown: Shown) -> dict[str, Any]:
    """All that the page is drawn from."""
    services: Services = request.app.state.services
    seen = reads.read_ledger(
        services, lambda context: reads.load_snapshot(context, shown.ref, request.app.state.durations_cache)
    )
    view = tenant_view(seen, rights=caller.rights, attempt=shown.attempt, below=shown.below)
    lines = platform_lines(services.engine.seen(), seen.beats, seen.now)
    return {"tenant": view, "platform": lines, "poll": shown.poll, "every": base_interval(busy=is_busy(seen.summary))}
