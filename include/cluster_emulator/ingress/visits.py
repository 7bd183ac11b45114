"""A request to a tenant's application and what goes back, without anything of HTTP servers."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TypeAlias

import psycopg

Row: TypeAlias = tuple[object, ...]

CONNECT_TIMEOUT_SECONDS = 3
_STATEMENT_TIMEOUT = "-c statement_timeout=3000"


@dataclass(frozen=True, slots=True)
class Visit:
    """One request to a tenant, and the DSN its pod was given ("" when its Secret has none)."""

    method: str
    path: str
    dsn: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def posted(self, name: str) -> str:
        """A text in the body's JSON object, or ""."""
        try:
            document = json.loads(self.body)
        except ValueError:
            return ""
        return str(document.get(name, "")) if isinstance(document, dict) else ""

    def row(self, statement: str, *parameters: object) -> Row | None:
        """The first row of a statement in the tenant's own database, which is committed. Raises psycopg.Error."""
        with psycopg.connect(
            self.dsn, connect_timeout=CONNECT_TIMEOUT_SECONDS, options=_STATEMENT_TIMEOUT, autocommit=True
        ) as connection:
            return connection.execute(statement.encode(), parameters).fetchone()


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: a JSON document."""

    status: HTTPStatus
    document: Mapping[str, str]

    def body(self) -> bytes:
        return json.dumps(self.document).encode()


Route: TypeAlias = Callable[[Visit], Answer]
