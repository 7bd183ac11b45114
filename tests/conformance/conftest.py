"""The server under test and ways to talk to it: the official client, kubectl and Helm, each with fresh namespaces.

CONFORMANCE_URL and CONFORMANCE_TOKEN (and CONFORMANCE_CA, a file) name a server, a real cluster too; without them
the cluster emulator is started in a temporary folder. Nothing here knows which of the two it is.
"""

import contextlib
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import urllib3
from kubernetes import client, dynamic
from kubernetes.client import ApiClient, AppsV1Api, Configuration, CoreV1Api, NetworkingV1Api

from tests.required_programs import require

from .helm import HelmCommand
from .kubectl import Kubectl
from .server import Server, start_emulator


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    url = os.environ.get("CONFORMANCE_URL")
    if url:
        ca_file = os.environ.get("CONFORMANCE_CA", "")
        if not ca_file:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        yield Server(url.rstrip("/"), os.environ["CONFORMANCE_TOKEN"], ca_file)
        return
    with start_emulator(tmp_path_factory.mktemp("cluster")) as started:
        yield started


@pytest.fixture(scope="session")
def kubeconfig(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("kube") / "config"
    file.write_text(server.kubeconfig())
    return file


def configuration(server: Server, token: str | None = None) -> Configuration:
    config = Configuration()
    config.host, config.verify_ssl = server.url, bool(server.ca_file)
    config.ssl_ca_cert = server.ca_file or None
    config.api_key = {"authorization": f"Bearer {token or server.token}"}
    return config


@pytest.fixture(scope="session")
def api(server: Server) -> Iterator[ApiClient]:
    with ApiClient(configuration(server)) as connected:
        yield connected


@pytest.fixture(scope="session")
def stranger(server: Server) -> Iterator[ApiClient]:
    """The official client with a token nobody gave out."""
    with ApiClient(configuration(server, "wrong")) as connected:
        yield connected


@pytest.fixture(scope="session")
def core(api: ApiClient) -> CoreV1Api:
    return CoreV1Api(api)


@pytest.fixture(scope="session")
def apps(api: ApiClient) -> AppsV1Api:
    return AppsV1Api(api)


@pytest.fixture(scope="session")
def networking(api: ApiClient) -> NetworkingV1Api:
    return NetworkingV1Api(api)


@pytest.fixture(scope="session")
def anything(api: ApiClient) -> dynamic.DynamicClient:
    """The official client that learns every kind from discovery."""
    return dynamic.DynamicClient(api)


@pytest.fixture
def new_namespace(core: CoreV1Api) -> Iterator[Callable[[], str]]:
    made: list[str] = []

    def make() -> str:
        name = f"conformance-{secrets.token_hex(4)}"
        core.create_namespace({"metadata": {"name": name}})
        made.append(name)
        return name

    yield make
    for name in made:
        with contextlib.suppress(client.ApiException):  # the test may have deleted it
            core.delete_namespace(name)


@pytest.fixture
def namespace(new_namespace: Callable[[], str]) -> str:
    return new_namespace()


@pytest.fixture
def kubectl(kubeconfig: Path, namespace: str) -> Kubectl:
    return Kubectl(require("kubectl"), kubeconfig, namespace)


@pytest.fixture(scope="session")
def helm_is_here() -> None:
    # In a child, like every use of Helm: the library must never be loaded into a process that forks.
    found = subprocess.run([sys.executable, "-c", "import helm_python"], capture_output=True, check=False)
    assert found.returncode == 0, "helm-python-sdk cannot be imported; it is in requirements.txt"


@pytest.fixture
def helm(helm_is_here: None, kubeconfig: Path, namespace: str) -> HelmCommand:
    return HelmCommand(kubeconfig, namespace)


@pytest.fixture(scope="session")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small chart with the kinds a tenant's has."""
    from .charts import write_chart

    return write_chart(tmp_path_factory.mktemp("chart") / "small")
