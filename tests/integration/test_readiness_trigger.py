"""The trigger of a waiting task, in an event loop as the triggerer's, joined by bootstrap as in Airflow."""

import asyncio
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tenancy import shared_parts
from tenancy.adapters.dsn import Dsn
from tenancy.orchestration.bells import belfry
from tenancy.orchestration.readiness_trigger import ReadinessTrigger
from tenancy.saga import facts as f
from tests import parts
from tests.conformance.server import Server
from tests.integration.stage import WAIT, Stage, lease

CLUSTER = "tenancy_cluster_test"
_PLATFORM = """
[platform]
name = "{name}"
[regions.eu-central]
storage_connection = "tenancy_storage_test"
cluster_connection = "tenancy_cluster_test"
ingress_domain = "t.test"
capacity = 100
[plans.starter]
database_connections = 7
workflow_pool = "tenants_starter"
replicas = 1
cpu = "100m"
memory = "128Mi"
"""


@pytest.fixture
def files(stage: Stage, cluster_server: Server, tmp_path: Path) -> tuple[Path, Path]:
    """A kubeconfig and a platform file."""
    kubeconfig, platform = tmp_path / "kubeconfig", tmp_path / "platform.toml"
    kubeconfig.write_text(cluster_server.kubeconfig())
    platform.write_text(_PLATFORM.format(name=stage.tenancy.platform.name))
    return kubeconfig, platform


@pytest.fixture
def connected(
    stage: Stage, ledger_dsn: Dsn, storage_dsn: Dsn, files: tuple[Path, Path], monkeypatch: Any
) -> Iterator[Stage]:
    """Airflow connections in the environment that lead to the stage's own systems."""
    kubeconfig, platform = files
    key = next(iter(parts.KEYRING.keys.items()))
    connections = {
        "TENANCY_LEDGER": _postgres(ledger_dsn),
        "TENANCY_STORAGE_TEST": _postgres(storage_dsn),
        "TENANCY_CREDENTIALS": {"conn_type": "generic", "login": key[0], "password": key[1].hex()},
        CLUSTER.upper(): {"conn_type": "kubernetes", "extra": {"kube_config_path": str(kubeconfig)}},
    }
    for name, connection in connections.items():
        monkeypatch.setenv(f"AIRFLOW_CONN_{name}", json.dumps(connection))
    monkeypatch.setenv("TENANCY_PLATFORM_FILE", str(platform))
    shared_parts._joined.cache_clear()
    yield stage
    shared_parts._joined.cache_clear()


def _postgres(dsn: Dsn) -> dict[str, Any]:
    who = {"login": dsn.user, "password": dsn.password}
    return {"conn_type": "postgres", "host": dsn.host, "port": dsn.port, "schema": dsn.dbname, **who}


def trigger(stage: Stage, minutes: float = 10) -> ReadinessTrigger:
    namespace = next(r.name for r in stage.saga.resources if r.kind == "namespace")
    deadline = (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()
    held = lease(WAIT)
    return ReadinessTrigger(
        run_id=held.run_id,
        activity=held.activity,
        holder=held.holder,
        actor="ada",
        connection=CLUSTER,
        namespace=namespace,
        deadline=deadline,
    )


async def _events(waits: ReadinessTrigger, seconds: float) -> list[Any]:
    async with asyncio.timeout(seconds):
        return [event async for event in waits.run()]


@pytest.fixture
def slow(connected: Stage) -> Stage:
    """A tenant whose pods take two seconds (forty of the cluster's) to become ready, and whose task waits."""
    selector = f"tenancy.internal/platform={connected.tenancy.platform.name}"
    connected.clear_fault = connected.kubernetes.fault(kind="slow-start", selector=selector, seconds=40)
    connected.run_until(WAIT)
    connected.look(WAIT)
    return connected


def test_it_ends_soon_after_the_last_pod_is_ready_and_told_why_not_before(slow: Stage):
    began = time.monotonic()
    assert len(asyncio.run(_events(trigger(slow), 12))) == 1
    assert time.monotonic() - began < 8  # the slow fallback would have needed 15 s
    assert slow.facts(f.ActivityProgressed)[0].message.startswith("0 of 1 pods ready")
    assert slow.run(WAIT).current_activity == "mark_active"


def test_it_ends_at_its_deadline_so_that_a_worker_tells(slow: Stage):
    assert len(asyncio.run(_events(trigger(slow, minutes=0.3 / 60), 5))) == 1


def test_it_comes_back_from_airflows_database_as_it_was(slow: Stage):
    before = trigger(slow)
    path, arguments = before.serialize()
    assert path == "tenancy.orchestration.readiness_trigger.ReadinessTrigger"
    assert ReadinessTrigger(**arguments).serialize() == before.serialize()
    assert "password" not in json.dumps(arguments)


def test_watches_end_with_the_last_one_that_listens(connected: Stage):
    async def listen() -> tuple[int, int]:
        async with belfry(CLUSTER).listening("a"), belfry(CLUSTER).listening("b"):
            shared = len(belfry(CLUSTER)._watches)
        return shared, len(belfry(CLUSTER)._watches)

    assert asyncio.run(listen()) == (2, 0)
