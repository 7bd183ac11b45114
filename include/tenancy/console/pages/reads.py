"""What the pages read: one bounded look at the ledger each, in a thread that nobody waits for too long."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, TypeVar

from tenancy.console.advisor import Advisor
from tenancy.console.api.request_context import RequestContext, open_context
from tenancy.console.pages.looked import Looked
from tenancy.console.pages.patience import PATIENCE_SECONDS, patiently
from tenancy.console.parts import Parts
from tenancy.engine.progress import load_progress
from tenancy.ledger import tenant_summaries
from tenancy.ledger.activity_durations import DurationStats, load_durations
from tenancy.ledger.findings import OpenFinding, load_open_findings
from tenancy.ledger.heartbeats import Heartbeat, load_heartbeats
from tenancy.ledger.ledger import LedgerSession
from tenancy.ledger.tenant_summaries import TenantSummary
from tenancy.saga.errors import TransientError
from tenancy.saga.evolve import fold
from tenancy.saga.states import State

_Seen = TypeVar("_Seen")
FINDINGS: Final = 20
"""More than these are for the API."""


def looked_at(parts: Parts, look: Callable[[RequestContext], _Seen]) -> _Seen:
    """What `look` sees in a context of its own; TransientError when the ledger does not answer in time."""

    def in_context() -> _Seen:
        with open_context(parts) as context:
            return look(context)

    return patiently(in_context, "The ledger")


@dataclass(frozen=True)
class Seen:
    """What a glance at a tenant sees: enough to know whether its page has changed."""

    line: TenantSummary
    beats: tuple[Heartbeat, ...]
    findings: tuple[OpenFinding, ...]
    escalation: str
    """What became of its escalation; empty when it is not escalated."""
    advisor: Advisor

    @property
    def now(self) -> datetime:
        """The moment of the look."""
        return self.advisor.now


def glance(context: RequestContext, ref: str) -> Seen:
    """The tenant's row, without its facts; 404 when there is no such tenant."""
    line = context.line(ref)
    found = tuple(load_open_findings(context.ledger, tenant_id=line.tenant_id, limit=FINDINGS))
    escalation = context.escalation(line)
    return Seen(
        line, tuple(load_heartbeats(context.ledger)), found, escalation, context.advisor(context.parts.engine.known)
    )


def tenant(context: RequestContext, ref: str, history: "Kept[dict[str, DurationStats]]") -> Looked:
    """All that a tenant's page shows; 404 when there is no such tenant."""
    seen = glance(context, ref)
    line = seen.line
    envelopes = tuple(context.ledger.envelopes(line.tenant_id))  # read once: they are most of the work
    saga = fold(envelope.fact for envelope in envelopes)
    assert saga is not None  # its row is written with its facts
    return Looked(
        line=line,
        saga=saga,
        envelopes=envelopes,
        held=context.parts.engine.known.holds(saga) or saga.hold_reason,
        progress=load_progress(context.ledger, saga, envelopes),
        usual=history.of(context.ledger),
        beats=seen.beats,
        findings=seen.findings,
        escalation=seen.escalation,
        platform=context.tenancy.platform,
        advisor=seen.advisor,
        now=seen.now,
    )


class Kept(Generic[_Seen]):
    """What is read anew only after some seconds, by one process for all its pages.

    While one reads it anew, the others take what was read before: a slow reading holds up one page, not all threads.
    """

    def __init__(self, read: Callable[[LedgerSession], _Seen], seconds: float) -> None:
        self._read, self._seconds = read, seconds
        self._reading = threading.Lock()
        self._values: list[_Seen] = []
        self._due = 0.0

    def of(self, ledger: LedgerSession) -> _Seen:
        """The value, read by this session if it is due; TransientError while there is none and its reading lasts."""
        if self._values and time.monotonic() < self._due:
            return self._values[0]
        if not self._reading.acquire(timeout=0 if self._values else PATIENCE_SECONDS):
            return self._before()
        try:
            if not self._values or time.monotonic() >= self._due:
                self._due = time.monotonic() + self._seconds  # also when it fails: not every page shall try
                self._values = [self._read(ledger)]
            return self._values[0]
        finally:
            self._reading.release()

    def _before(self) -> _Seen:
        if not self._values:
            raise TransientError(f"The ledger has not answered for {PATIENCE_SECONDS:g} s.")
        return self._values[0]


def history() -> Kept[dict[str, DurationStats]]:
    """How long activities usually take: it changes slowly."""
    return Kept(load_durations, 60.0)


def counts() -> Kept[dict[State, int]]:
    """How many tenants are in each state: every row is counted, which takes 20 ms with 100,000."""
    return Kept(tenant_summaries.count_by_state, 3.0)
