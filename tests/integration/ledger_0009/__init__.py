"""A ledger as version 0.1 of Tenancy left it: schema 0009, its facts, its rows. For tests only.

`lives.json.gz` was written once by that version's own `decide`, `evolve` and `projection`: four lives of a tenant, and
after each command the rows and the phase. Facts of later versions have more fields; these do not.
"""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from tenancy.adapters.schema_migrations import migrate
from tenancy.ledger import migrations
from tenancy.ledger.envelope import Stamp, _content, _hash
from tenancy.saga.names import TenantId

_LIVES: Final = Path(__file__).parent / "lives.json.gz"
_VERSION: Final = "0009"
_ACTOR: Final = "ada"


@dataclass(frozen=True)
class OlderTenant:
    """One tenant at some point of a life; `phase` is what version 0.1 said it was in."""

    tenant_id: TenantId
    slug: str
    phase: str
    facts: list[dict[str, Any]]
    runs: dict[str, int]
    row: dict[str, Any]
    resources: list[dict[str, Any]]


def tenants(count: int) -> list[OlderTenant]:
    """So many tenants, at every point of every life in turn."""
    return list(islice(_for_ever(), count))


def _for_ever() -> Iterator[OlderTenant]:
    lives, number = json.loads(gzip.decompress(_LIVES.read_bytes())), 0
    while True:
        for life in lives:
            for harness in life["stages"]:
                number += 1
                yield _tenant(number, life["facts"][: harness["facts"]], harness)


def _tenant(number: int, facts: list[dict[str, Any]], harness: dict[str, Any]) -> OlderTenant:
    """The same point of the same life, with names of its own."""
    text = json.dumps([facts, harness])
    tenant_id, slug = UUID(int=(0x018F << 112) + number), f"acme{number}"
    names = {
        "018f0000-0000-7000-8000-00000000acae": str(tenant_id),
        '"acme"': f'"{slug}"',
        "acme_1": f"{slug}_1",
        "acme-1": f"{slug}-1",
        '"run-': f'"{slug}-run-',
    }
    for old, new in names.items():
        text = text.replace(old, new)
    facts, harness = json.loads(text)
    return OlderTenant(
        TenantId(tenant_id), slug, harness["phase"], facts, harness["runs"], harness["row"], harness["resources"]
    )


def fill(dsn: str, older: list[OlderTenant]) -> None:
    """Make the ledger behind this DSN, whose role owns the database, and put them into it."""
    with psycopg.connect(dsn, autocommit=True, row_factory=dict_row) as session:
        migrate(session, Path(migrations.__file__).parent, schema=migrations.SCHEMA, target=_VERSION)
        with session.transaction(), session.cursor() as cursor:
            cursor.execute("set local search_path to ledger")
            cursor.executemany(_FACT, [row for tenant in older for row in _fact_rows(tenant)])
            cursor.executemany(_TENANT, [_tenant_row(tenant) for tenant in older])
            cursor.executemany(_RESOURCE, [row for tenant in older for row in tenant.resources])
            cursor.executemany(_RUN, [row for tenant in older for row in _run_rows(tenant)])


def _fact_rows(tenant: OlderTenant) -> Iterator[dict[str, Any]]:
    previous = ""
    for seq, fact in enumerate(tenant.facts, 1):
        at = datetime.fromisoformat(fact["at"])
        content = _content(
            tenant.tenant_id, fact["kind"], fact["data"], seq=seq, at=at, attempt=fact["attempt"], stamp=Stamp(_ACTOR)
        )
        digest = _hash(previous, content)
        yield {
            "stream": tenant.tenant_id, "seq": seq, "kind": fact["kind"], "attempt": fact["attempt"], "at": at,
            "actor": _ACTOR, "data": Jsonb(fact["data"]), "prev_hash": previous, "hash": digest,
        }  # fmt: skip
        previous = digest


def _tenant_row(tenant: OlderTenant) -> dict[str, Any]:
    return {"activity_since": tenant.row["at"] if tenant.row["activity"] else None, **tenant.row}


def _run_rows(tenant: OlderTenant) -> Iterator[dict[str, Any]]:
    for run_id, attempt in tenant.runs.items():
        yield {"run_id": run_id, "tenant_id": tenant.tenant_id, "attempt": attempt}


_FACT: Final = """
    insert into fact (stream, seq, kind, attempt, lease, actor, reason, at, data, prev_hash, hash)
    values (%(stream)s, %(seq)s, %(kind)s, %(attempt)s, '', %(actor)s, '', %(at)s, %(data)s, %(prev_hash)s, %(hash)s)
"""
_COLUMNS: Final = """
    id slug name plan region admin_email state substate attempt generation run_id activity activity_since seq
    predecessor held held_by stall stall_activity stall_cause stall_said escalated failures failure_cause repeats
    failure_activity failure_said schema_version chart_version history_cleared
""".split()
_TENANT: Final = (
    f"insert into tenant ({', '.join(_COLUMNS)}, created_at, state_since, updated_at)"
    f" values ({', '.join(f'%({column})s' for column in _COLUMNS)}, %(at)s, %(at)s, %(at)s)"
)
_RESOURCE: Final = """
    insert into resource (tenant_id, kind, name, proof, activity, state, position, kid, credential_generation,
                          updated_at)
    values (%(tenant_id)s, %(kind)s, %(name)s, %(proof)s, %(activity)s, %(state)s, %(position)s, %(kid)s,
            %(credential_generation)s, %(at)s)
"""
_RUN: Final = "insert into run (run_id, tenant_id, attempt) values (%(run_id)s, %(tenant_id)s, %(attempt)s)"
