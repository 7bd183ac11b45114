"""One step of a recovery, as the API answers it: what was done, why, and when to ask again. Pure.

The server decides (POST /tenants/{ref}/recover); this module only reads its answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tenantctl.tenant import Tenant

DONE, WAIT, ACT = "done", "wait", "act"
_ASK_AGAIN_SECONDS: Final = 2.0


@dataclass(frozen=True)
class RecoveryStep:
    """`kind` is done, wait, act or stop. `action` is empty unless it acts."""

    kind: str
    why: str
    tenant: Tenant
    document: Mapping[str, Any]
    """The tenant as the API sent it."""
    action: str = ""
    retry_after: float = _ASK_AGAIN_SECONDS
    began_at: int = 0
    remaining: tuple[str, ...] = ()
    message: str = ""
    """What the action did."""
    warnings: tuple[str, ...] = ()
    preview: Mapping[str, Any] | None = None
    """What the action undoes and keeps."""
    needs_slug: bool = False
    """Whether the slug must be typed."""

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "RecoveryStep":
        """From the API's Recovery."""
        document = data.get("tenant") or {}
        return cls(
            kind=str(data.get("kind") or ""),
            why=str(data.get("why") or ""),
            tenant=Tenant.of(document),
            document=document,
            action=str(data.get("action") or ""),
            retry_after=float(data.get("retry_after") or _ASK_AGAIN_SECONDS),
            began_at=int(data.get("began_at") or 0),
            remaining=tuple(data.get("remaining") or ()),
            message=str(data.get("message") or ""),
            warnings=tuple(data.get("warnings") or ()),
            preview=data.get("preview"),
            needs_slug=bool(data.get("confirm_slug")),
        )

    @property
    def has_ended(self) -> bool:
        """Whether the recovery has ended. A kind that a newer server sends ends it, too."""
        return self.kind not in {WAIT, ACT}

    @property
    def destroys(self) -> bool:
        """Whether its action destroys a customer's data."""
        return bool((self.preview or {}).get("confirm_slug")) and self.action == "cancel"
