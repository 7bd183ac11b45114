"""The ledger is restored from a backup: the rows of the trial's tenants are copied, and put back later.

As after pg_restore, all sessions of the product end, and whatever was recorded since the copy is gone. Tenants that the
ledger did not know at that moment are left alone. The person's part follows: what the drift check names is removed.
"""

import time
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from kubernetes.client import CoreV1Api
from kubernetes.config import new_client_from_config
from psycopg.rows import dict_row

from tests.chaos import verdict
from tests.chaos.addresses import AttackAddresses, rows
from tests.chaos.injection_points import Hold
from tests.chaos.trial_context import InjectionMissed, TrialContext, until
from tests.chaos.trial_generator import Attack

_KEYS: Final = {"tenant": "id", "run": "tenant_id", "resource": "tenant_id", "fact": "stream"}
"""The ledger's tables, and the column that names the tenant; tables that others refer to come first."""
_END_SESSIONS = (
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename = 'ledger'"
)
_DRIFT_CHECK = "/api/v2/dags/tenant_reality_check"


@dataclass(frozen=True)
class LedgerCopy:
    """The rows by table, as one JSON array each, and the number of the newest fact by stream."""

    tables: dict[str, str]
    newest: dict[str, int]


def restore_later(context: TrialContext, hold: Hold, attack: Attack) -> None:
    """Copy now, restore when the trial says so."""
    copy = copy_ledger(context.addresses.ledger, context.slugs)
    if not copy.newest:
        raise InjectionMissed("the ledger knows none of its tenants yet")
    context.run_later(attack.lasts, lambda: _restore(context, copy))


def copy_ledger(dsn: str, slugs: list[str]) -> LedgerCopy:
    """The rows of these tenants as of one moment."""
    with psycopg.connect(dsn, row_factory=dict_row) as session:
        session.execute("set transaction isolation level repeatable read, read only")
        tenants = [row["id"] for row in _fetch(session, "select id from ledger.tenant where slug = any(%s)", slugs)]
        tables = {
            table: _fetch(
                session,
                f"select coalesce(jsonb_agg(to_jsonb(t)), '[]')::text as rows from ledger.{table} as t "
                f"where {key} = any(%s)",
                tenants,
            )[0]["rows"]
            for table, key in _KEYS.items()
        }
        newest = _fetch(
            session,
            "select stream::text, max(seq) as seq from ledger.fact where stream = any(%s) group by 1",
            tenants,
        )
    return LedgerCopy(tables, {row["stream"]: row["seq"] for row in newest})


def _fetch(session: "psycopg.Connection[dict[str, Any]]", statement: str, parameter: object) -> list[dict[str, Any]]:
    return session.execute(statement.encode(), (parameter,)).fetchall()


def _restore(context: TrialContext, copy: LedgerCopy) -> None:
    with psycopg.connect(context.addresses.ledger, connect_timeout=5) as session:
        session.execute("set local lock_timeout = '5s'")
        session.execute("set local session_replication_role = replica")  # facts can be removed, and no trigger fires
        session.execute(_END_SESSIONS)
        session.execute("lock table ledger.fact, ledger.resource, ledger.run, ledger.tenant in access exclusive mode")
        session.execute(_END_SESSIONS)  # they remember facts that are about to go
        tenants = list(copy.newest)
        context.note_restore(copy.newest, _active(session, tenants))
        for table, key in reversed(_KEYS.items()):
            session.execute(f"delete from ledger.{table} where {key} = any(%s::uuid[])".encode(), (tenants,))
        for table in _KEYS:
            session.execute(
                f"insert into ledger.{table} select * from jsonb_populate_recordset(null::ledger.{table}, %s)".encode(),
                (copy.tables[table],),
            )


def _active(session: "psycopg.Connection[Any]", tenants: list[str]) -> set[str]:
    found = session.execute(
        "select slug from ledger.tenant where id = any(%s::uuid[]) and state = 'Active'", (tenants,)
    )
    return {slug for (slug,) in found}


# -- what a person does afterwards, as docs/operating/backup-and-restore.md says


def remove_reported_orphans(context: TrialContext) -> list[str]:
    """Run the drift check, and remove what it reports. Returns a sentence for each object that it does not name."""
    left = {slug: _left(context.addresses, slug) for slug in context.slugs}
    if not any(left.values()):
        return []
    _run_drift_check(context)
    named = {(row["kind"], row["name"]) for row in rows(context.addresses.ledger, _ORPHANS)}
    unnamed = [
        f"{slug} left the {kind} {name} behind, and the drift check does not report it"
        for slug, objects in left.items()
        for kind, name in objects
        if (kind, name) not in named
    ]
    for slug, objects in left.items():
        for kind, name in objects:
            _remove(context.addresses, slug, kind, name)
    return unnamed


_ORPHANS = "select kind, name from ledger.finding where what = 'orphan' and gone_at is null"


def _left(addresses: AttackAddresses, slug: str) -> list[tuple[str, str]]:
    """Objects of a tenant that ought to have none. The database comes before its role."""
    row = verdict.tenant(addresses, slug)
    if row is not None and (row["state"], row["substate"]) not in verdict.NOTHING_LEFT:
        return []
    found = verdict.existing_objects(addresses, slug)
    return [(kind, name) for kind in ("release", "namespace", "database", "role", "connection") for name in found[kind]]


def _run_drift_check(context: TrialContext) -> None:
    with context.addresses.api_as("engineer") as client:
        answer = client.post(f"{_DRIFT_CHECK}/dagRuns", json={"logical_date": None})
        answer.raise_for_status()
        path = f"{_DRIFT_CHECK}/dagRuns/{answer.json()['dag_run_id']}"

        def ended() -> bool:
            return client.get(path).json().get("state") in {"success", "failed"}

        until(ended, "the drift check", seconds=120)


def _remove(addresses: AttackAddresses, slug: str, kind: str, name: str) -> None:
    """As the finding's command does. A release goes with its namespace."""
    if kind == "database":
        rows(addresses.storage, f'drop database if exists "{name}" with (force)')
    elif kind == "role":
        rows(addresses.storage, f'drop role if exists "{name}"')
    elif kind == "connection":
        with addresses.api_as("engineer") as client:
            client.delete(f"/api/v2/connections/{name}")
    elif kind == "namespace":
        with new_client_from_config(addresses.kubeconfig) as client:
            CoreV1Api(client).delete_namespace(name)
        deadline = time.monotonic() + 60
        while name in verdict.existing_objects(addresses, slug)["namespace"] and time.monotonic() < deadline:
            time.sleep(0.5)
