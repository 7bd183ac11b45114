"""Makes a webhook a notification channel of the sandbox, and reads what it received."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sandbox.access import Access
from tests.notification_receivers import Endpoint

_CONNECTIONS = "/api/v2/connections"
_CHANNEL = "tenancy_notify_webhook"


@contextmanager
def webhook(access: Access, port: int) -> Iterator[None]:
    """Create the connection that makes the webhook a channel. It retries after 1 s, then 2, instead of 30."""
    connection = {
        "connection_id": _CHANNEL,
        "conn_type": "http",
        "host": f"http://127.0.0.1:{port}/hook",
        "extra": json.dumps({"retry_seconds": 1}),
    }
    with access.client("engineer") as client:
        assert client.post(_CONNECTIONS, json=connection).status_code == 201
        try:
            yield
        finally:
            client.delete(f"{_CONNECTIONS}/{_CHANNEL}")


def received_bodies(endpoint: Endpoint) -> list[dict[str, Any]]:
    """All bodies that it received, in order."""
    return [json.loads(received.body) for received in endpoint.received]
