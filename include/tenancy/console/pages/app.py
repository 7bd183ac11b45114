"""The pages and their assets as one application. `authenticate` finds out who calls."""

from functools import cache

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tenancy.console.api.app import create_api
from tenancy.console.callers import Authenticate
from tenancy.console.pages import (
    action_dialogs,
    assets,
    error_pages,
    health_page,
    invitation_dialog,
    list_page,
    new_page,
    note_dialog,
    reads,
    recover_dialog,
    reference_page,
    run_page,
    tenant_page,
)
from tenancy.console.pages.poll_cache import PollCache
from tenancy.console.services import Services

_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}


_PAGES = (
    list_page,
    new_page,
    action_dialogs,
    recover_dialog,
    note_dialog,
    invitation_dialog,
    tenant_page,
    run_page,
    health_page,
    reference_page,
)


def create_pages(services: Services, authenticate: Authenticate) -> FastAPI:
    """The pages; only their stylesheet and scripts need no login."""
    app = FastAPI(title="Tenancy's console", openapi_url=None)
    app.state.services = services
    app.state.authenticate = authenticate
    app.state.headers = {}  # rendering.py sets a page's own
    app.state.durations_cache = reads.durations_cache(services)
    app.state.state_counts_cache = reads.state_counts_cache(services)
    app.state.poll_cache = PollCache()
    app.state.openapi = cache(lambda: create_api(services, authenticate).openapi())  # made when it is first asked for
    for each in _PAGES:
        app.include_router(each.router)
    app.router.routes.append(Route("/static/{version}/{name}", _asset))
    error_pages.install(app)
    return app


async def _asset(request: Request) -> Response:
    """The newest version of the asset, also when an old page asks for an older one."""
    asset = assets.assets().get(request.path_params["name"])
    if asset is None:
        return Response(status_code=404)
    return Response(asset.content, headers=_FOR_EVER, media_type=asset.media_type)
