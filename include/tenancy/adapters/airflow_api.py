"""Airflow's REST API as the service user: the connections that are tenants' workflow handles, and pools.

Called by the workflow-handle activity. Tasks have no database session in Airflow 3, so this goes by HTTP.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tenancy.adapters.airflow_client import AirflowClient, json_object

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
    """The handles and pools of the workflow engine behind `client`."""

    def __init__(self, client: AirflowClient) -> None:
        self._call = client.call

    def handle(self, name: str) -> Handle | None:
        """The handle, if it exists."""
        answer = self._call("GET", f"/connections/{name}", accept=(200, 404))
        return _handle(answer.json()) if answer.status_code == 200 else None

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
        self._call("DELETE", f"/connections/{name}", accept=(204, 404))

    def has_pool(self, name: str) -> bool:
        """Is there a pool of this name?"""
        return self._call("GET", f"/pools/{name}", accept=(200, 404)).status_code == 200


def _handle(entry: dict[str, Any]) -> Handle:
    extra = entry.get("extra") or "{}"
    return Handle(
        name=entry["connection_id"],
        proof=entry.get("description") or "",
        host=entry.get("host") or "",
        port=entry.get("port") or 0,
        dbname=entry.get("schema") or "",
        user=entry.get("login") or "",
        pool=str(json_object(extra).get("pool", "")),
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
        "extra": json.dumps({"pool": handle.pool}),
    }
