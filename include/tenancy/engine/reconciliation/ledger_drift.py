"""Drift inside the ledger: a row that differs from its facts, or facts that differ from what was written. Pure.

Called by drift_check.py for each tenant. Facts and rows are written in one transaction, so every difference is an edit
by hand, never a delay.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from tenancy.ledger.envelope import Envelope, find_chain_break
from tenancy.ledger.findings import Finding, FindingKind
from tenancy.ledger.inventory import StoredTenant
from tenancy.ledger.projection import resource_rows, run_row, tenant_row
from tenancy.saga.evolve import fold
from tenancy.saga.facts import AttemptStarted
from tenancy.saga.names import TenantId
from tenancy.saga.tenant import Saga

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
    rows, expected = _rows(stored), _expected_rows(saga, stored.envelopes)
    return [
        finding
        for key in sorted(rows.keys() | expected.keys())
        for finding in _edited(stored.tenant_id, key, rows.get(key), expected.get(key))
    ]


def _rows(stored: StoredTenant) -> dict[tuple[str, str], Mapping[str, Any]]:
    """All rows of a tenant, by kind and name."""
    tenant = {("tenant", str(stored.tenant_id)): stored.row} if stored.row else {}
    return tenant | _by_key(stored.resources, stored.runs)


def _expected_rows(saga: Saga, envelopes: Sequence[Envelope]) -> dict[tuple[str, str], Mapping[str, Any]]:
    """The rows that follow from the facts."""
    at = envelopes[-1].at
    started = (each.fact for each in envelopes if isinstance(each.fact, AttemptStarted))
    runs = [run_row(saga.tenant_id, fact.run_id, fact.attempt) for fact in started]
    tenant = {("tenant", str(saga.tenant_id)): tenant_row(saga, at)}
    return tenant | _by_key([_without_time(row) for row in resource_rows(None, saga, at)], runs)


def _without_time(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """A resource's row has the time of its own last change, which does not follow from the tenant's newest fact."""
    return {column: value for column, value in row.items() if column != "at"}


def _by_key(resources: Iterable[Mapping[str, Any]], runs: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], Any]:
    return {(row["kind"], row["name"]): row for row in resources} | {
        ("run", f"of attempt {row['attempt']} of the tenant {row['tenant_id']}"): row for row in runs
    }


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
            "such as a note (`tenantctl note`)."
        )
        yield Finding(FindingKind.DRIFT, kind, name, "", tenant_id, sentence)


def _differences(row: Mapping[str, Any] | None, expected: Mapping[str, Any] | None) -> list[str]:
    if row is None or expected is None:
        return ["it was deleted"] if row is None else ["no fact made it"]
    return [
        f"{column} is {_worded(row[column])}, by its facts {_worded(value)}"
        for column, value in expected.items()
        if row[column] != value
    ]


def _worded(value: object) -> str:
    return "empty" if value in {None, ""} else str(value)
