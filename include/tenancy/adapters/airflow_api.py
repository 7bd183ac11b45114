"""Airflow's REST API as the service user: the connections that are tenants' workflow handles, and pools.

Called by the workflow-handle activity. Tasks have no database session in Airflow 3, so this goes by HTTP.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from tenancy.adapters.absence import states_airflow_absence
from tenancy.adapters.airflow_client import AirflowClient, json_object
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PlatformError, TransientError

_PAGE = 100
"""[api] maximum_page_limit of Airflow 3.3.2."""


MARKER = "tenancy_system_marker"
"""The connection that says which Airflow this is: its description is made once, and lies in Airflow's own database.
Airflow 3.3.2 states no identity of its own by its API."""
_MARKER_PREFIX = "tenancy-system:"


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
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Further libpq parameters, such as sslmode."""


class AirflowApi:
    """The handles and pools of the workflow engine behind `client`."""

    def __init__(self, client: AirflowClient) -> None:
        self._call = client.call

    def handle(self, name: str) -> Handle | None:
        """The handle, if it exists."""
        answer = self._call("GET", f"/connections/{name}", accept=(200, 404))
        if answer.status_code == 404:
            _require_absence(name, answer)
            return None
        entry = json_object(answer.text)
        if entry.get("connection_id") != name:
            raise _odd(answer)
        return _handle(entry)

    def identity(self, *, make: bool = False) -> str:
        """Which Airflow this is, by its marker; empty when it has none. `make` one then, for a first resource."""
        marker = self.handle(MARKER)
        if marker is None and make:
            body = {"connection_id": MARKER, "conn_type": "generic", "description": f"{_MARKER_PREFIX}{uuid4()}"}
            self._call("POST", "/connections", body=body, accept=(201, 409))
            marker = self.handle(MARKER)  # perhaps another's, who was first
        if marker is None:
            return ""
        if not marker.proof.startswith(_MARKER_PREFIX):
            raise PlatformError(
                f"The Airflow connection {MARKER} has lost its description, which states which Airflow this is. "
                "Restore it from a backup; or delete the connection, and accept the identity that is made then.",
                cause=Cause.OTHER_SYSTEM,
            )
        return f"airflow:{marker.proof.removeprefix(_MARKER_PREFIX)}"

    def handles(self) -> Iterator[Handle]:
        """Every connection, page by page. One may be told twice, or not, when others are deleted meanwhile."""
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
        answer = self._call("DELETE", f"/connections/{name}", accept=(204, 404))
        if answer.status_code == 404:
            _require_absence(name, answer)

    def has_pool(self, name: str) -> bool:
        """Is there a pool of this name?"""
        answer = self._call("GET", f"/pools/{name}", accept=(200, 404))
        if answer.status_code == 404:
            _require_absence(name, answer)
        return answer.status_code == 200


def _require_absence(name: str, answer: httpx.Response) -> None:
    if not states_airflow_absence(name, answer.text):
        raise _odd(answer)


def _odd(answer: httpx.Response) -> TransientError:
    where = f"{answer.request.method} {answer.request.url}"
    return TransientError(
        f"The workflow engine's answer {answer.status_code} to {where} is not in Airflow's format: perhaps a proxy or "
        "a router answers there. Nothing follows from it; correct the connection tenancy_airflow_api.",
        cause=Cause.ENGINE_REFUSES,
    )


def _handle(entry: dict[str, Any]) -> Handle:
    extra = json_object(entry.get("extra") or "{}")
    return Handle(
        name=entry["connection_id"],
        proof=entry.get("description") or "",
        host=entry.get("host") or "",
        port=entry.get("port") or 0,
        dbname=entry.get("schema") or "",
        user=entry.get("login") or "",
        pool=str(extra.pop("pool", "")),
        parameters={name: str(value) for name, value in extra.items()},
    )


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
        "extra": json.dumps({"pool": handle.pool, **handle.parameters}),
    }
