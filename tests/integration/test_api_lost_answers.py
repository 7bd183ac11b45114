"""An action that was recorded is done once, whatever becomes of its answer: by the API on a real ledger."""

from datetime import UTC, datetime
from typing import Any, cast

import httpx
import pytest

from tenancy.console.api.app import create_api
from tenancy.console.callers import Caller, Right
from tenancy.console.engine_watch import EngineWatch
from tenancy.console.services import Services
from tenancy.engine.engine_status import EngineStatus
from tenancy.saga import facts as f
from tenancy.saga.errors import TransientError
from tests import real_systems
from tests.asgi_requests import ask
from tests.integration.engine_harness import ORDER, EngineHarness

WHY = {"reason": "a test"}


class LossyConsole:
    """The API, which loses the answers of what it has done while it is `broken`."""

    def __init__(self, harness: EngineHarness) -> None:
        self.broken = False
        self._app = create_api(
            Services(lambda: harness.tenancy, lambda: datetime.now(UTC), cast("EngineWatch", self)),
            self._ada,
        )

    def post(self, path: str, key: str, body: dict[str, Any]) -> httpx.Response:
        headers = {"X-Tenancy-Request": "1", "Idempotency-Key": key}
        return ask(self._app, "POST", path, json=body, headers=headers)

    def lost(self, path: str, key: str, body: dict[str, Any]) -> None:
        """What was asked is done, and the caller is not told."""
        self.broken = True
        assert self.post(path, key, body).status_code == 503
        self.broken = False

    def start_refresh(self) -> None:
        """As the watch of the engine: there is nothing to be asked in advance."""

    def __call__(self) -> EngineStatus:
        """As the watch of the engine: what is known of it."""
        if self.broken:
            raise TransientError("The answer is lost.")
        return EngineStatus()

    @staticmethod
    async def _ada(_request: Any) -> Caller:
        return Caller("ada", frozenset(Right))


@pytest.fixture
def console(harness: EngineHarness) -> LossyConsole:
    return LossyConsole(harness)


def test_a_create_asked_again_is_answered_with_the_tenant_it_made(harness: EngineHarness, console: LossyConsole):
    console.lost("/tenants", "k-1", real_systems.request())
    again = console.post("/tenants", "k-1", real_systems.request())
    assert again.status_code == 201, again.text
    assert again.json()["tenant"]["id"] == str(harness.tenant_id)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "was recorded when it was first asked for" in again.json()["said"]
    assert len(harness.facts(f.ProvisioningRequested)) == 1


def test_a_cancel_asked_again_cancels_once_and_shows_how_far_it_is(harness: EngineHarness, console: LossyConsole):
    harness.run_until(ORDER[3])
    console.lost("/tenants/acme/cancel", "k-1", WHY)
    harness.unwind()
    again = console.post("/tenants/acme/cancel", "k-1", WHY)
    assert (again.status_code, again.json()["tenant"]["substate"]) == (202, "settled")
    assert len(harness.facts(f.CancelRequested)) == 1


def test_a_recreate_asked_again_is_answered_with_the_new_tenant(harness: EngineHarness, console: LossyConsole):
    harness.run_until(ORDER[3])
    console.post("/tenants/acme/cancel", "k-0", WHY)
    harness.unwind()
    before = str(harness.tenant_id)
    named = {**WHY, "tenant_id": before}
    console.lost("/tenants/acme/recreate", "k-1", named)
    tenant = console.post("/tenants/acme/recreate", "k-1", named).json()["tenant"]
    assert (tenant["state"], tenant["predecessor"]) == ("Provisioning", before)


def test_what_was_refused_was_not_obeyed(harness: EngineHarness, console: LossyConsole):
    harness.run_until(ORDER[3])
    first = console.post("/tenants/acme/reset", "k-1", WHY)
    assert (first.status_code, first.headers["Retry-After"]) == (409, "120")
    console.post("/tenants/acme/cancel", "k-2", WHY)
    harness.unwind()
    assert console.post("/tenants/acme/reset", "k-1", WHY).status_code == 200
