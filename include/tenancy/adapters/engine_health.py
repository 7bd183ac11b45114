"""The health of the workflow engine: heartbeats from Airflow's health report, DAGs, the queue, pools. Reads only.

The health report is public and needs no login; the rest is read as the service user.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tenancy.adapters import airflow_responses as responses
from tenancy.adapters.airflow_client import AirflowClient

CHECK_SECONDS: Final = 2.0
PARTS: Final = ("scheduler", "triggerer", "dag_processor")
_PAGE: Final = 100
"""[api] maximum_page_limit of Airflow 3.3.2."""


@dataclass(frozen=True)
class ComponentHeartbeat:
    """One part of the engine. `status` is Airflow's word: healthy, unhealthy, or empty if the part never ran."""

    part: str
    status: str
    last: datetime | None = None


@dataclass(frozen=True)
class PoolStatus:
    """A pool's slots. `queued` are tasks that wait for one."""

    name: str
    slots: int
    occupied: int
    queued: int
    open: int


@dataclass(frozen=True)
class EngineWork:
    """The engine's waiting work, its DAGs and its pools."""

    dags: dict[str, bool]
    """Our DAGs that Airflow knows -> is it paused?"""
    queued: int
    queued_since: datetime | None
    """When the oldest waiting run was queued."""
    pools: dict[str, PoolStatus]


def load_component_heartbeats(client: AirflowClient) -> tuple[ComponentHeartbeat, ...]:
    """The metadata database's status, and each part's last heartbeat."""
    return client.read_openly("/monitor/health", _heartbeats, read_seconds=CHECK_SECONDS)


def _heartbeats(document: responses.Document) -> tuple[ComponentHeartbeat, ...]:
    database = ComponentHeartbeat(
        "metadatabase", responses.optional_text(responses.required_object(document, "metadatabase"), "status")
    )
    return (database, *(_heartbeat(part, responses.optional_object(document, part)) for part in PARTS))


def _heartbeat(part: str, document: responses.Document) -> ComponentHeartbeat:
    last = responses.optional_timestamp(document, f"latest_{part}_heartbeat")
    return ComponentHeartbeat(part, responses.optional_text(document, "status"), last)


def load_work(client: AirflowClient, dag_ids: Collection[str], queues_of: Collection[str]) -> EngineWork:
    """The state of these DAGs, and the queues of some of them."""
    dags = client.read("/dags", _paused, params={"dag_id_pattern": "tenant", "limit": _PAGE})
    query = {"state": "queued", "order_by": "run_after", "limit": 1}
    queues = [client.read(f"/dags/{dag}/dagRuns", _queue, params=query, absent=404) for dag in queues_of]
    queued, since = sum(count for count, _ in queues), min((at for _, at in queues if at), default=None)
    pools = client.read("/pools", _pools, params={"limit": _PAGE})
    ours = {dag: paused for dag, paused in dags.items() if dag in dag_ids}
    return EngineWork(dags=ours, queued=queued, queued_since=since, pools=pools)


def _paused(document: responses.Document) -> dict[str, bool]:
    return {
        responses.text(dag, "dag_id"): responses.boolean(dag, "is_paused")
        for dag in responses.objects(document, "dags")
    }


def _queue(document: responses.Document) -> tuple[int, datetime | None]:
    """Empty if Airflow does not know the DAG."""
    if not document:
        return 0, None
    first = next(iter(responses.objects(document, "dag_runs")), {})
    return responses.number(document, "total_entries"), responses.optional_timestamp(first, "queued_at")


def _pools(document: responses.Document) -> dict[str, PoolStatus]:
    pools = (_pool(entry) for entry in responses.objects(document, "pools"))
    return {pool.name: pool for pool in pools}


def _pool(document: responses.Document) -> PoolStatus:
    return PoolStatus(
        name=responses.text(document, "name"),
        slots=responses.number(document, "slots"),
        occupied=responses.number(document, "occupied_slots"),
        queued=responses.number(document, "queued_slots") + responses.number(document, "scheduled_slots"),
        open=responses.number(document, "open_slots"),
    )
