"""A tenant's audit log as its page shows it: who, what, why, when, newest first, a page at a time. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tenancy.activities.registry import label_of
from tenancy.ledger.envelope import Envelope
from tenancy.saga import facts as f

AUDIT_PAGE: Final = 50


@dataclass(frozen=True)
class AuditLine:
    """One fact: when, who, what, why."""

    seq: int
    at: datetime
    actor: str
    kind: str
    detail: str
    reason: str


def audit_page(envelopes: tuple[Envelope, ...], below: int | None) -> tuple[tuple[AuditLine, ...], int | None]:
    """The facts below this seq, and where the page behind begins, if there is one."""
    page = [each for each in envelopes if below is None or each.seq < below][-AUDIT_PAGE:]
    older_below = page[0].seq if page and page[0].seq > 1 else None
    lines = [_audit_line(each, previous) for each, previous in zip(page, [None, *page], strict=False)]
    return tuple(reversed(lines)), older_below


def _audit_line(envelope: Envelope, previous: Envelope | None) -> AuditLine:
    """A reason that successive facts share, such as an unwinding's, is shown with the first of them only."""
    fact, stamp = envelope.fact, envelope.stamp
    same = previous is not None and previous.stamp.reason == stamp.reason and previous.stamp.actor == stamp.actor
    return AuditLine(envelope.seq, envelope.at, stamp.actor, fact.kind, detail(fact), "" if same else stamp.reason)


def detail(fact: f.Fact) -> str:
    """The fact's details that its kind does not name."""
    attributes = vars(fact).items() if not isinstance(fact, f.ActivityStarted) else [("activity", fact.activity)]
    values = [str(value) for key, value in attributes if key in _SHOWN_ATTRIBUTES and value and value != "unknown"]
    return " · ".join(label_of(each) for each in values)


_SHOWN_ATTRIBUTES: Final = frozenset(
    {"activity", "resource", "name", "error", "message", "cause", "action", "holder", "why", "text"}
)
