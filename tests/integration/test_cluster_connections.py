"""Every kind of Airflow connection leads to the region's cluster: a kubeconfig, a token in it, a pod's own account."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from tenancy import bootstrap
from tenancy.orchestration.bells import belfry
from tenancy.saga import commands as c
from tenancy.saga.errors import PermanentError
from tenancy.saga.platform import Region
from tests.integration.connections import CLUSTER, every_way
from tests.integration.stage import NOTHING, WAIT, Stage


@every_way
def test_a_tenant_is_deployed_and_undone_by_it(connected: Stage):
    """By our client and by Helm, which is told in a kubeconfig of its own how the client enters."""
    tenancy = connected.tenancy
    cluster = bootstrap.tenancy().world.cluster
    region = bootstrap.platform().regions["eu-central"]
    connected.tenancy = replace(tenancy, world=replace(tenancy.world, cluster=lambda _: cluster(region)))
    assert connected.run_all().phase == "Active"
    assert connected.outside["namespace"]
    connected.ask(c.Decommission())
    assert connected.unwind().phase == "Decommissioned"
    assert connected.outside == NOTHING


@every_way
def test_a_change_in_the_cluster_rings_the_bell(connected: Stage):
    connected.run_until(WAIT)
    namespace = connected.outside["namespace"][0]

    def change() -> None:
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{namespace}"
        connected.kubernetes.merge(path, {"metadata": {"annotations": {"touched": "yes"}}})

    async def rings() -> bool:
        async with asyncio.timeout(10), belfry(CLUSTER).listening(namespace) as bell:
            await bell.wait()  # the watch has begun
            await asyncio.sleep(1)  # what the deployment itself changed is over
            bell.clear()
            await asyncio.to_thread(change)
            return await bell.wait()

    assert asyncio.run(rings())


def test_a_connection_that_leads_nowhere_is_told_by_its_name(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AIRFLOW_CONN_NOWHERE", json.dumps({"conn_type": "kubernetes", "extra": {"in_cluster": True}}))
    with pytest.raises(PermanentError, match="The Airflow connection nowhere cannot be used: Service host"):
        bootstrap._cluster(_region("nowhere"))


def test_regions_that_are_opened_at_once_lead_each_to_its_own_cluster(monkeypatch: pytest.MonkeyPatch):
    """The triggerer's looks do so; the hook hands the configuration over by a global of the client library."""
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
