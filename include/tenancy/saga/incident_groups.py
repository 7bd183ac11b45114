"""Incident groups: tenants that stall or fail for the same cause. A pure function of problems and now.

A stall that several tenants have is escalated once, for the group (docs/operating/runbook.md, step 6). The reconciler
stores the groups (engine/notifications/incident_groups.py).
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from tenancy.saga.causes import Cause
from tenancy.saga.names import ActivityName, TenantId

MIN_TENANTS: Final = 3
"""So many make a class; it is one until none is left."""
WINDOW: Final = timedelta(hours=24)
"""A failure counts for so long; an open stall as long as it is open."""


@dataclass(frozen=True)
class IncidentSignature:
    """What makes it the same matter. `error` is what the messages have in common (error_texts.py)."""

    activity: ActivityName
    """Empty for a stall that is no activity's."""
    cause: Cause
    error: str
    region: str
    chart_version: str
    schema_version: str
    product: str = ""

    @property
    def key(self) -> str:
        """The same for the same signature, and short."""
        parts = (self.activity, self.cause, self.error, self.region, self.chart_version, self.schema_version)
        of_product = (self.product,) if self.product else ()
        return sha256("\0".join((*parts, *of_product)).encode()).hexdigest()


@dataclass(frozen=True)
class Incident:
    """One tenant's: its open stall (`lasts`), or how its last attempt failed, when that was."""

    tenant_id: TenantId
    signature: IncidentSignature
    message: str
    at: datetime
    is_open: bool = False


@dataclass(frozen=True)
class IncidentGroup:
    """The tenants of one signature. `message` is that of the newest incident."""

    signature: IncidentSignature
    members: frozenset[TenantId]
    first_at: datetime
    last_at: datetime
    message: str


def group_incidents(
    incidents: Iterable[Incident], now: datetime, known: Collection[str] = ()
) -> tuple[IncidentGroup, ...]:
    """Every class there is, the oldest first; `known` are keys of those that are open already."""
    grouped: dict[IncidentSignature, list[Incident]] = {}
    for incident in incidents:
        if incident.is_open or now - incident.at <= WINDOW:
            grouped.setdefault(incident.signature, []).append(incident)
    groups = (_group_of(signature, of_it) for signature, of_it in grouped.items())
    found = (group for group in groups if len(group.members) >= MIN_TENANTS or group.signature.key in known)
    return tuple(sorted(found, key=lambda group: group.first_at))


def _group_of(signature: IncidentSignature, incidents: list[Incident]) -> IncidentGroup:
    newest = max(incidents, key=lambda incident: incident.at)
    members = frozenset(incident.tenant_id for incident in incidents)
    return IncidentGroup(signature, members, min(incident.at for incident in incidents), newest.at, newest.message)
