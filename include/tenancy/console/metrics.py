"""`/tenancy/metrics`: for Prometheus and its like, behind the API's gate. Measured anew every 5 s at most."""

from typing import Final

from fastapi import APIRouter, FastAPI
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response

from tenancy.console.api.problems import HEADERS, install_problem_handlers
from tenancy.console.api.route_guard import GuardedRoute, needs
from tenancy.console.callers import Authenticate, Right
from tenancy.console.metrics_view import exposition
from tenancy.console.pages.timed_cache import TimedCache
from tenancy.console.services import Services
from tenancy.ledger.measures import load_measures

FRESH_SECONDS: Final = 5.0

router = APIRouter(route_class=GuardedRoute)


@router.get("/metrics")
@needs(Right.READ)
def show_metrics(request: Request) -> Response:
    """The platform in numbers; 503 without a ledger."""
    return Response(exposition(request.app.state.measures.get()), media_type=CONTENT_TYPE_LATEST)


def create_metrics(services: Services, authenticate: Authenticate) -> FastAPI:
    """An application of one route."""
    app = FastAPI(title="Tenancy's metrics", openapi_url=None)
    app.state.services = services
    app.state.authenticate = authenticate
    app.state.headers = HEADERS
    app.state.measures = TimedCache(services, load_measures, FRESH_SECONDS, keep_seconds=0.0)
    app.include_router(router)
    install_problem_handlers(app)
    return app
