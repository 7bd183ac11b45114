"""What the routes need, joined by app.py (or by a test)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from tenancy.engine.tenancy import Tenancy
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import LedgerSession
from tenancy.saga.names import TenantId
from tenancy.saga.tenant import Resource, Saga


class Progress(Protocol):
    @property
    def in_flight(self) -> str: ...
    @property
    def undone(self) -> int: ...
    @property
    def to_undo(self) -> int: ...
    @property
    def left(self) -> tuple[Resource, ...]: ...


class Answer(Protocol):
    @property
    def saga(self) -> Saga: ...
    @property
    def said(self) -> str: ...
    @property
    def warnings(self) -> tuple[str, ...]: ...
    @property
    def progress(self) -> Progress: ...


class Preview(Protocol):
    @property
    def action(self) -> str: ...
    @property
    def allowed(self) -> bool: ...
    @property
    def refusal(self) -> str: ...
    @property
    def retry_after(self) -> int | None: ...
    @property
    def undone(self) -> tuple[Resource, ...]: ...
    @property
    def kept(self) -> tuple[Resource, ...]: ...
    @property
    def confirm_slug(self) -> bool: ...
    @property
    def warnings(self) -> tuple[str, ...]: ...
    @property
    def said(self) -> str: ...


class Actions(Protocol):
    """What operators may ask for (engine/actions.py)."""

    def create(self, tenancy: Tenancy, request: Mapping[str, Any], *, by: Stamp) -> Answer: ...
    def cancel(self, tenancy: Tenancy, tenant_id: TenantId, *, by: Stamp) -> Answer: ...
    def reset(
        self, tenancy: Tenancy, tenant_id: TenantId, *, by: Stamp, force: bool, platform_role: bool
    ) -> Answer: ...
    def retry(
        self,
        tenancy: Tenancy,
        tenant_id: TenantId,
        *,
        by: Stamp,
        corrections: Mapping[str, str],
        confirm_slug: str,
    ) -> Answer: ...
    def decommission(self, tenancy: Tenancy, tenant_id: TenantId, *, by: Stamp, confirm_slug: str) -> Answer: ...
    def recreate(
        self, tenancy: Tenancy, tenant_id: TenantId, *, by: Stamp, corrections: Mapping[str, str]
    ) -> Answer: ...
    def escalate(self, tenancy: Tenancy, tenant_id: TenantId, *, by: Stamp) -> Answer: ...
    def preview(self, tenancy: Tenancy, saga: Saga, action: str) -> Preview: ...
    def progress(self, ledger: LedgerSession, saga: Saga) -> Progress: ...


@dataclass(frozen=True)
class Parts:
    """The platform's parts, opened when asked for; the use cases; the clock."""

    tenancy: Callable[[], Tenancy]
    actions: Actions
    clock: Callable[[], datetime]
