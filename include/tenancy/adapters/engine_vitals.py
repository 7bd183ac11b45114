"""How the workflow engine is: heartbeats by its own health report, DAGs, the queue, pools. Reads only.

The health report is open to everybody and does not wait for a login; the rest is asked as the service user.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tenancy.adapters.airflow_client import AirflowClient

LOOK_SECONDS: Final = 2.0
PARTS: Final = ("scheduler", "triggerer", "dag_processor")
_PAGE: Final = 100
"""[api] maximum_page_limit of Airflow 3.3.2."""


@dataclass(frozen=True)
class Heartbeat:
    """One part of the engine. `status` is Airflow's word: healthy, unhealthy, or empty for one that never was."""

    part: str
    status: str
    last: datetime | None = None


@dataclass(frozen=True)
class PoolSeen:
    """A pool's slots. `queued` are tasks that wait for one."""

    name: str
    slots: int
    occupied: int
    queued: int
    open: int


@dataclass(frozen=True)
class WorkSeen:
    """What there is to do, and what stands in its way."""

    dags: dict[str, bool]
    """DAGs of ours that Airflow knows -> is it paused?"""
    queued: int
    queued_since: datetime | None
    """When the first of the runs that wait was queued."""
    pools: dict[str, PoolSeen]


def heartbeats(client: AirflowClient) -> tuple[Heartbeat, ...]:
    """The metadata database's status, and each part's last sign of life."""
    told = client.read_openly("/monitor/health", read_seconds=LOOK_SECONDS)
    database = Heartbeat("metadatabase", str((told.get("metadatabase") or {}).get("status") or ""))
    return (database, *(_heartbeat(part, told.get(part) or {}) for part in PARTS))


def _heartbeat(part: str, told: dict[str, Any]) -> Heartbeat:
    last = told.get(f"latest_{part}_heartbeat")
    return Heartbeat(part, str(told.get("status") or ""), datetime.fromisoformat(last) if last else None)


def work(client: AirflowClient, dag_ids: Collection[str], queue_of: str) -> WorkSeen:
    """Of these DAGs, and the queue of one of them."""
    dags = client.call("GET", "/dags", params={"dag_id_pattern": "tenant", "limit": _PAGE}).json()["dags"]
    query = {"state": "queued", "order_by": "run_after", "limit": 1}
    queued = client.call("GET", f"/dags/{queue_of}/dagRuns", params=query, accept=(200, 404)).json()
    first = [run["queued_at"] for run in queued.get("dag_runs") or ()]
    pools = client.call("GET", "/pools", params={"limit": _PAGE}).json()["pools"]
    return WorkSeen(
        dags={dag["dag_id"]: bool(dag["is_paused"]) for dag in dags if dag["dag_id"] in dag_ids},
        queued=int(queued.get("total_entries") or 0),
        queued_since=datetime.fromisoformat(first[0]) if first and first[0] else None,
        pools={pool["name"]: _pool(pool) for pool in pools},
    )


def _pool(told: dict[str, Any]) -> PoolSeen:
    return PoolSeen(
        told["name"], told["slots"], told["occupied_slots"], told["queued_slots"] + told["scheduled_slots"],
        told["open_slots"],
    )  # fmt: skip
