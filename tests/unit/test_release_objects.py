"""Which objects of a release's manifest decide about its readiness, and where a cluster has them."""

from typing import Any

import pytest

from tenancy.adapters.kubernetes_api import KubernetesApi
from tenancy.adapters.release_objects import ReleaseObjects, is_judged

MANIFEST = """
---
# Source: x
apiVersion: example.com/v1
kind: Database
metadata: {name: acme-db}
---
apiVersion: example.com/v1
kind: DatabaseClass
metadata: {name: acme-class}
---
apiVersion: example.com/v1
kind: Unheard
metadata: {name: acme-x}
---
apiVersion: example.com/v1
kind: Database
metadata: {name: elsewhere, namespace: other}
---
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: acme-web}
---
apiVersion: v1
kind: Service
metadata: {name: acme}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: acme}
"""
KINDS = {
    "/apis/example.com/v1": [
        {"name": "databases/status", "kind": "Database", "namespaced": True},
        {"name": "databases", "kind": "Database", "namespaced": True},
        {"name": "databaseclasses", "kind": "DatabaseClass", "namespaced": False},
    ],
    "/apis/serving.knative.dev/v1": [{"name": "services", "kind": "Service", "namespaced": True}],
}


class FakeApi(KubernetesApi):
    """Answers with what it has."""

    def __init__(self, **objects: Any) -> None:
        self.objects = objects
        self.asked: list[str] = []

    def get(self, path: str) -> Any:
        if path == "/apis":
            return {"groups": [{"versions": [{"groupVersion": each.removeprefix("/apis/")}]} for each in KINDS]}
        self.asked.append(path)
        return {"resources": KINDS[path]} if path in KINDS else self.objects.get(path.rpartition("/")[2])


def test_custom_resources_are_found_where_the_cluster_says_and_cluster_scoped_ones_left_out():
    api = FakeApi()
    found = ReleaseObjects(api, MANIFEST, "acme").judged()
    assert [(each.key[1], each.asked["metadata"]["name"]) for each in found] == [
        ("Database", "acme-db"),
        ("Unheard", "acme-x"),
        ("Service", "acme-web"),
    ]
    assert [path for path in api.asked if path not in KINDS] == [
        "/apis/example.com/v1/namespaces/acme/databases/acme-db",
        "/apis/serving.knative.dev/v1/namespaces/acme/services/acme-web",
    ]


def test_other_objects_only_have_to_exist():
    assert ReleaseObjects(FakeApi(), MANIFEST, "acme").first_missing() == "Service acme"
    assert ReleaseObjects(FakeApi(acme={"kind": "Service"}), MANIFEST, "acme").first_missing() == ""


@pytest.mark.parametrize(
    ("api_version", "kind", "expected"),
    [
        ("apps/v1", "StatefulSet", True),
        ("v1", "PersistentVolumeClaim", True),
        ("batch/v1", "Job", True),
        ("batch/v1", "CronJob", False),
        ("v1", "ConfigMap", False),
        ("networking.k8s.io/v1", "Ingress", False),
        ("storage.k8s.io/v1", "StorageClass", False),
        ("example.com/v1", "Ingress", True),
    ],
)
def test_what_runs_or_is_custom_is_judged_by_its_status(api_version: str, kind: str, expected: bool):
    assert is_judged(api_version, kind) is expected
