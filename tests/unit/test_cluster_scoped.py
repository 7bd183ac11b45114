"""Which objects of a release are deleted before its namespace, because the namespace does not include them."""

from typing import Any

import pytest

from tenancy.adapters.cluster_scoped import CLUSTER_SCOPED, delete_cluster_scoped
from tenancy.adapters.kubernetes_api import KubernetesApi
from tenancy.saga.errors import PlatformError

MARKS = {"meta.helm.sh/release-name": "acme-1", "meta.helm.sh/release-namespace": "acme-1"}
KINDS = {
    "/apis/example.com/v1": [
        {"name": "tenants/status", "kind": "Tenant", "namespaced": False},
        {"name": "tenants", "kind": "Tenant", "namespaced": False},
        {"name": "databases", "kind": "Database", "namespaced": True},
    ]
}


class FakeApi(KubernetesApi):
    """Every object exists, and is the release's unless its name says otherwise."""

    def __init__(self) -> None:
        self.deleted: list[str] = []

    def get(self, path: str) -> Any:
        if path == "/apis":
            return {"groups": [{"versions": [{"groupVersion": "example.com/v1"}]}]}
        if path.count("/") == 3:
            if path not in KINDS:  # as a cluster answers for an unknown group: it has no format, so it proves nothing
                raise PlatformError(f"{path}: 404 page not found")
            return {"resources": KINDS[path]}
        marks = MARKS if path.endswith("acme") else {}
        return {"metadata": {"uid": "1", "annotations": marks}}

    def delete(self, path: str, *, uid: str = "") -> None:  # type: ignore[override]
        self.deleted.append(path)


def deleted(api_version: str, kind: str, name: str = "acme") -> list[str]:
    api = FakeApi()
    manifest = f"---\n# Source: x\napiVersion: {api_version}\nkind: {kind}\nmetadata:\n  name: {name}\n"
    delete_cluster_scoped(api, manifest, release="acme-1", namespace="acme-1", fence=lambda: None)
    return api.deleted


@pytest.mark.parametrize("kind", sorted(CLUSTER_SCOPED))
def test_every_cluster_scoped_kind_of_kubernetes_goes_before_the_namespace(kind: str):
    root = CLUSTER_SCOPED[kind]
    assert deleted(root.removeprefix("/apis/").removeprefix("/api/").rpartition("/")[0], kind) == [f"{root}/acme"]


def test_so_does_a_cluster_scoped_custom_resource_where_the_cluster_has_it():
    assert deleted("example.com/v1", "Tenant") == ["/apis/example.com/v1/tenants/acme"]


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [("example.com/v1", "Database"), ("example.com/v1", "Unknown"), ("other.com/v1", "Tenant"), ("v1", "ConfigMap"),
     ("apps/v1", "Deployment"), ("batch/v1", "Job")],
)  # fmt: skip
def test_what_is_in_the_namespace_or_not_known_to_the_cluster_is_left_to_it(api_version: str, kind: str):
    assert deleted(api_version, kind) == []


def test_an_object_that_the_release_does_not_own_stays():
    assert deleted("example.com/v1", "Tenant", name="somebody-elses") == []


def test_a_cluster_that_does_not_say_what_it_has_keeps_the_namespace():
    class Refusing(FakeApi):
        def get(self, path: str) -> Any:
            raise PlatformError("forbidden: get /apis/example.com/v1")

    manifest = "---\napiVersion: example.com/v1\nkind: Tenant\nmetadata:\n  name: acme\n"
    with pytest.raises(PlatformError, match="forbidden"):
        delete_cluster_scoped(Refusing(), manifest, release="acme-1", namespace="acme-1", fence=lambda: None)
