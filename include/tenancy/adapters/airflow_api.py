"""Airflow connections and pools by its REST API, as the service user. A tenant's workflow handle is a connection.

Called by the workflow-handle activity. Tasks have no database session in Airflow 3, so this uses HTTP.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

from tenancy.adapters import airflow_responses as responses
from tenancy.adapters.airflow_client import AirflowClient
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PermanentError, PlatformError

_PAGE = 100
"""[api] maximum_page_limit of Airflow 3.3.2."""


MARKER = "tenancy_system_marker"
"""The connection whose description identifies this Airflow. It is created once, in Airflow's own database, because the
API of Airflow 3.3.2 has no identity."""
_MARKER_PREFIX = "tenancy-system:"


@dataclass(frozen=True)
class Handle:
    """An Airflow connection of a tenant. `proof` is its description."""

    name: str
    proof: str
    host: str
    port: int
    dbname: str
    user: str
    password: str = field(default="", repr=False)
    """Write-only: Airflow's API returns it masked."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Further libpq parameters, such as sslmode, and nothing else: Airflow's PostgresHook passes all of them to
    libpq."""


class AirflowApi:
    """The workflow handles and pools of one Airflow."""

    def __init__(self, client: AirflowClient) -> None:
        self._call = client.call
        self._read = client.read

    def handle(self, name: str) -> Handle | None:
        """The handle, if it exists."""
        response = self._call("GET", f"/connections/{name}", accept=(200, 404))
        if response.status_code == 404:
            responses.require_absence(response, f"`{name}`")
            return None
        handle = responses.decode_response(response, _handle)
        if handle.name != name:
            raise responses.unexpected(response, f"it speaks of {handle.name[:100]}")
        return handle

    def identity(self, *, make: bool = False) -> str:
        """The identity of this Airflow, from its marker; empty when it has none. `make`: create the marker if
        needed."""
        marker = self.handle(MARKER)
        if marker is None and make:
            body = {"connection_id": MARKER, "conn_type": "generic", "description": f"{_MARKER_PREFIX}{uuid4()}"}
            self._make(body)
            marker = self.handle(MARKER)  # another process may have been first
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
        """Every connection, page by page. If others are deleted meanwhile, one may appear twice or not at all."""
        offset, total = 0, 1
        while offset < total:
            query = {"limit": _PAGE, "offset": offset, "order_by": "connection_id"}
            page, total = self._read("/connections", _page, params=query)
            yield from page
            offset = offset + _PAGE if page else total

    def create_handle(self, handle: Handle) -> bool:
        """Create it; False when one of this name exists already."""
        return self._make(_body(handle))

    def _make(self, body: dict[str, Any]) -> bool:
        response = self._call("POST", "/connections", body=body, accept=(201, 409))
        if response.status_code == 409:
            return False
        responses.decode_response(response, _handle)
        return True

    def update_handle(self, handle: Handle) -> None:
        """Set an existing one to `handle`, with its password. PermanentError when it does not exist."""
        response = self._call("PATCH", f"/connections/{handle.name}", body=_body(handle), accept=(200, 404))
        if response.status_code == 404:
            responses.require_absence(response, f"`{handle.name}`")
            raise PermanentError(f"The Airflow connection {handle.name} was deleted while it was updated.")
        responses.decode_response(response, _handle)

    def delete_handle(self, name: str) -> None:
        """Delete it, if it exists."""
        response = self._call("DELETE", f"/connections/{name}", accept=(204, 404))
        if response.status_code == 404:
            responses.require_absence(response, f"`{name}`")

    def has_pool(self, name: str) -> bool:
        """Is there a pool of this name?"""
        response = self._call("GET", f"/pools/{name}", accept=(200, 404))
        if response.status_code == 404:
            responses.require_absence(response, f"`{name}`")
            return False
        responses.decode_response(response, lambda document: responses.text(document, "name"))
        return True


def _page(document: responses.Document) -> tuple[list[Handle], int]:
    return [_handle(entry) for entry in responses.objects(document, "connections")], responses.number(
        document, "total_entries"
    )


_FORMERLY: Final = "pool"
"""Handles of versions before 0.2 named the plan's pool in their extra, which libpq refuses."""


def _handle(document: responses.Document) -> Handle:
    extra = responses.json_object(responses.optional_text(document, "extra"))
    return Handle(
        name=responses.text(document, "connection_id"),
        proof=responses.optional_text(document, "description"),
        host=responses.optional_text(document, "host"),
        port=responses.number(document, "port") if document.get("port") else 0,
        dbname=responses.optional_text(document, "schema"),
        user=responses.optional_text(document, "login"),
        parameters={name: str(value) for name, value in extra.items() if name != _FORMERLY},
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
        "extra": json.dumps(dict(handle.parameters)),
    }
