"""Airflow connections in the environment that lead to the harness's own systems. A pytest plugin of tests/conftest.py.

`way` is how a connection configures access to the cluster; a test that needs every way is marked so.
"""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tenancy import shared_parts
from tenancy.adapters.dsn import Dsn
from tests import real_systems
from tests.conformance.server import Server
from tests.integration.engine_harness import EngineHarness

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
ClusterConnectionMaker = Callable[[Server, Path, pytest.MonkeyPatch], dict[str, Any]]


def by_file(server: Server, folder: Path, _patch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The path of a kubeconfig."""
    (folder / "kubeconfig").write_text(server.kubeconfig())
    return {"kube_config_path": str(folder / "kubeconfig")}


def by_token(server: Server, _folder: Path, _patch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Address, authority and bearer token, all of it inside the connection: nothing lies on a disk."""
    config = json.loads(server.kubeconfig())
    authority = base64.b64encode(Path(server.ca_file).read_bytes()).decode()
    config["clusters"][0]["cluster"] = {"server": server.url, "certificate-authority-data": authority}
    return {"kube_config": json.dumps(config)}


def in_cluster(server: Server, folder: Path, patch: pytest.MonkeyPatch) -> dict[str, Any]:
    """As a pod is told: its service account's files, and the API server's address in the environment."""
    (folder / "token").write_text(server.token)
    patch.setattr("kubernetes.config.incluster_config.SERVICE_TOKEN_FILENAME", str(folder / "token"))
    patch.setattr("kubernetes.config.incluster_config.SERVICE_CERT_FILENAME", server.ca_file)
    url = urlsplit(server.url)
    patch.setenv("KUBERNETES_SERVICE_HOST", str(url.hostname))
    patch.setenv("KUBERNETES_SERVICE_PORT", str(url.port))
    return {"in_cluster": True}


def unverified(server: Server, _folder: Path, _patch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Whoever answers at the address is believed; the older names of the fields are known too."""
    config = json.loads(server.kubeconfig())
    config["clusters"][0]["cluster"] = {"server": server.url}
    return {"extra__kubernetes__kube_config": config, "extra__kubernetes__disable_verify_ssl": True}


_WAYS = [by_file, by_token, in_cluster]
every_way = pytest.mark.parametrize("way", _WAYS, ids=lambda way: way.__name__)
every_way_and_unverified = pytest.mark.parametrize("way", [*_WAYS, unverified], ids=lambda way: way.__name__)


@pytest.fixture
def way() -> ClusterConnectionMaker:
    return by_file


@pytest.fixture
def cluster_connection(
    way: ClusterConnectionMaker, cluster_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    return {"conn_type": "kubernetes", "extra": way(cluster_server, tmp_path, monkeypatch)}


@pytest.fixture
def connections(ledger_dsn: Dsn, storage_dsn: Dsn, cluster_connection: dict[str, Any]) -> dict[str, dict[str, Any]]:
    kid, key = next(iter(real_systems.KEYRING.keys.items()))
    return {
        "TENANCY_LEDGER": _postgres(ledger_dsn),
        "TENANCY_STORAGE_TEST": _postgres(storage_dsn),
        "TENANCY_CREDENTIALS": {"conn_type": "generic", "login": kid, "password": key.hex()},
        CLUSTER.upper(): cluster_connection,
    }


@pytest.fixture
def connected(
    harness: EngineHarness, connections: dict[str, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[EngineHarness]:
    """The harness, and what bootstrap needs to connect its systems again."""
    for name, connection in connections.items():
        monkeypatch.setenv(f"AIRFLOW_CONN_{name}", json.dumps(connection))
    platform = tmp_path / "platform.toml"
    platform.write_text(_PLATFORM.format(name=harness.tenancy.platform.name))
    monkeypatch.setenv("TENANCY_PLATFORM_FILE", str(platform))
    shared_parts._joined.cache_clear()
    yield harness
    shared_parts._joined.cache_clear()


def _postgres(dsn: Dsn) -> dict[str, Any]:
    who = {"login": dsn.user, "password": dsn.password}
    return {"conn_type": "postgres", "host": dsn.host, "port": dsn.port, "schema": dsn.dbname, **who}
