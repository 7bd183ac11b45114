"""The application inside a tenant's pods: which routes it has, and how it reports what is broken.

The cluster emulator calls `answer` in a thread of its own for each request that reached a ready pod. The container does
not run, but what it would need is real: the DSN comes from the Secret that its pod spec names, and the tenant's own
tables are read (`pages.py`). A new route is a function there and its line in ROUTES.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import psycopg

from cluster_emulator.ingress.application import Application, AppRequest, AppResponse
from sandbox.tenant_app import pages
from sandbox.tenant_app.database import dsn_of

ROUTES: Final[dict[tuple[str, str], Application]] = {
    ("GET", "/"): pages.home,
    ("GET", "/healthz"): pages.healthz,
    ("POST", "/auth/token"): pages.token,
    ("GET", "/admin/login"): pages.invitation,
    ("POST", "/admin/login"): pages.login,
}
NO_DSN: Final = (
    "the sandbox runs no images, and this product's pods have no Secret with the key dsn, which the application that "
    "stands in needs. This says nothing about your application"
)
# Sentences and not the driver's own text, which may quote the DSN. The first that fits.
_COMPLAINTS: Final[tuple[tuple[type[psycopg.Error], str], ...]] = (
    (psycopg.errors.UndefinedTable, "the tenant's schema is not in its database"),
    (psycopg.errors.InsufficientPrivilege, "the tenant's role may not read its own schema"),
    (psycopg.errors.QueryCanceled, "the tenant's database does not respond in time"),
    (psycopg.OperationalError, "the tenant's database does not let the application in"),
    (psycopg.ProgrammingError, "the dsn in the pod's Secret is none"),
)


class TenantApp:
    """Answers requests by the table of routes."""

    def __init__(self, routes: Mapping[tuple[str, str], Application] = ROUTES) -> None:
        self._routes = routes

    def answer(self, request: AppRequest) -> AppResponse:
        """Never raises for a broken database: that is a 503, as the real application would say."""
        route = self._routes.get((request.method, request.path))
        if route is None:
            return AppResponse(HTTPStatus.NOT_FOUND, {"status": "not found"})
        if not dsn_of(request):
            return _failing(NO_DSN)
        try:
            return route(request)
        except psycopg.Error as error:
            fitting = (words for kind, words in _COMPLAINTS if isinstance(error, kind))
            return _failing(next(fitting, type(error).__name__))


def _failing(reason: str) -> AppResponse:
    return AppResponse(HTTPStatus.SERVICE_UNAVAILABLE, {"status": "failing", "reason": reason})
