"""What drift checks found. A finding appears once, and closes when the difference is gone. Rows only; no judgement.

Written by engine/reconciliation/drift_check.py, read by the console. The clock is the ledger's.
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
"""How long a closed finding can still be read in the table."""
_PAGE: Final = 1000


class FindingKind(StrEnum):
    """How ledger and outside world differ. The database's enum has the same values."""

    ORPHAN = "orphan"
    """It exists outside, and no live resource of the ledger is this object."""
    MISSING = "missing"
    """An Active tenant's resource that does not exist."""
    DRIFT = "drift"
    """Somebody edited it: a row of the ledger does not follow from its facts, or a resource is not as it was made."""


@dataclass(frozen=True)
class Finding:
    """One difference. `region` is empty if it concerns none; `message` has the difference and what to do."""

    what: FindingKind
    kind: str
    name: str
    region: str
    tenant_id: TenantId | None
    message: str

    @property
    def outside(self) -> bool:
        """Is it about the outside world? Edited rows of the ledger have no region, edited resources have one."""
        return self.what is not FindingKind.DRIFT or bool(self.region)

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes it the same finding as before."""
        return (self.what, self.kind, self.name, self.region)


@dataclass(frozen=True)
class OpenFinding:
    """An open finding, since when, and when it was last confirmed. `slug` is empty when the ledger knows no tenant."""

    finding: Finding
    slug: str
    opened_at: datetime
    confirmed_at: datetime


def load_open_findings(
    ledger: LedgerSession, *, limit: int | None = None, tenant_id: TenantId | None = None
) -> list[OpenFinding]:
    """Open findings, oldest first; of one tenant, or of all."""
    return [_open(row) for row in ledger.rows("open_findings", tenant_id=tenant_id, limit=limit)]


def confirm_findings(ledger: LedgerSession, findings: Iterable[Finding]) -> None:
    """These differences exist now: open or confirm their findings."""
    now = ledger.now
    for page in _pages(findings):
        ledger.rows("confirm_findings", findings=page, now=now)


def close_findings(ledger: LedgerSession, findings: Iterable[Finding]) -> None:
    """These differences are gone: close their findings, and delete those closed long ago."""
    now = ledger.now
    for page in _pages(findings):
        ledger.rows("close_findings", findings=page, now=now)
    ledger.rows("delete_old_findings", before=now - RETENTION)


def _pages(findings: Iterable[Finding]) -> Iterator[Jsonb]:
    """Each finding once, in pages: no statement takes long, even when a whole cluster is gone."""
    rows = list({each.key: each for each in findings}.values())
    for start in range(0, len(rows), _PAGE):
        yield Jsonb([_as_json(each) for each in rows[start : start + _PAGE]])


def _as_json(finding: Finding) -> dict[str, str | None]:
    """As the table's columns."""
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
