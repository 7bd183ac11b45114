"""Deletes cluster-scoped objects of a Helm release before its namespace, because the namespace does not include them.

Used by releases.py. Usually `helm uninstall` deletes them. This is for the case that it keeps failing and the
namespace, with Helm's own record of the release, is about to be deleted. Only objects with Helm's mark of this release
are touched.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import yaml

from tenancy.adapters import manifests
from tenancy.adapters.custom_kinds import find_custom_kind
from tenancy.adapters.kubernetes_api import Document, KubernetesApi
from tenancy.adapters.namespaced_kinds import is_passive
from tenancy.adapters.readiness_rules import RULES

CLUSTER_SCOPED: Final = {
    "APIService": "/apis/apiregistration.k8s.io/v1/apiservices",
    "CSIDriver": "/apis/storage.k8s.io/v1/csidrivers",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "CustomResourceDefinition": "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "IngressClass": "/apis/networking.k8s.io/v1/ingressclasses",
    "MutatingWebhookConfiguration": "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
    "PersistentVolume": "/api/v1/persistentvolumes",
    "PriorityClass": "/apis/scheduling.k8s.io/v1/priorityclasses",
    "RuntimeClass": "/apis/node.k8s.io/v1/runtimeclasses",
    "StorageClass": "/apis/storage.k8s.io/v1/storageclasses",
    "ValidatingAdmissionPolicy": "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings",
    "ValidatingWebhookConfiguration": "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
}
"""Kind -> where its objects are: the cluster-scoped kinds of Kubernetes 1.36 that a chart may have. Where
custom resources are, the cluster is asked."""
_RELEASE, _NAMESPACE = "meta.helm.sh/release-name", "meta.helm.sh/release-namespace"


def delete_cluster_scoped(
    api: KubernetesApi, manifest: str, *, release: str, namespace: str, fence: Callable[[], None]
) -> None:
    """Delete the objects that the manifest names and this release still owns. A refusal is raised, so the namespace
    stays."""
    for path in _paths(api, manifest):
        found = api.get(path)
        if found is not None and _owner(found) == (release, namespace):
            fence()
            api.delete(path, uid=found["metadata"]["uid"])


def _paths(api: KubernetesApi, manifest: str) -> Iterator[str]:
    for kind, text in manifests.documents(manifest):
        root = CLUSTER_SCOPED.get(kind) or _custom_root(api, manifests.api_version(text), kind)
        if root:
            document: Any = yaml.safe_load(text)
            yield f"{root}/{document['metadata']['name']}"


def _custom_root(api: KubernetesApi, api_version: str, kind: str) -> str:
    """Where the cluster has its cluster-scoped custom resources of this kind; empty for every other kind."""
    if is_passive(api_version, kind) or (api_version, kind) in RULES:
        return ""
    found = find_custom_kind(api, api_version, kind)
    return f"{found.root}/{found.plural}" if found and not found.namespaced else ""


def _owner(document: Document) -> tuple[str | None, str | None]:
    annotations = document["metadata"].get("annotations") or {}
    return annotations.get(_RELEASE), annotations.get(_NAMESPACE)
