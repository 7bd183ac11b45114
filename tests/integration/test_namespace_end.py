"""A namespace's end as slow as a real cluster's, and what is said of one that does not come."""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tenancy.adapters.namespaces import PLATFORM_LABEL, Namespaces
from tenancy.saga.causes import Cause
from tenancy.saga.errors import TransientError
from tests.clusters import Kubernetes, kubernetes_and_helm
from tests.conformance.manifests import deployment
from tests.conformance.server import EmulatorProcess, Server, eventually

PROOF = "tenancy:test:018f0000-0000-7000-8000-00000000acae"


def _free() -> None:
    """A fence that lets everything pass."""


@pytest.fixture(scope="module")
def slow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Where a namespace's end begins 5 s after its deletion, as in a real cluster (Kubernetes 1.36)."""
    sandbox = EmulatorProcess(tmp_path_factory.mktemp("slow"))
    try:
        yield sandbox.start()
    finally:
        sandbox.stop()


def furnished(server: Server, *, gone_within: float | None = None, late: float = 0.0) -> tuple[Namespaces, str]:
    """Our namespace with a pod that runs. `late`: by how many seconds the clock is ahead."""
    api, _ = kubernetes_and_helm(server)
    bounds = {} if gone_within is None else {"gone_within": gone_within}
    namespaces = Namespaces(api, now=lambda: datetime.now(UTC) + timedelta(seconds=late), **bounds)
    name = f"n{secrets.token_hex(4)}"
    namespaces.ensure(name, labels={PLATFORM_LABEL: "test"}, proof=PROOF, quota={"pods": "4"}, fence=_free)
    kubernetes = Kubernetes(server)
    kubernetes.ask("POST", f"/apis/apps/v1/namespaces/{name}/deployments", deployment())
    pods = f"/api/v1/namespaces/{name}/pods?fieldSelector=status.phase%3DRunning"
    eventually(lambda: kubernetes.items(pods))
    return namespaces, name


def test_a_namespace_that_ends_as_slowly_as_a_real_one_is_waited_for(slow_server: Server):
    namespaces, name = furnished(slow_server)
    namespaces.delete(name, proof=PROOF, fence=_free)
    assert namespaces.find(name) is None


def test_a_deletion_that_the_cluster_has_not_begun_is_reported(slow_server: Server):
    namespaces, name = furnished(slow_server, gone_within=0.3)
    with pytest.raises(TransientError, match="the cluster has not begun yet") as slow:
        namespaces.delete(name, proof=PROOF, fence=_free)
    assert slow.value.cause is Cause.CLUSTER_ENDING


def test_a_dead_node_is_reported_as_such_and_once_it_is_back_the_namespace_goes(cluster_server: Server):
    namespaces, name = furnished(cluster_server, gone_within=1.5, late=60)
    clear = Kubernetes(cluster_server).fault(kind="node-silent", namespace=name)
    try:
        with pytest.raises(TransientError, match=r"the pods? web-\S+ remains? because the node \S+ does not") as dead:
            namespaces.delete(name, proof=PROOF, fence=_free)
        assert "finalizer" not in str(dead.value)
        assert dead.value.cause is Cause.CLUSTER_NODE
    finally:
        clear()
    eventually(lambda: namespaces.find(name) is None)
