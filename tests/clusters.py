"""A real embedded cluster for tests below Airflow, and the adapters that lead to it.

Fixture: `cluster_server` (one process a test run). `Kubernetes` reads and damages it, past our own adapters.
"""

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client import Configuration

from sandbox.layout import Layout
from sandbox.programs import write_programs
from tenancy.adapters.cluster import Cluster
from tenancy.adapters.helm import Helm
from tenancy.adapters.helm_kubeconfig import kubeconfig
from tenancy.adapters.kubernetes_api import KubernetesApi
from tenancy.saga.names import proof_of
from tests.conformance.server import EmulatorProcess, Server

LABEL = "the cluster of region eu-central"
_KINDS = (
    "/api/v1/{}/resourcequotas",
    "/api/v1/{}/secrets",
    "/api/v1/{}/services",
    "/api/v1/{}/serviceaccounts",
    "/apis/apps/v1/{}/deployments",
    "/apis/networking.k8s.io/v1/{}/ingresses",
    "/apis/networking.k8s.io/v1/{}/networkpolicies",
)


@pytest.fixture(scope="session")
def cluster_programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs that stand for images in `cluster_server`: those of the repository's products, and of tests."""
    layout = Layout(tmp_path_factory.mktemp("sandbox"))
    write_programs(layout, layout.products)
    return layout.programs


@pytest.fixture(scope="session")
def cluster_server(tmp_path_factory: pytest.TempPathFactory, cluster_programs: Path) -> Iterator[Server]:
    """A cluster where time runs twenty times as fast, and which runs images for real that have a program."""
    options = ("--speed", "20", "--programs", str(cluster_programs))
    emulator = EmulatorProcess(tmp_path_factory.mktemp("cluster"), options)
    try:
        yield emulator.start()
    finally:
        emulator.stop()


def configuration(server: Server) -> Configuration:
    """As the hook would make it from an Airflow connection."""
    made = Configuration(host=server.url, api_key={"BearerToken": f"Bearer {server.token}"})
    made.ssl_ca_cert = server.ca_file
    return made


def cluster(server: Server, **bounds: float) -> Cluster:
    """The adapter, quick to give up when `bounds` say so."""
    return Cluster(*kubernetes_and_helm(server), **bounds)


def kubernetes_and_helm(server: Server, deadline: float = 30.0) -> tuple[KubernetesApi, Helm]:
    """What a Cluster is joined from."""
    entered = configuration(server)
    return KubernetesApi(entered, LABEL), Helm(lambda: kubeconfig(entered), LABEL, deadline=deadline)


class Kubernetes:
    """The server itself, by HTTP alone."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._context = ssl.create_default_context(cafile=server.ca_file)

    def ask(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Any:
        headers = {"Authorization": f"Bearer {self._server.token}", "Content-Type": kind}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._server.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=20, context=self._context) as answer:
            return json.loads(answer.read() or b"{}")

    def merge(self, path: str, patch: Any) -> None:
        self.ask("PATCH", path, patch, "application/merge-patch+json")

    def items(self, path: str) -> list[Any]:
        return list(self.ask("GET", path)["items"])

    def namespaces(self, platform: str) -> list[str]:
        """Those of a platform, by their proof: broken labels hide nothing."""
        return [n["metadata"]["name"] for n in self.items("/api/v1/namespaces") if _proof(n).startswith(platform)]

    def fault(self, **fault: Any) -> Callable[[], None]:
        """Something goes wrong from now on; call what comes back to clear it."""
        made = self.ask("POST", "/emulator/faults", fault)
        return lambda: self.ask("DELETE", f"/emulator/faults/{made['id']}")

    def snapshot(self, namespaces: tuple[str, ...]) -> dict[str, Any]:
        """All of these namespaces that anybody made: no pods, no status, no versions."""
        names = [n for n in self.items("/api/v1/namespaces") if n["metadata"]["name"] in namespaces]
        inside = {path.format(f"namespaces/{name}"): name for name in namespaces for path in _KINDS}
        return {"namespaces": [_made(n) for n in names], "inside": [_made(o) for p in inside for o in self.items(p)]}

    def drop_all(self, platform: str) -> None:
        """Delete what a test's platform left."""
        for name in self.namespaces(proof_of(platform, "")):
            with _may_be_gone():
                self.merge(f"/api/v1/namespaces/{name}", {"metadata": {"finalizers": []}})
                self.ask("DELETE", f"/api/v1/namespaces/{name}")


@contextmanager
def _may_be_gone() -> Iterator[None]:
    try:
        yield
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise


def _proof(namespace: Any) -> str:
    return str((namespace["metadata"].get("annotations") or {}).get("tenancy.internal/proof", ""))


def _made(document: Any) -> Any:
    fields = ("name", "namespace", "uid", "labels", "annotations", "finalizers", "deletionTimestamp")
    metadata = {key: document["metadata"].get(key) for key in fields}
    (metadata["annotations"] or {}).pop("deployment.kubernetes.io/revision", None)  # the controller writes it late
    return metadata, document.get("spec"), document.get("data")
