"""What every write has, whatever it is: who asks, how, and under which key."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from tenancy.console.api.access import CallerOf, PartsOf
from tenancy.console.api.requests import DryRun, IdempotencyKey, Meant
from tenancy.ledger.envelope import Stamp


@dataclass(frozen=True)
class Asked:
    """What every write has, whatever it is."""

    request: Request
    parts: PartsOf
    caller: CallerOf
    meant: Meant
    """The gate has looked at it already; here it is documented."""
    dry_run: DryRun = False
    key: IdempotencyKey = None

    def stamp(self, reason: str) -> Stamp:
        """The caller, in the audit log."""
        return Stamp(self.caller.name, reason=reason, key=self.key or "")


AskedOf = Annotated[Asked, Depends()]
