"""One tenant's page."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from tenancy.console.api.access import CallerOf, PartsOf, needs
from tenancy.console.api.requests import Part, Ref
from tenancy.console.callers import Caller, Right
from tenancy.console.pages import reads
from tenancy.console.pages.gate import PageRoute
from tenancy.console.pages.looked import Looked
from tenancy.console.pages.platform_view import platform_lines
from tenancy.console.pages.rendering import page
from tenancy.console.pages.tenant_view import tenant_view

router = APIRouter(route_class=PageRoute)

Attempt = Annotated[int | None, Query(ge=1, le=2**31)]
Below = Annotated[int | None, Query(ge=1, le=2**62)]


@router.get("/tenants/{ref}")
@needs(Right.READ)
def show_tenant(  # noqa: PLR0917 - FastAPI hands them over by name
    request: Request,
    parts: PartsOf,
    caller: CallerOf,
    ref: Ref,
    attempt: Attempt = None,
    below: Below = None,
    part: Part = None,
) -> Response:
    """The tenant's page, or with `part=live` what of it changes."""
    parts.engine.begin()
    seen = reads.looked_at(parts, lambda desk: reads.tenant(desk, ref, request.app.state.history))
    return answer(request, seen, caller, attempt=attempt, below=below, part=part)


def answer(
    request: Request, seen: Looked, caller: Caller, *, attempt: int | None, below: int | None, part: str | None
) -> Response:
    """The page of a tenant that was looked at."""
    view = tenant_view(seen, rights=caller.rights, attempt=attempt, below=below)
    poll = "&".join(f"{name}={value}" for name, value in (("attempt", attempt), ("below", below)) if value)
    lines = platform_lines(request.app.state.parts.engine.seen(), seen.beats, seen.now)
    return page(request, "_tenant.html" if part else "tenant.html", tenant=view, platform=lines, poll=poll)
