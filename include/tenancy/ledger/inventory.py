"""The whole ledger for the drift check: the resources that should exist outside, and every row with its facts.

Called by engine/reconciliation/drift_check.py. Resources come in one statement; rows and facts come a hundred tenants
at a time, each page from one snapshot. Reads only.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tenancy.ledger.envelope import Envelope, envelope_of
from tenancy.ledger.ledger import LedgerSession
from tenancy.ledger.signed_heads import Head
from tenancy.saga.errors import LedgerOutdatedError
from tenancy.saga.names import TenantId
from tenancy.saga.tenant import Credential

_PAGE: Final = 100
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OwnedResource:
    """A resource that may exist, and its tenant. `active`: the tenant is Active, so the resource must exist."""

    kind: str
    name: str
    tenant_id: TenantId
    slug: str
    region: str
    active: bool
    kid: str | None = None
    credential_generation: int | None = None
    system: str = ""
    """The identity of the system that it was made in; empty when that was not recorded."""

    @property
    def credential(self) -> Credential | None:
        """What it was made with, if it has one."""
        return Credential(self.kid, self.credential_generation or 1) if self.kid else None


@dataclass(frozen=True)
class StoredTenant:
    """One tenant as it is stored. `row` is None when it has none; `envelopes` is None when they cannot be read.

    `head` is its last signed head; None when nothing was signed.
    """

    tenant_id: TenantId
    row: Row | None
    resources: tuple[Row, ...]
    runs: tuple[Row, ...]
    envelopes: tuple[Envelope, ...] | None
    head: Head | None = None


def load_seqs(ledger: LedgerSession) -> dict[TenantId, int]:
    """The newest seq of each tenant."""
    return {TenantId(row["id"]): row["seq"] for row in ledger.rows("tenant_seqs")}


def load_live_resources(ledger: LedgerSession) -> dict[tuple[str, str], OwnedResource]:
    """All resources that may exist, by kind and name. The ledger allows one live resource of each."""
    return {(row["kind"], row["name"]): OwnedResource(**row) for row in ledger.rows("live_resources")}


def load_stored_tenants(ledger: LedgerSession) -> Iterator[StoredTenant]:
    """Every tenant, also those with facts only or a row only."""
    ids = [TenantId(row["id"]) for row in ledger.rows("streams")]
    for start in range(0, len(ids), _PAGE):
        yield from _page(ledger, ids[start : start + _PAGE])


def _page(ledger: LedgerSession, ids: list[TenantId]) -> Iterator[StoredTenant]:
    with ledger.snapshot():
        tenants = {row["id"]: row for row in ledger.rows("tenant_rows", ids=ids)}
        resources = _group_by(ledger.rows("resource_rows", ids=ids), "tenant_id")
        runs = _group_by(ledger.rows("run_rows", ids=ids), "tenant_id")
        facts = _group_by(ledger.rows("facts_of", ids=ids), "stream")
        heads = {row["stream"]: Head(**row) for row in ledger.rows("heads_of", ids=ids)}
    for each in ids:
        rows = tuple(resources.get(each, ())), tuple(runs.get(each, ()))
        yield StoredTenant(each, tenants.get(each), *rows, _readable(facts.get(each, ())), heads.get(each))


def _group_by(rows: list[dict[str, Any]], column: str) -> dict[TenantId, list[dict[str, Any]]]:
    grouped: dict[TenantId, list[dict[str, Any]]] = {}
    for row in rows:
        grouped.setdefault(row[column], []).append(row)
    return grouped


def _readable(rows: Iterable[Row]) -> tuple[Envelope, ...] | None:
    try:
        return tuple(envelope_of(row) for row in rows)
    except (ValueError, KeyError, TypeError, LedgerOutdatedError):
        return None
