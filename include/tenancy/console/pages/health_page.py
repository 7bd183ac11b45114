"""The page *Platform health*. It needs no ledger: it says when that is down."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tenancy.console.api.access import PartsOf, needs
from tenancy.console.api.requests import Part
from tenancy.console.callers import Right
from tenancy.console.pages.gate import PageRoute
from tenancy.console.pages.health_view import health_view
from tenancy.console.pages.rendering import page

router = APIRouter(route_class=PageRoute)


@router.get("/health")
@needs(Right.READ)
def show_health(request: Request, parts: PartsOf, part: Part = None) -> Response:
    """Every system, or with `part=live` what of the page changes."""
    view = health_view(parts.health(), parts.clock())
    return page(request, "_health.html" if part else "health.html", health=view)
