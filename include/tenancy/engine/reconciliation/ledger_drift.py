"""Drift inside the ledger: a row that differs from its facts, or facts that differ from what was written. Pure.

Called by drift_check.py for each tenant. Facts and rows are written in one transaction, so every difference is an edit
by hand, never a delay.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tenancy.ledger.envelope import find_chain_break
from tenancy.ledger.findings import Finding, FindingKind
from tenancy.ledger.inventory import StoredTenant
from tenancy.ledger.projection import resource_rows, tenant_row
from tenancy.saga.evolve import fold
from tenancy.saga.names import TenantId

ALTERED_FACTS: Final = "facts"
"""The kind of a finding about changed or removed facts."""


def find_ledger_drift(stored: StoredTenant) -> list[Finding]:
    """The findings about one tenant: rows that differ from its facts, or facts that were changed."""
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
    """How the facts differ from the signed head: a rewritten chain has another hash, a truncated one is too short."""
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
    sentence = (
        f"The facts of the tenant {tenant} are not what was once written: {how}. Find out who changed the ledger's "
        f"tables, and compare with a backup before anything is done to this tenant; `tenantctl audit {tenant}`."
    )
    return Finding(FindingKind.DRIFT, ALTERED_FACTS, tenant, "", stored.tenant_id, sentence)


def _edited(
    tenant_id: TenantId, key: tuple[str, str], row: Mapping[str, Any] | None, expected: Mapping[str, Any] | None
) -> Iterator[Finding]:
    differences = _differences(row, expected)
    if differences:
        kind, name = key
        sentence = (
            f"The ledger's row of the {kind} {name} was edited: {'; '.join(differences)}. The facts are the truth. "
            "Find out who did it and put the row back; a tenant's own row is also written anew with its next fact, "
            "which `tenantctl escalate` records."
        )
        yield Finding(FindingKind.DRIFT, kind, name, "", tenant_id, sentence)


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
