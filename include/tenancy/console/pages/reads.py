"""What the pages read: one bounded look at the ledger each, in a thread that nobody waits for too long."""

import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

from tenancy.console.api.desk import Desk, opened
from tenancy.console.pages.patience import patiently
from tenancy.console.pages.tenant_view import Looked
from tenancy.console.parts import Parts
from tenancy.engine.progress import progress
from tenancy.ledger.findings import open_findings
from tenancy.ledger.history import Usual, usual
from tenancy.ledger.ledger import LedgerSession
from tenancy.ledger.rounds import beats

_Seen = TypeVar("_Seen")
_KEPT_SECONDS: Final = 60.0
FINDINGS: Final = 20
"""More than these are for the API."""


def looked_at(parts: Parts, look: Callable[[Desk], _Seen]) -> _Seen:
    """What `look` sees at a desk of its own; TransientError when the ledger does not answer in time."""

    def at_desk() -> _Seen:
        with opened(parts) as desk:
            return look(desk)

    return patiently(at_desk, "The ledger")


def tenant(desk: Desk, ref: str, history: "History") -> Looked:
    """All that a tenant's page shows; 404 when there is no such tenant."""
    line = desk.line(ref)
    saga = desk.saga_of(line)
    return Looked(
        line=line,
        saga=saga,
        envelopes=tuple(desk.ledger.envelopes(line.tenant_id)),
        progress=progress(desk.ledger, saga),
        usual=history.of(desk.ledger),
        beats=tuple(beats(desk.ledger)),
        findings=tuple(open_findings(desk.ledger, tenant_id=line.tenant_id, limit=FINDINGS)),
        platform=desk.tenancy.platform,
        now=desk.parts.clock(),
    )


class History:
    """How long activities usually take, read anew at most once a minute: it changes slowly."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._value: dict[str, Usual] = {}
        self._read_at = -_KEPT_SECONDS

    def of(self, ledger: LedgerSession) -> dict[str, Usual]:
        with self._lock:
            if time.monotonic() - self._read_at >= _KEPT_SECONDS:
                self._value, self._read_at = usual(ledger), time.monotonic()
            return self._value
