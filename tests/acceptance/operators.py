"""What operators do by the JSON API."""

import time
import uuid
from collections.abc import Callable
from typing import Any

import httpx

from sandbox.access import Access
from tests.acceptance.runs import PATIENCE_SECONDS

API = "/tenancy/api/v1"
_HEADERS = {"X-Tenancy-Request": "1"}
_TRIES = 6


def send(access: Access, path: str, body: dict[str, Any], *, user: str = "operator") -> httpx.Response:
    """Send one write. Returns its response, whatever it is. The first one of an api-server loads every client."""
    with access.client(user) as client:
        return client.post(f"{API}{path}", json=body, headers=_HEADERS, timeout=PATIENCE_SECONDS)


def _until_available(request: Callable[[], httpx.Response]) -> httpx.Response:
    """The response, or the next one when a busy machine could not give it, as Retry-After invites any client to do."""
    for _ in range(_TRIES):
        response = request()
        if response.status_code != 503:
            break
        time.sleep(float(response.headers.get("Retry-After", 5)))
    return response


def perform(access: Access, slug: str, action: str, *, user: str = "operator", **body: Any) -> dict[str, Any]:
    """Perform an action, which must be accepted. A destructive one is confirmed with the tenant's present id."""
    if action in {"cancel", "decommission"}:
        body = {"tenant_id": get(access, f"/tenants/{slug}")["id"], "confirm_slug": slug, **body}
    once = {**_HEADERS, "Idempotency-Key": str(uuid.uuid4())}
    with access.client(user) as client:
        path, written = f"{API}/tenants/{slug}/{action}", {"reason": "a test", **body}
        answer = _until_available(lambda: client.post(path, json=written, headers=once, timeout=PATIENCE_SECONDS))
    assert answer.is_success, f"{action} {slug}: {answer.status_code} {answer.text}"
    return dict(answer.json())


def create(access: Access, request: dict[str, Any]) -> dict[str, Any]:
    """Create a tenant, which must be admitted."""
    answer = send(access, "/tenants", request)
    assert answer.status_code == 201, answer.text
    return dict(answer.json()["tenant"])


def get(access: Access, path: str) -> dict[str, Any]:
    with access.client("viewer") as client:
        answer = _until_available(lambda: client.get(f"{API}{path}"))
    assert answer.status_code == 200, answer.text
    return dict(answer.json())
