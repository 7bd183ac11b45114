"""The real Airflow sends each notification once, also when the channel is down at first, and no tenant waits for it."""

import time
from collections.abc import Callable
from typing import Any

from sandbox.access import Access
from tenancy.ledger import alerts
from tenancy.ledger.alerts import Alert
from tenancy.ledger.ledger import Ledger
from tests.acceptance import runs
from tests.acceptance.channels import received_bodies, webhook
from tests.notification_receivers import Endpoint, closed_port, http_endpoint
from tests.real_systems import as_dsn

_BETWEEN_NUDGES_SECONDS = 3.0


def raise_(access: Access, key: str) -> None:
    with Ledger(as_dsn(access.ledger_dsn, "the ledger")).open("test") as ledger:
        alerts.raise_alert(ledger, Alert(key, f"About {key}.", "A test.", path="/tenancy/?attention=true"))


def tries(access: Access, key: str) -> int:
    rows = runs.ledger(access, "select tries from ledger.delivery where key = %s", key)
    return int(rows[0]["tries"]) if rows else 0


def until_nudged(access: Access, look: Callable[[], object], what: str) -> None:
    """Wait for it, and do not leave the reconciler to its half minute."""
    nudged_at = 0.0

    def nudging_look() -> object:
        nonlocal nudged_at
        if time.monotonic() - nudged_at > _BETWEEN_NUDGES_SECONDS:
            nudged_at = time.monotonic()
            runs.ledger(access, "select pg_notify('tenancy_poke', 'a test')")
        return look()

    runs.wait_until(nudging_look, what)


def received(endpoint: Endpoint, *keys: str) -> list[dict[str, Any]]:
    return [body for body in received_bodies(endpoint) if body["key"] in keys]


def test_an_alert_that_no_channel_took_is_sent_once_when_one_responds_and_no_tenant_waited(sandbox: Access):
    first, second, port, slug = runs.new_slug("first"), runs.new_slug("second"), closed_port(), runs.new_slug("meanw")
    with webhook(sandbox, port):
        raise_(sandbox, first)
        until_nudged(sandbox, lambda: tries(sandbox, first), "a first try")
        runs.trigger(sandbox, runs.request(slug))
        assert runs.await_phase(sandbox, slug, "Active") == "Active"

        with http_endpoint(port) as endpoint:
            until_nudged(sandbox, lambda: received(endpoint, first), "it to be told")
            raise_(sandbox, first)
            raise_(sandbox, second)
            until_nudged(sandbox, lambda: received(endpoint, second), "the second to be told")

    once = received(endpoint, first)[0]  # at least once: an answer may come too late for the sender
    assert tries(sandbox, first) >= 2
    assert (once["subject"], once["platform"]) == (f"About {first}.", "sandbox")
    assert once["url"] == f"{sandbox.api_url}/tenancy/?attention=true"
