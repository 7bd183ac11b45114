"""The console's pages on a real ledger, without Airflow: as one caller sees them."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import httpx

from tenancy.console.callers import Caller, NotAuthenticated, Right
from tenancy.console.engine_watch import engine_watch
from tenancy.console.pages.app import create_pages
from tenancy.console.services import Services
from tenancy.engine.tenancy import Tenancy
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import Ledger
from tenancy.saga import commands as c
from tenancy.saga.names import TenantId
from tests import real_systems
from tests.asgi_requests import ask
from tests.contract.fake_runs import FakeRuns
from tests.products import SAMPLE_ONLY
from tests.unit.sagas import (
    RUN,
    TENANT,
)

SOON = datetime(2026, 2, 1, 0, 0, 30, tzinfo=UTC)
NOW = datetime(2026, 2, 1, 1, 0, tzinfo=UTC)
STAMP = Stamp("ada", reason="because")
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}"
OPERATOR = Caller("operator", frozenset({Right.READ, Right.CREATE, Right.EDIT}))
VIEWER = Caller("viewer", frozenset({Right.READ}))


@dataclass
class Console:
    """The pages, as one caller sees them."""

    ledger: Ledger
    runs: FakeRuns
    caller: Caller | None = OPERATOR
    now: datetime = NOW

    def __post_init__(self) -> None:
        platform, nowhere = real_systems.platform(), cast("Any", None)
        self.tenancy = Tenancy(
            self.ledger, platform, real_systems.KEYRING, nowhere, runs=lambda: self.runs, products=SAMPLE_ONLY
        )
        self.app = create_pages(
            Services(lambda: self.tenancy, lambda: self.now, engine_watch(lambda: self.tenancy)), self._authenticate
        )

    async def _authenticate(self, _request: Any) -> Caller:
        if self.caller is None:
            raise NotAuthenticated("No token")
        return self.caller

    def get(self, path: str, status: int = 200, **more: Any) -> httpx.Response:
        answer = ask(self.app, "GET", path, **more)
        for _ in range(5):  # a page waits 1.2 s for the ledger, which may be little on a busy machine
            if answer.status_code != 503 or status == 503:
                break
            answer = ask(self.app, "GET", path, **more)
        assert answer.status_code == status, answer.text
        return answer

    def tenant(self, *commands: c.Command, number: int = 0) -> TenantId:
        tenant_id = TenantId(UUID(int=TENANT.int + number))
        with self.ledger.open("test") as session:
            session.record(tenant_id, *commands, stamp=STAMP)
        return tenant_id


def looks(html: str) -> list[str]:
    return re.findall(r'data-look="([a-z-]+)"', html)


def pages_of(tenant_id: TenantId) -> list[str]:
    return [
        "/",
        "/?part=live",
        f"/tenants/{tenant_id}",
        f"/tenants/{tenant_id}?part=live",
        f"/runs/tenant_provisioning/{RUN}",
    ]
