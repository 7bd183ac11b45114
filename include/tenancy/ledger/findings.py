"""What reality checks found: each finding appears once and disappears when it is mended. Rows only; no judgement.

Written by engine/drift_check.py, read by the console. Time is the ledger's.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from psycopg.types.json import Jsonb

from tenancy.ledger.ledger import LedgerSession
from tenancy.saga.names import TenantId

RETENTION = timedelta(days=90)
"""How long a mended finding can still be read in the table."""
_PAGE: Final = 1000


class FindingKind(StrEnum):
    """In what ledger and world differ. The database has the same words."""

    ORPHAN = "orphan"
    """Exists outside, and no live intent names it."""
    MISSING = "missing"
    """An Active tenant's resource that does not exist."""
    DRIFT = "drift"
    """Somebody edited it: a row of the ledger is not what its facts fold to, or a resource not as it was made."""


@dataclass(frozen=True)
class Finding:
    """`region` is empty where no region has its own; `said` tells what is so and what to do."""

    what: FindingKind
    kind: str
    name: str
    region: str
    tenant_id: TenantId | None
    message: str

    @property
    def outside(self) -> bool:
        """Is it about the outside world? Rows of the ledger that were edited have no region, edited resources have."""
        return self.what is not FindingKind.DRIFT or bool(self.region)

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes it the same finding as before."""
        return (self.what, self.kind, self.name, self.region)


@dataclass(frozen=True)
class OpenFinding:
    """A finding that is so, since when, and when that was last seen. `slug` is empty when the ledger knows none."""

    finding: Finding
    slug: str
    opened_at: datetime
    confirmed_at: datetime


def load_open_findings(
    ledger: LedgerSession, *, limit: int | None = None, tenant_id: TenantId | None = None
) -> list[OpenFinding]:
    """What is so now, oldest first; of one tenant, or of all."""
    return [_open(row) for row in ledger.rows("open_findings", tenant_id=tenant_id, limit=limit)]


def confirm_findings(ledger: LedgerSession, findings: Iterable[Finding]) -> None:
    """They are so."""
    now = ledger.now
    for page in _pages(findings):
        ledger.rows("confirm_findings", findings=page, now=now)


def close_findings(ledger: LedgerSession, findings: Iterable[Finding]) -> None:
    """They are so no longer; and what was mended long ago is forgotten."""
    now = ledger.now
    for page in _pages(findings):
        ledger.rows("close_findings", findings=page, now=now)
    ledger.rows("delete_old_findings", before=now - RETENTION)


def _pages(findings: Iterable[Finding]) -> Iterator[Jsonb]:
    """Each finding once, and no statement that takes long, also when a whole cluster is gone."""
    rows = list({each.key: each for each in findings}.values())
    for start in range(0, len(rows), _PAGE):
        yield Jsonb([_as_json(each) for each in rows[start : start + _PAGE]])


def _as_json(finding: Finding) -> dict[str, str | None]:
    """In the words of the table's columns."""
    return {
        "what": finding.what,
        "kind": finding.kind,
        "name": finding.name,
        "region": finding.region,
        "tenant_id": str(finding.tenant_id) if finding.tenant_id else None,
        "said": finding.message,
    }


def _open(row: dict[str, Any]) -> OpenFinding:
    tenant_id = TenantId(row["tenant_id"]) if row["tenant_id"] else None
    finding = Finding(FindingKind(row["what"]), row["kind"], row["name"], row["region"], tenant_id, row["said"])
    return OpenFinding(finding, row["slug"] or "", row["opened_at"], row["confirmed_at"])
