"""The API as one FastAPI application: routes, problems, OpenAPI. `authenticate` finds out who calls."""

from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tenancy.console.api import actions, incident_groups, invitation, notes, platform, tenants
from tenancy.console.api.problems import HEADERS, Problem, install_problem_handlers
from tenancy.console.callers import Authenticate
from tenancy.console.services import Services

_DESCRIPTION = """
Tenants of this platform: read them, create them, and the actions of the runbook.

Log in by `POST /auth/token` and send the token as `Authorization: Bearer …`; Airflow's own session cookie does too.
Every write needs the header `X-Tenancy-Request: 1` and may carry an `Idempotency-Key`. Errors are
`application/problem+json`.
"""


def create_api(services: Services, authenticate: Authenticate) -> FastAPI:
    """The API; only its OpenAPI document needs no login. (The page that renders it is one of the console's.)"""
    app = FastAPI(title="Tenancy", version="1", description=_DESCRIPTION, openapi_url=None)
    app.state.services = services
    app.state.authenticate = authenticate
    app.state.headers = HEADERS
    for each in (tenants, incident_groups, actions, notes, invitation, platform):
        app.include_router(each.router)
    install_problem_handlers(app)
    _document(app)
    return app


def _document(app: FastAPI) -> None:
    """The OpenAPI: with our problems, and without FastAPI's 422, which is never answered."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate()
            schemas = document["components"]["schemas"]
            schemas["Problem"] = Problem.model_json_schema()
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            for path in document["paths"].values():
                for operation in path.values():
                    operation["responses"].pop("422", None)
        return dict(app.openapi_schema or {})

    app.openapi = openapi  # type: ignore[method-assign]
    app.router.routes.append(Route("/openapi.json", _openapi))


async def _openapi(request: Request) -> JSONResponse:
    """The document with the address at which it was requested."""
    servers = [{"url": request.scope.get("root_path", "").rstrip("/") or "/"}]
    return JSONResponse({**request.app.openapi(), "servers": servers}, headers=dict(HEADERS))
