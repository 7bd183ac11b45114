"""A customised chart's cluster-scoped objects go before the namespace does, also when Helm cannot uninstall it."""

import base64
import gzip
import json
from typing import Any

import pytest
import yaml

from tenancy.activities.registry import activity_of
from tenancy.saga.names import ActivityName
from tests.clusters import Kubernetes
from tests.contract.workbench import Workbench

DEPLOY = activity_of(ActivityName("deploy_workloads"))
CLASSES = "/apis/networking.k8s.io/v1/ingressclasses"


def _ingress_class(name: str, release: str, namespace: str) -> dict[str, Any]:
    marks = {"meta.helm.sh/release-name": release, "meta.helm.sh/release-namespace": namespace}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IngressClass",
        "metadata": {"name": name, "annotations": marks},
        "spec": {"controller": "example.test/controller"},
    }


def _add_to_manifest(kubernetes: Kubernetes, namespace: str, document: dict[str, Any]) -> None:
    """As if the release had been made from a chart with this object in it."""
    (secret,) = kubernetes.items(f"/api/v1/namespaces/{namespace}/secrets?labelSelector=owner%3Dhelm")
    revision = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(secret["data"]["release"]))))
    revision["manifest"] += f"\n---\n# Source: x\n{yaml.safe_dump(document)}"
    stored = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(revision).encode()))).decode()
    kubernetes.merge(
        f"/api/v1/namespaces/{namespace}/secrets/{secret['metadata']['name']}", {"data": {"release": stored}}
    )


def _exists(kubernetes: Kubernetes, name: str) -> bool:
    return name in {each["metadata"]["name"] for each in kubernetes.items(CLASSES)}


@pytest.mark.parametrize("whose", ["ours", "another release's"])
def test_what_the_release_owns_is_deleted_before_its_namespace_and_nothing_else(bench: Workbench, whose: str):
    bench.prepare(DEPLOY)
    bench.run(DEPLOY)
    kubernetes = Kubernetes(bench.cluster_server)
    namespace = next(r for r in bench.own(DEPLOY) if r.kind == "namespace")
    name = f"class-of-{namespace.name}"
    owner = namespace.name if whose == "ours" else "somebody-elses"
    kubernetes.ask("POST", CLASSES, _ingress_class(name, owner, owner))
    _add_to_manifest(kubernetes, namespace.name, _ingress_class(name, namespace.name, namespace.name))
    try:
        DEPLOY.compensate(bench.context, namespace)  # Helm has not uninstalled the release
        assert kubernetes.namespaces(bench.context.proof) == []
        assert _exists(kubernetes, name) is (whose != "ours")
    finally:
        if _exists(kubernetes, name):
            kubernetes.ask("DELETE", f"{CLASSES}/{name}")
