"""Namespaces and releases on a real cluster when something is wrong: left half done, foreign, held, silent."""

import secrets
import signal
from dataclasses import replace
from typing import Any

import pytest

from tenancy.adapters.cluster import Cluster
from tenancy.adapters.helm import Release
from tenancy.adapters.namespaces import PLATFORM_LABEL
from tenancy.adapters.releases import DIGEST_LABEL
from tenancy.saga.errors import ForeignObjectError, PermanentError, TransientError
from tests.clusters import Kubernetes, cluster, kubernetes_and_helm
from tests.conformance.helm import HelmCommand as Bystander
from tests.conformance.server import Server, eventually
from tests.products import CHART
from tests.unit.test_chart import VALUES

PROOF = VALUES["tenant"]["proof"]
QUOTA = {"pods": "4"}


def _free() -> None:
    """A fence that lets everything pass."""


@pytest.fixture
def name(cluster_server: Server) -> Any:
    made = f"w{secrets.token_hex(4)}"
    yield made
    Kubernetes(cluster_server).drop_all("test")


@pytest.fixture
def ours(cluster_server: Server, name: str) -> Cluster:
    """A cluster in which our namespace stands."""
    entered = cluster(cluster_server, gone_within=0.5)
    _make_namespace(entered, name)
    return entered


def _make_namespace(entered: Cluster, name: str, proof: str = PROOF) -> None:
    entered.namespaces.ensure(name, labels={PLATFORM_LABEL: "test"}, proof=proof, quota=QUOTA, fence=_free)


def desired_release(name: str, **changes: Any) -> Release:
    return Release(CHART, name, name, {**VALUES, **changes}, {PLATFORM_LABEL: "test", DIGEST_LABEL: "d1"})


def ensure(entered: Cluster, release: Release) -> None:
    entered.releases.ensure(release, proof=PROOF, fence=_free)


def status(entered: Cluster, name: str) -> str:
    release = entered.releases.find(name, name)
    return release.status if release else "absent"


@pytest.mark.parametrize("before", [(), ("deployed",)], ids=["install", "upgrade"])
def test_values_that_the_charts_schema_refuses_change_nothing(ours: Cluster, name: str, before: tuple[str, ...]):
    if before:
        ensure(ours, desired_release(name))
    refused = replace(desired_release(name, replicas="many"), labels={PLATFORM_LABEL: "test", DIGEST_LABEL: "d2"})
    with pytest.raises(PermanentError, match=r"replicas.*(number|integer)"):
        ensure(ours, refused)
    release = ours.releases.find(name, name)
    assert (release.status, release.digest) == ("deployed", "d1") if before else release is None


def _left_pending(server: Server, tmp_path: Any, name: str) -> None:
    """A Helm process that waits for pods, killed in the middle."""
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text(server.kubeconfig())
    clear = Kubernetes(server).fault(kind="slow-start", namespace=name, seconds=100_000)
    child = Bystander(kubeconfig, name).start("install", CHART, name, VALUES, wait="watcher", timeout=60)
    eventually(lambda: status(cluster(server), name) == "pending-install")
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert child.stdout
    child.stdout.close()
    clear()


def test_a_release_that_a_killed_helm_left_pending_is_brought_back(
    ours: Cluster, cluster_server: Server, name: str, tmp_path: Any
):
    _left_pending(cluster_server, tmp_path, name)
    ensure(ours, desired_release(name))
    assert status(ours, name) == "deployed"


def test_a_pending_release_in_a_foreign_namespace_is_refused_and_stays_as_it_is(
    cluster_server: Server, name: str, tmp_path: Any
):
    entered, kubernetes = cluster(cluster_server), Kubernetes(cluster_server)
    _make_namespace(entered, name, proof="tenancy:test:somebody-else")
    _left_pending(cluster_server, tmp_path, name)
    before = kubernetes.snapshot((name,))
    with pytest.raises(ForeignObjectError, match="not ours"):
        ensure(entered, desired_release(name))
    with pytest.raises(ForeignObjectError):
        entered.releases.delete(name, name, proof=PROOF, fence=_free)
    with pytest.raises(ForeignObjectError):
        entered.namespaces.delete(name, proof=PROOF, fence=_free)
    assert kubernetes.snapshot((name,)) == before


def test_a_failed_release_is_repaired(ours: Cluster, cluster_server: Server, name: str):
    clear = Kubernetes(cluster_server).fault(kind="quota-exceeded", namespace=name, resource="services")
    with pytest.raises(Exception, match="exceeded quota"):
        ensure(ours, desired_release(name))
    assert status(ours, name) == "failed"
    clear()
    ensure(ours, desired_release(name))
    assert status(ours, name) == "deployed"


def test_an_edited_deployment_is_taken_back(ours: Cluster, cluster_server: Server, name: str):
    ensure(ours, desired_release(name))
    kubernetes, path = Kubernetes(cluster_server), f"/apis/apps/v1/namespaces/{name}/deployments/{name}"
    kubernetes.merge(path, {"spec": {"replicas": 1}})
    ours.releases.ensure(
        Release(CHART, name, name, VALUES, {PLATFORM_LABEL: "test", DIGEST_LABEL: "d2"}), proof=PROOF, fence=_free
    )
    assert kubernetes.ask("GET", path)["spec"]["replicas"] == 3


def test_the_holder_of_a_namespace_is_named(ours: Cluster, cluster_server: Server, name: str):
    kubernetes = Kubernetes(cluster_server)
    held = {"metadata": {"name": "held", "finalizers": ["example.com/backup"]}}
    kubernetes.ask("POST", f"/api/v1/namespaces/{name}/configmaps", held)
    with pytest.raises(TransientError, match=rf"The namespace {name} is not gone after .* s: .*example\.com/backup"):
        ours.namespaces.delete(name, proof=PROOF, fence=_free)
    with pytest.raises(TransientError, match="is still being deleted"):
        _make_namespace(ours, name)
    kubernetes.merge(f"/api/v1/namespaces/{name}/configmaps/held", {"metadata": {"finalizers": []}})
    eventually(lambda: ours.namespaces.find(name) is None)
    ours.namespaces.delete(name, proof=PROOF, fence=_free)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"kind": "http-500"}, "answered 500"),
        ({"kind": "http-429", "retry_after": 7}, "answered 429 .*asks to wait 7 s"),
        (
            {"kind": "refuse"},
            r"does not respond at https://127\S+ to GET \S+ \(Remote end closed connection without response\)\.$",
        ),
    ],
)
def test_a_failing_cluster_is_tried_again_and_named(
    ours: Cluster, cluster_server: Server, name: str, fault: dict[str, Any], message: str
):
    clear = Kubernetes(cluster_server).fault(namespace=name, **fault)
    try:
        with pytest.raises(TransientError, match=f"The cluster of region eu-central {message}"):
            ours.namespaces.find(name)
    finally:
        clear()


def test_a_cluster_that_asks_to_wait_is_understood(ours: Cluster, cluster_server: Server, name: str):
    clear = Kubernetes(cluster_server).fault(namespace=name, kind="http-429", retry_after=7)
    try:
        with pytest.raises(TransientError) as raised:
            ours.namespaces.find(name)
    finally:
        clear()
    assert raised.value.retry_after == 7


def test_a_release_is_proved_ours_only_by_a_namespace_that_is_there(cluster_server: Server, name: str):
    with pytest.raises(Exception, match=f"The namespace {name} is gone"):
        ensure(cluster(cluster_server), desired_release(name))


def test_releases_are_found_without_what_is_secret_in_them(ours: Cluster, cluster_server: Server, name: str):
    ensure(ours, desired_release(name))
    api, _ = kubernetes_and_helm(cluster_server)
    marks = [
        each for each in api.iterate_metadata("/api/v1/secrets", "owner=helm") if each["metadata"]["namespace"] == name
    ]
    assert [sorted(each) for each in marks] == [["apiVersion", "kind", "metadata"]]
    assert name in [release.name for release in ours.releases.of_platform("test")]
