"""Every kind of Airflow connection leads to the region's cluster: a kubeconfig, a token in it, a pod's own account."""

import asyncio
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import httpx
import pytest

from tenancy import bootstrap
from tenancy.adapters.cluster_watch import watch_changes
from tenancy.orchestration.change_notifier import WATCHED_PATHS, change_notifier_of
from tenancy.saga import commands as c
from tenancy.saga.errors import PlatformError
from tenancy.saga.platform import Region
from tests.integration.connections import CLUSTER, every_way, every_way_and_unverified
from tests.integration.engine_harness import NO_OBJECTS, WAIT, EngineHarness


@every_way
def test_a_tenant_is_deployed_and_undone_by_it(connected: EngineHarness):
    """By our client and by Helm, which is told in a kubeconfig of its own how the client enters."""
    tenancy = connected.tenancy
    cluster = bootstrap.tenancy().clients.cluster
    region = bootstrap.platform().regions["eu-central"]
    connected.tenancy = replace(tenancy, clients=replace(tenancy.clients, cluster=lambda _: cluster(region)))
    assert connected.run_all().phase == "Active"
    assert connected.external_objects["namespace"]
    connected.record_commands(c.Decommission())
    assert connected.unwind().phase == "Decommissioned"
    assert connected.external_objects == NO_OBJECTS


@every_way_and_unverified
def test_a_change_in_the_cluster_rings_the_bell(connected: EngineHarness):
    connected.run_until(WAIT)
    namespace = connected.external_objects["namespace"][0]

    def change() -> None:
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{namespace}"
        connected.kubernetes.merge(path, {"metadata": {"annotations": {"touched": "yes"}}})

    async def rings() -> bool:
        async with asyncio.timeout(10), change_notifier_of(CLUSTER).subscribe(namespace) as bell:
            await bell.wait()  # the watch has begun
            await asyncio.sleep(1)  # what the deployment itself changed is over
            bell.clear()
            await asyncio.to_thread(change)
            return await bell.wait()

    assert asyncio.run(rings())


def test_a_watch_believes_only_the_server_that_the_kubeconfig_names(connected: EngineHarness):
    access = bootstrap.cluster_access(CLUSTER)
    access.tls_server_name = "elsewhere.test"

    async def watch() -> None:
        async with asyncio.timeout(20), aclosing(watch_changes(access, WATCHED_PATHS[0])) as places:
            await anext(places)

    with pytest.raises(httpx.ConnectError, match=r"elsewhere\.test"):
        asyncio.run(watch())


def test_a_triggerer_that_checks_and_watches_loads_no_second_client():
    """Each of the two has 37 MB of models."""
    parts = ("orchestration.readiness_trigger", "shared_parts", "engine.provisioning.waiting", "activities.activity")
    adapters = ("cluster", "cluster_access", "cluster_watch", "storage")
    names = [*(f"tenancy.{part}" for part in parts), *(f"tenancy.adapters.{adapter}" for adapter in adapters)]
    code = f"import {', '.join(names)}, sys; print('kubernetes' in sys.modules, 'kubernetes_asyncio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=120)
    assert done.stdout.split()[-2:] == ["True", "False"]


def test_a_connection_to_no_cluster_is_reported_by_its_name(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AIRFLOW_CONN_NOWHERE", json.dumps({"conn_type": "kubernetes", "extra": {"in_cluster": True}}))
    with pytest.raises(PlatformError, match="The Airflow connection nowhere cannot be used: Service host"):
        bootstrap._cluster(_region("nowhere"))


def test_regions_that_are_opened_at_once_lead_each_to_its_own_cluster(monkeypatch: pytest.MonkeyPatch):
    """The triggerer's looks do so."""
    names = ("eu", "us")
    for name in names:
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(_kubernetes(f"https://{name}.test")))

    def host(name: str) -> str:
        return str(bootstrap._cluster(_region(name))._api.configuration.host)

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(host, names * 40)) == ["https://eu.test", "https://us.test"] * 40


def _region(connection: str) -> Region:
    return Region("eu-central", "storage", connection, "t.test", 1)


def _kubernetes(url: str) -> dict[str, Any]:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    return {"conn_type": "kubernetes", "extra": {"kube_config": json.dumps(config)}}
