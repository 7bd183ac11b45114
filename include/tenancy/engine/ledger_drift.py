"""Manual drift: a row of the ledger that is not what its facts fold to, or facts that are not what was written. Pure.

Called by drift_check.py for each tenant. Rows follow facts in one transaction, so a difference is never a matter of
time.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tenancy.ledger.envelope import find_chain_break
from tenancy.ledger.findings import Finding, FindingKind
from tenancy.ledger.inventory import StoredTenant
from tenancy.ledger.projection import resource_rows, tenant_row
from tenancy.saga.evolve import fold
from tenancy.saga.names import TenantId

ALTERED: Final = "facts"
"""The kind of a finding that says that facts were changed or removed."""


def manual_drift(stored: StoredTenant) -> list[Finding]:
    """In what one tenant's rows are not what its facts fold to, or its facts not what was once written."""
    if stored.envelopes is None:
        return [_altered(stored, "not all of them can be read")]
    if (broken := find_chain_break(stored.envelopes)) is not None:
        return [_altered(stored, f"the chain of hashes breaks at fact {broken}")]
    if (rewritten := _differs_from_head(stored)) is not None:
        return [_altered(stored, rewritten)]
    saga = fold(envelope.fact for envelope in stored.envelopes)
    if saga is None:
        return [_altered(stored, "it has a row and no facts")]
    at = stored.envelopes[-1].at
    rows = {(row["kind"], row["name"]): row for row in stored.resources}
    expected = {(row["kind"], row["name"]): row for row in resource_rows(None, saga, at)}
    return [
        *_edited(stored.tenant_id, ("tenant", str(stored.tenant_id)), stored.row, tenant_row(saga, at)),
        *(
            finding
            for key in sorted(rows.keys() | expected.keys())
            for finding in _edited(stored.tenant_id, key, rows.get(key), expected.get(key))
        ),
    ]


def _differs_from_head(stored: StoredTenant) -> str | None:
    """A history that was computed anew, or ends too early, is not the one whose head we signed."""
    head, envelopes = stored.head, stored.envelopes or ()
    if head is None:
        return None
    if len(envelopes) < head.seq:
        return f"fact {head.seq}, whose hash we signed, is missing, and {len(envelopes)} facts are there"
    if envelopes[head.seq - 1].hash != head.hash:
        return f"fact {head.seq} has another hash than the one we signed"
    return None


def _altered(stored: StoredTenant, how: str) -> Finding:
    tenant = str(stored.tenant_id)
    said = (
        f"The facts of the tenant {tenant} are not what was once written: {how}. Find out who changed the ledger's "
        f"tables, and compare with a backup before anything is done to this tenant; `tenantctl audit {tenant}`."
    )
    return Finding(FindingKind.DRIFT, ALTERED, tenant, "", stored.tenant_id, said)


def _edited(
    tenant_id: TenantId, key: tuple[str, str], row: Mapping[str, Any] | None, expected: Mapping[str, Any] | None
) -> Iterator[Finding]:
    differences = _differences(row, expected)
    if differences:
        kind, name = key
        said = (
            f"The ledger's row of the {kind} {name} was edited: {'; '.join(differences)}. The facts are the truth. "
            "Find out who did it and put the row back; a tenant's own row is also written anew with its next fact, "
            "which `tenantctl escalate` records."
        )
        yield Finding(FindingKind.DRIFT, kind, name, "", tenant_id, said)


def _differences(row: Mapping[str, Any] | None, expected: Mapping[str, Any] | None) -> list[str]:
    if row is None or expected is None:
        return ["it was deleted"] if row is None else ["no fact made it"]
    return [
        f"{column} is {_worded(row[column])}, by its facts {_worded(value)}"
        for column, value in expected.items()
        if column in row and row[column] != value
    ]


def _worded(value: object) -> str:
    return "empty" if value in {None, ""} else str(value)
