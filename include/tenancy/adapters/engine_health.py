"""How the workflow engine is: heartbeats by its own health report, DAGs, the queue, pools. Reads only.

The health report is open to everybody and does not wait for a login; the rest is asked as the service user.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tenancy.adapters import airflow_responses as answers
from tenancy.adapters.airflow_client import AirflowClient

CHECK_SECONDS: Final = 2.0
PARTS: Final = ("scheduler", "triggerer", "dag_processor")
_PAGE: Final = 100
"""[api] maximum_page_limit of Airflow 3.3.2."""


@dataclass(frozen=True)
class ComponentHeartbeat:
    """One part of the engine. `status` is Airflow's word: healthy, unhealthy, or empty for one that never was."""

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
    """What there is to do, and what stands in its way."""

    dags: dict[str, bool]
    """DAGs of ours that Airflow knows -> is it paused?"""
    queued: int
    queued_since: datetime | None
    """When the first of the runs that wait was queued."""
    pools: dict[str, PoolStatus]


def load_component_heartbeats(client: AirflowClient) -> tuple[ComponentHeartbeat, ...]:
    """The metadata database's status, and each part's last sign of life."""
    return client.read_openly("/monitor/health", _heartbeats, read_seconds=CHECK_SECONDS)


def _heartbeats(told: answers.Document) -> tuple[ComponentHeartbeat, ...]:
    database = ComponentHeartbeat(
        "metadatabase", answers.optional_text(answers.required_object(told, "metadatabase"), "status")
    )
    return (database, *(_heartbeat(part, answers.optional_object(told, part)) for part in PARTS))


def _heartbeat(part: str, told: answers.Document) -> ComponentHeartbeat:
    last = answers.optional_timestamp(told, f"latest_{part}_heartbeat")
    return ComponentHeartbeat(part, answers.optional_text(told, "status"), last)


def load_work(client: AirflowClient, dag_ids: Collection[str], queue_of: str) -> EngineWork:
    """Of these DAGs, and the queue of one of them."""
    dags = client.read("/dags", _paused, params={"dag_id_pattern": "tenant", "limit": _PAGE})
    query = {"state": "queued", "order_by": "run_after", "limit": 1}
    queued, since = client.read(f"/dags/{queue_of}/dagRuns", _queue, params=query, absent=404)
    pools = client.read("/pools", _pools, params={"limit": _PAGE})
    ours = {dag: paused for dag, paused in dags.items() if dag in dag_ids}
    return EngineWork(dags=ours, queued=queued, queued_since=since, pools=pools)


def _paused(told: answers.Document) -> dict[str, bool]:
    return {answers.text(dag, "dag_id"): answers.boolean(dag, "is_paused") for dag in answers.objects(told, "dags")}


def _queue(told: answers.Document) -> tuple[int, datetime | None]:
    """Nothing where the DAG is not known."""
    if not told:
        return 0, None
    first = next(iter(answers.objects(told, "dag_runs")), {})
    return answers.number(told, "total_entries"), answers.optional_timestamp(first, "queued_at")


def _pools(told: answers.Document) -> dict[str, PoolStatus]:
    pools = (_pool(entry) for entry in answers.objects(told, "pools"))
    return {pool.name: pool for pool in pools}


def _pool(told: answers.Document) -> PoolStatus:
    return PoolStatus(
        name=answers.text(told, "name"),
        slots=answers.number(told, "slots"),
        occupied=answers.number(told, "occupied_slots"),
        queued=answers.number(told, "queued_slots") + answers.number(told, "scheduled_slots"),
        open=answers.number(told, "open_slots"),
    )
