"""Airflow's REST API as the service user: the connections that are tenants' workflow handles, and pools.

Called by the workflow-handle activity. Tasks have no database session in Airflow 3, so this goes by HTTP. Passwords go
in request bodies only and are never logged.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tenancy.saga.errors import PermanentError, TransientError

CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0
_NOT_THE_TENANTS = "This is a platform matter, not the tenant's: escalate if it lasts."
_PAGE = 100
"""[api] maximum_page_limit of Airflow 3.3.2."""


@dataclass(frozen=True)
class Handle:
    """An Airflow connection that stands for a tenant. `proof` is its description."""

    name: str
    proof: str
    host: str
    port: int
    dbname: str
    user: str
    pool: str
    password: str = field(default="", repr=False)
    """Write-only: Airflow masks it when asked."""


class AirflowApi:
    """The workflow engine's REST API at `url`, entered as the service user."""

    def __init__(self, url: str, *, user: str, password: str, read_seconds: float = READ_SECONDS) -> None:
        self._url = url.rstrip("/")
        self._user = user
        self._password = password
        self._token = ""
        self._bounds = httpx.Timeout(read_seconds, connect=CONNECT_SECONDS)

    def handle(self, name: str) -> Handle | None:
        """The handle, if it exists."""
        answer = self._call("GET", f"/connections/{name}", accept=(200, 404))
        return _handle(answer.json()) if answer.status_code == 200 else None

    def handles(self) -> Iterator[Handle]:
        """Every connection, page by page."""
        offset, total = 0, 1
        while offset < total:
            query = {"limit": _PAGE, "offset": offset, "order_by": "connection_id"}
            page = self._call("GET", "/connections", params=query).json()
            yield from (_handle(entry) for entry in page["connections"])
            offset, total = offset + _PAGE, page["total_entries"]

    def create_handle(self, handle: Handle) -> bool:
        """Make it; False when one of this name exists already."""
        return self._call("POST", "/connections", body=_body(handle), accept=(201, 409)).status_code == 201

    def update_handle(self, handle: Handle) -> None:
        """Make an existing one say the same as `handle`, its password included."""
        self._call("PATCH", f"/connections/{handle.name}", body=_body(handle))

    def delete_handle(self, name: str) -> None:
        """Delete it, if it is there."""
        self._call("DELETE", f"/connections/{name}", accept=(204, 404))

    def has_pool(self, name: str) -> bool:
        """Is there a pool of this name?"""
        return self._call("GET", f"/pools/{name}", accept=(200, 404)).status_code == 200

    def _call(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, Any] | None = None,
        body: dict[str, Any] | None = None,
        accept: tuple[int, ...] = (200,),
    ) -> httpx.Response:
        with _translated(self._url), self._client() as client:
            headers = {"Authorization": f"Bearer {self._log_in(client)}"}
            answer = client.request(method, f"/api/v2{path}", params=params, json=body, headers=headers)
        if answer.status_code not in accept:
            raise refusal(f"{method} {path}", answer)
        return answer

    def _client(self) -> httpx.Client:
        # Reading the machine's certificates takes 50 ms; a plain http address has no use for them.
        return httpx.Client(base_url=self._url, timeout=self._bounds, verify=self._url.startswith("https:"))

    def _log_in(self, client: httpx.Client) -> str:
        if not self._token:
            login = {"username": self._user, "password": self._password}
            answer = client.post("/auth/token", json=login)
            if answer.status_code != 201:
                raise refusal(f"login of {self._user}", answer)
            self._token = answer.json()["access_token"]
        return self._token


@contextmanager
def _translated(url: str) -> Iterator[None]:
    try:
        yield
    except httpx.HTTPError as error:
        raise TransientError(
            f"The workflow engine does not answer at {url} ({type(error).__name__}: {error}). {_NOT_THE_TENANTS}"
        ) from error


def refusal(what: str, answer: httpx.Response) -> TransientError | PermanentError:
    """An answer that is none of those expected, in our words."""
    said = f"The workflow engine answered {answer.status_code} to {what}: {_said(answer)[:300]}"
    if answer.status_code >= 500 or answer.status_code in {408, 429}:
        return TransientError(f"{said.rstrip('.')}. {_NOT_THE_TENANTS}")
    return PermanentError(said)


def _said(answer: httpx.Response) -> str:
    """Never `input`, in which Airflow sends back what it was sent: a password stands there."""
    detail = _json_object(answer.text).get("detail", answer.text)
    if isinstance(detail, dict):
        return ": ".join(str(detail[key]) for key in ("reason", "message") if key in detail)
    if isinstance(detail, list):
        wrongs = [wrong for wrong in detail if isinstance(wrong, dict)]
        return "; ".join(f"{'.'.join(map(str, each.get('loc', ())))}: {each.get('msg')}" for each in wrongs)
    return str(detail)


def _handle(entry: dict[str, Any]) -> Handle:
    extra = entry.get("extra") or "{}"
    return Handle(
        name=entry["connection_id"],
        proof=entry.get("description") or "",
        host=entry.get("host") or "",
        port=entry.get("port") or 0,
        dbname=entry.get("schema") or "",
        user=entry.get("login") or "",
        pool=str(_json_object(extra).get("pool", "")),
    )


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _body(handle: Handle) -> dict[str, Any]:
    return {
        "connection_id": handle.name,
        "conn_type": "postgres",
        "description": handle.proof,
        "host": handle.host,
        "port": handle.port,
        "schema": handle.dbname,
        "login": handle.user,
        "password": handle.password,
        "extra": json.dumps({"pool": handle.pool}),
    }
