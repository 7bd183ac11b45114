"""The application inside a tenant's pods: which routes it has and what they answer.

The listener calls `answer` in a thread of its own for each request that reached a ready pod. The container does not
run, but what it would need is real: the DSN is read from the Secret its pod spec names, and the database is asked.
A new route is a function here and its line in ROUTES.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, TypeAlias

import psycopg

CONNECT_TIMEOUT_SECONDS: Final = 3
_STATEMENT_TIMEOUT: Final = "-c statement_timeout=3000"


@dataclass(frozen=True, slots=True)
class Visit:
    """One request to a tenant, and the DSN its pod was given ("" when its Secret has none)."""

    method: str
    path: str
    dsn: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: a JSON document."""

    status: HTTPStatus
    document: Mapping[str, str]

    def body(self) -> bytes:
        return json.dumps(self.document).encode()


Route: TypeAlias = Callable[[Visit], Answer]


def connect(visit: Visit) -> "psycopg.Connection[tuple[object, ...]]":
    """The tenant's own database; raises psycopg.Error, also when there is no DSN."""
    if not visit.dsn:
        raise psycopg.OperationalError("the pod's Secret has no dsn")
    return psycopg.connect(
        visit.dsn, connect_timeout=CONNECT_TIMEOUT_SECONDS, options=_STATEMENT_TIMEOUT, autocommit=True
    )


def healthz(visit: Visit) -> Answer:
    """Whether the tenant's database answers."""
    with connect(visit) as connection:
        connection.execute("SELECT 1")
    return Answer(HTTPStatus.OK, {"status": "ok"})


ROUTES: Final[dict[tuple[str, str], Route]] = {
    ("GET", "/healthz"): healthz,
}


class TenantApp:
    """Answers visits by the table of routes."""

    def __init__(self, routes: Mapping[tuple[str, str], Route] = ROUTES) -> None:
        self._routes = routes

    def answer(self, visit: Visit) -> Answer:
        """Never raises for a broken database: that is a 503, as the real application would say."""
        route = self._routes.get((visit.method, visit.path))
        if route is None:
            return Answer(HTTPStatus.NOT_FOUND, {"status": "not found"})
        try:
            return route(visit)
        except psycopg.Error as error:
            # The class, not the text: a driver's message may quote the DSN.
            return Answer(HTTPStatus.SERVICE_UNAVAILABLE, {"status": "failing", "reason": type(error).__name__})
