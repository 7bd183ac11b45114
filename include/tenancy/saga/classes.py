"""Classes of stall: tenants that do not get on for one cause, as one matter. A pure function of troubles and now.

Runbook: "If a specific stall pattern recurs across tenants, escalate to platform engineering as a class issue, not a
per-tenant one." The reconciler keeps what is found here (engine/classes.py).
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from tenancy.saga.causes import Cause
from tenancy.saga.names import ActivityName, TenantId

TENANTS: Final = 3
"""So many make a class; it is one until none is left."""
WINDOW: Final = timedelta(hours=24)
"""A failure counts for so long; an open stall as long as it is open."""


@dataclass(frozen=True)
class Signature:
    """What makes it the same matter. `error` is what the messages have in common (sameness.py)."""

    activity: ActivityName
    """Empty for a stall that is no activity's."""
    cause: Cause
    error: str
    region: str
    chart_version: str
    schema_version: str

    @property
    def key(self) -> str:
        """The same for the same signature, and short."""
        parts = (self.activity, self.cause, self.error, self.region, self.chart_version, self.schema_version)
        return sha256("\0".join(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Trouble:
    """One tenant's: its open stall (`lasts`), or how its last attempt failed, when that was."""

    tenant_id: TenantId
    signature: Signature
    message: str
    at: datetime
    lasts: bool = False


@dataclass(frozen=True)
class ClassIssue:
    """The tenants of one signature. `message` is that of the newest incident."""

    signature: Signature
    members: frozenset[TenantId]
    first_at: datetime
    last_at: datetime
    message: str


def classes(troubles: Iterable[Trouble], now: datetime, known: Collection[str] = ()) -> tuple[ClassIssue, ...]:
    """Every class there is, the oldest first; `known` are keys of those that are open already."""
    grouped: dict[Signature, list[Trouble]] = {}
    for trouble in troubles:
        if trouble.lasts or now - trouble.at <= WINDOW:
            grouped.setdefault(trouble.signature, []).append(trouble)
    issues = (_issue(signature, of_it) for signature, of_it in grouped.items())
    found = (issue for issue in issues if len(issue.members) >= TENANTS or issue.signature.key in known)
    return tuple(sorted(found, key=lambda issue: issue.first_at))


def _issue(signature: Signature, troubles: list[Trouble]) -> ClassIssue:
    newest = max(troubles, key=lambda trouble: trouble.at)
    members = frozenset(trouble.tenant_id for trouble in troubles)
    return ClassIssue(signature, members, min(trouble.at for trouble in troubles), newest.at, newest.message)
