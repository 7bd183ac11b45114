"""The page *Platform health*. It works without the ledger, and shows when the ledger is down."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tenancy.console.api.requests import Part
from tenancy.console.api.route_guard import CurrentCaller, CurrentServices, GuardedRoute, needs
from tenancy.console.callers import Right
from tenancy.console.pages.health_view import health_view
from tenancy.console.pages.poll_cache import PollCache, PollSnapshot
from tenancy.console.pages.rendering import page_response, render
from tenancy.console.services import Services

router = APIRouter(route_class=GuardedRoute)


@router.get("/health")
@needs(Right.READ)
def show_health(request: Request, services: CurrentServices, caller: CurrentCaller, part: Part = None) -> Response:
    """Every system, or with `part=live` what of the page changes."""
    if part:
        poll_cache: PollCache = request.app.state.poll_cache
        return poll_cache.answer(request, caller, lambda: _poll_snapshot(request, services))
    return page_response(request, "health.html", health=health_view(services.health(), services.clock()))


def _poll_snapshot(request: Request, services: Services) -> PollSnapshot:
    health = services.health()
    view = health_view(health, services.clock())
    return PollSnapshot((health, view.stale), True, lambda: render(request, "_health.html", {"health": view}))
