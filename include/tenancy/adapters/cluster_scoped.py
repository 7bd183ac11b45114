"""Deletes cluster-scoped objects of a Helm release before its namespace, because the namespace does not include them.

Used by releases.py. Usually `helm uninstall` deletes them. This is for the case that it keeps failing and the
namespace, with Helm's own record of the release, is about to be deleted. Only objects with Helm's mark of this release
are touched.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import yaml

from tenancy.adapters import manifests
from tenancy.adapters.kubernetes_api import Document, KubernetesApi

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
"""Kind -> where its objects are: the cluster-scoped kinds of Kubernetes 1.36 that a chart may have. Kinds of custom
resources are not known here."""
_RELEASE, _NAMESPACE = "meta.helm.sh/release-name", "meta.helm.sh/release-namespace"


def delete_cluster_scoped(
    api: KubernetesApi, manifest: str, *, release: str, namespace: str, fence: Callable[[], None]
) -> None:
    """Delete the objects that the manifest names and this release still owns. A refusal is raised, so the namespace
    stays."""
    for path in _paths(manifest):
        found = api.get(path)
        if found is not None and _owner(found) == (release, namespace):
            fence()
            api.delete(path, uid=found["metadata"]["uid"])


def _paths(manifest: str) -> Iterator[str]:
    for kind, text in manifests.documents(manifest):
        if kind in CLUSTER_SCOPED:
            document: Any = yaml.safe_load(text)
            yield f"{CLUSTER_SCOPED[kind]}/{document['metadata']['name']}"


def _owner(document: Document) -> tuple[str | None, str | None]:
    annotations = document["metadata"].get("annotations") or {}
    return annotations.get(_RELEASE), annotations.get(_NAMESPACE)
