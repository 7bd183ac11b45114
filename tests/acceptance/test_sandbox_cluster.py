"""The cluster as a part of the sandbox: clients find it by Airflow's connections, and a kill loses nothing."""

import asyncio
import os
import signal
import stat
import time
from collections.abc import Callable, Iterator

import pytest
from airflow.providers.cncf.kubernetes.hooks.kubernetes import AsyncKubernetesHook, KubernetesHook
from kubernetes.client import ApiClient, CoreV1Api
from kubernetes.config import new_client_from_config
from kubernetes_asyncio.client import CoreV1Api as AsyncCoreV1Api

from sandbox import status
from sandbox.access import Access
from sandbox.processes import Register
from tests.acceptance import runs

CONNECTIONS = ("tenancy_cluster_eu", "tenancy_cluster_us")


@pytest.fixture
def api(sandbox: Access) -> Iterator[ApiClient]:
    with new_client_from_config(str(sandbox.layout.kubeconfig)) as client:
        yield client


@pytest.mark.parametrize("conn_id", CONNECTIONS)
def test_airflows_hooks_reach_it_by_the_regions_connection(
    sandbox: Access, conn_id: str, monkeypatch: pytest.MonkeyPatch
):
    kept = runs.get(sandbox, f"/api/v2/connections/{conn_id}")
    monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", f'{{"conn_type": "kubernetes", "extra": {kept["extra"]}}}')

    assert KubernetesHook(conn_id=conn_id).test_connection()[0]
    assert "default" in asyncio.run(_namespaces(conn_id))


async def _namespaces(conn_id: str) -> list[str]:
    async with AsyncKubernetesHook(conn_id=conn_id).get_conn() as client:
        return [each.metadata.name for each in (await AsyncCoreV1Api(client).list_namespace()).items]


def test_only_its_owner_may_read_what_lets_clients_in(sandbox: Access):
    folder = sandbox.layout.cluster
    secret = (folder, folder / "token", folder / "kubeconfig", folder / "ca.key")

    assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in secret} == {0}


def test_up_heals_it_and_its_objects_are_still_there(sandbox: Access, sandbox_up: Callable[[], None], api: ApiClient):
    CoreV1Api(api).create_namespace({"metadata": {"name": "kept"}})
    daemon = Register(sandbox.layout.processes).get("cluster")
    assert daemon is not None
    os.kill(daemon.pid, signal.SIGKILL)
    while daemon.alive:
        time.sleep(0.01)

    sandbox_up()

    assert {part.component: part.state for part in status.read_status(sandbox.layout)}["cluster"] == "healthy"
    assert CoreV1Api(api).read_namespace("kept").status.phase == "Active"
    CoreV1Api(api).delete_namespace("kept")
