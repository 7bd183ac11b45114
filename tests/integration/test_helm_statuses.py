"""Every status that HelmCommand can leave a release in has a way on: to a deployed release, and to none."""

import base64
import gzip
import json
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from tenancy.adapters.cluster import Cluster
from tenancy.adapters.helm import FIELD_MANAGER, Release
from tenancy.adapters.namespaces import PLATFORM_LABEL
from tenancy.adapters.releases import DIGEST_LABEL
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PermanentError, PlatformError, TransientError
from tests.clusters import Kubernetes, cluster
from tests.conformance.helm import HelmCommand as Bystander
from tests.conformance.server import Server
from tests.products import CHART
from tests.unit.test_chart import VALUES

PROOF = VALUES["tenant"]["proof"]
STATUSES = (
    "unknown",
    "deployed",
    "uninstalled",
    "superseded",
    "failed",
    "uninstalling",
    "pending-install",
    "pending-upgrade",
    "pending-rollback",
    "of a later HelmCommand",
)


def _free() -> None:
    """A fence that lets everything pass."""


@pytest.fixture
def name(cluster_server: Server) -> Iterator[str]:
    made = f"s{secrets.token_hex(4)}"
    yield made
    Kubernetes(cluster_server).drop_all("test")


@pytest.fixture
def ours(cluster_server: Server, name: str) -> Cluster:
    entered = cluster(cluster_server)
    make_namespace(entered, name)
    return entered


def make_namespace(entered: Cluster, name: str) -> None:
    entered.namespaces.ensure(name, labels={PLATFORM_LABEL: "test"}, proof=PROOF, quota={"pods": "4"}, fence=_free)


def provision(entered: Cluster, name: str) -> None:
    """What the activity does: the namespace, then the release."""
    make_namespace(entered, name)
    ensure(entered, name)


def desired_release(name: str, digest: str = "d1") -> Release:
    return Release(CHART, name, name, VALUES, {PLATFORM_LABEL: "test", DIGEST_LABEL: digest})


def ensure(entered: Cluster, name: str, digest: str = "d1") -> None:
    entered.releases.ensure(desired_release(name, digest), proof=PROOF, fence=_free)


def status(entered: Cluster, name: str) -> str:
    found = entered.releases.find(name, name)
    return found.status if found else "none"


def leave_in(server: Server, name: str, status: str) -> None:
    """As a HelmCommand that ended there would have left it: in the Secret's label and in the revision that it holds."""
    kubernetes = Kubernetes(server)
    for secret in kubernetes.items(f"/api/v1/namespaces/{name}/secrets?labelSelector=owner%3Dhelm"):
        revision = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(secret["data"]["release"]))))
        revision["info"]["status"] = status
        stored = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(revision).encode()))).decode()
        patch = {"metadata": {"labels": {"status": status.replace(" ", "-")}}, "data": {"release": stored}}
        kubernetes.merge(f"/api/v1/namespaces/{name}/secrets/{secret['metadata']['name']}", patch)


@pytest.mark.parametrize("left", STATUSES)
def test_a_release_in_any_status_becomes_deployed(ours: Cluster, cluster_server: Server, name: str, left: str):
    ensure(ours, name)
    leave_in(cluster_server, name, left)
    ensure(ours, name, "d2")
    assert status(ours, name) == "deployed"


@pytest.mark.parametrize("left", STATUSES)
def test_a_release_in_any_status_can_be_deleted(ours: Cluster, cluster_server: Server, name: str, left: str):
    ensure(ours, name)
    leave_in(cluster_server, name, left)
    ours.releases.delete(name, name, proof=PROOF, fence=_free)
    assert status(ours, name) == "none"


def test_a_release_that_was_uninstalled_with_its_history_kept_is_installed_again(
    ours: Cluster, cluster_server: Server, name: str, tmp_path: Any
):
    ensure(ours, name)
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text(cluster_server.kubeconfig())
    Bystander(kubeconfig, name)("uninstall", name, keep_history=True)
    assert status(ours, name) == "uninstalled"
    ensure(ours, name)
    assert status(ours, name) == "deployed"


def test_helms_field_manager_is_stated(ours: Cluster, cluster_server: Server, name: str):
    ensure(ours, name)
    deployment = Kubernetes(cluster_server).ask("GET", f"/apis/apps/v1/namespaces/{name}/deployments/{name}")
    applied = {entry["manager"] for entry in deployment["metadata"]["managedFields"] if entry["operation"] == "Apply"}
    assert applied == {FIELD_MANAGER}


def test_a_release_that_helm_could_not_record_as_deployed_is_not_done(ours: Cluster, cluster_server: Server, name: str):
    clear = Kubernetes(cluster_server).fault(kind="forbidden", namespace=name, resource="secrets", verb="update")
    try:
        with pytest.raises(PlatformError, match="pending-install: emulator-admin may not update secrets") as lacks:
            ensure(ours, name)
    finally:
        clear()
    assert lacks.value.cause is Cause.CLUSTER_RIGHTS
    ensure(ours, name)
    assert status(ours, name) == "deployed"


RIGHTS = [
    ("get", "namespaces"),
    ("get", "resourcequotas"),
    ("create", "resourcequotas"),
    ("list", "secrets"),
    ("create", "secrets"),
    ("patch", "deployments"),
    ("patch", "ingresses"),
]


@pytest.mark.parametrize(("verb", "resource"), RIGHTS)
def test_a_right_that_is_missing_while_provisioning_is_the_platforms_and_is_named(
    cluster_server: Server, name: str, verb: str, resource: str
):
    entered = cluster(cluster_server)
    clear = Kubernetes(cluster_server).fault(
        kind="forbidden", selector=f"{PLATFORM_LABEL}=test", resource=resource, verb=verb
    )
    try:
        with pytest.raises(PlatformError, match=rf"emulator-admin may not {verb} {resource}") as lacks:
            provision(entered, name)
    finally:
        clear()
    assert lacks.value.cause is Cause.CLUSTER_RIGHTS


@pytest.mark.parametrize("verb", ["get", "create", "update"])
def test_a_namespace_is_deleted_without_any_right_to_its_quota(
    ours: Cluster, cluster_server: Server, name: str, verb: str
):
    clear = Kubernetes(cluster_server).fault(kind="forbidden", namespace=name, resource="resourcequotas", verb=verb)
    try:
        ours.namespaces.delete(name, proof=PROOF, fence=_free)
    finally:
        clear()
    assert ours.namespaces.find(name) is None


def test_a_release_went_with_its_namespace_also_where_releases_cannot_be_listed(
    ours: Cluster, cluster_server: Server, name: str
):
    ensure(ours, name)
    ours.namespaces.delete(name, proof=PROOF, fence=_free)
    clear = Kubernetes(cluster_server).fault(kind="forbidden", resource="secrets", verb="list")
    try:
        assert ours.releases.find(name, name) is None
        ours.releases.delete(name, name, proof=PROOF, fence=_free)
    finally:
        clear()


POLICY_TEXTS = ("conflict", "timeout: EOF", "exceeded quota: x", "another operation is in progress; try again")


@pytest.mark.parametrize("text", POLICY_TEXTS)
def test_a_refusing_policy_is_permanent_and_its_message_is_reported(
    ours: Cluster, cluster_server: Server, name: str, text: str
):
    clear = Kubernetes(cluster_server).fault(kind="admission-denied", namespace=name, resource="services", message=text)
    try:
        with pytest.raises(PermanentError, match="admission refused") as refused:
            ensure(ours, name)
    finally:
        clear()
    assert text in str(refused.value)
    assert refused.value.cause is Cause.CLUSTER_ADMISSION


def test_a_webhook_that_is_down_is_not_reported_as_a_silent_cluster(ours: Cluster, cluster_server: Server, name: str):
    clear = Kubernetes(cluster_server).fault(kind="webhook-down", namespace=name, resource="services")
    try:
        with pytest.raises(TransientError, match="an admission webhook does not respond") as silent:
            ensure(ours, name)
    finally:
        clear()
    assert silent.value.cause is Cause.CLUSTER_WEBHOOK


DEPLOYMENT = "/apis/apps/v1/namespaces/{0}/deployments/{0}"
_IMAGE = {"name": "app", "image": "registry.example/miner:1"}
EDITS = {
    "image": (DEPLOYMENT, {"spec": {"template": {"spec": {"containers": [_IMAGE]}}}}, "image is registry.example"),
    "zero replicas": (DEPLOYMENT, {"spec": {"replicas": 0}}, "spec.replicas is 0, asked for was 3"),
    "one replica": (DEPLOYMENT, {"spec": {"replicas": 1}}, "spec.replicas is 1, asked for was 3"),
    "service port": (
        "/api/v1/namespaces/{0}/services/{0}",
        {"spec": {"ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 9999}]}},
        "its Service was edited: spec.ports[http].targetPort is 9999",
    ),
    "host": (
        "/apis/networking.k8s.io/v1/namespaces/{0}/ingresses/{0}",
        {"spec": {"rules": [{"host": "elsewhere.example"}]}},
        "elsewhere.example",
    ),
    "network policy": (
        "/apis/networking.k8s.io/v1/namespaces/{0}/networkpolicies/{0}",
        {"spec": {"policyTypes": ["Ingress"]}},
        "policyTypes",
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_object_is_noticed_with_who_did_it_and_put_right(
    ours: Cluster, cluster_server: Server, name: str, edit: str
):
    ensure(ours, name)
    path, patch, words = EDITS[edit]
    kubernetes = Kubernetes(cluster_server)
    kubernetes.ask(
        "PATCH", f"{path.format(name)}?fieldManager=kubectl-edit", patch, "application/strategic-merge-patch+json"
    )
    release = ours.releases.find(name, name)
    assert release is not None
    wrong = ours.releases.find_deviation(desired_release(name), release, proof=PROOF)
    assert words in wrong
    ensure(ours, name)
    release = ours.releases.find(name, name)
    assert release is not None
    assert ours.releases.find_deviation(desired_release(name), release, proof=PROOF) == ""


def test_more_replicas_than_the_plan_has_are_no_edit(ours: Cluster, cluster_server: Server, name: str):
    ensure(ours, name)
    Kubernetes(cluster_server).merge(DEPLOYMENT.format(name), {"spec": {"replicas": 4}})
    release = ours.releases.find(name, name)
    assert release is not None
    assert ours.releases.find_deviation(desired_release(name), release, proof=PROOF) == ""
