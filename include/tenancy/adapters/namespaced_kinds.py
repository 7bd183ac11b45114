"""The kinds of object inside a namespace whose state is compared with the manifest that made it. Pure.

Left out are kinds that change or end by themselves (Job, Pod) and custom resources: their schema is not known here.
"""

from typing import Any, Final

NAMESPACED: Final = {
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "CronJob": "/apis/batch/v1/namespaces/{}/cronjobs",
    "DaemonSet": "/apis/apps/v1/namespaces/{}/daemonsets",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "HorizontalPodAutoscaler": "/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers",
    "Ingress": "/apis/networking.k8s.io/v1/namespaces/{}/ingresses",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    "PersistentVolumeClaim": "/api/v1/namespaces/{}/persistentvolumeclaims",
    "PodDisruptionBudget": "/apis/policy/v1/namespaces/{}/poddisruptionbudgets",
    "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings",
    "Secret": "/api/v1/namespaces/{}/secrets",
    "Service": "/api/v1/namespaces/{}/services",
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
    "StatefulSet": "/apis/apps/v1/namespaces/{}/statefulsets",
}
"""Kind -> where its objects are. A chart needs our account's right to read each of them."""


_JUDGED: Final = frozenset({"DaemonSet", "Deployment", "PersistentVolumeClaim", "StatefulSet"})


def is_passive(api_version: str, kind: str) -> bool:
    """Is it ready as soon as it exists? A kind of the same name in another group is a custom resource."""
    root = f"/apis/{api_version}/" if "/" in api_version else f"/api/{api_version}/"
    return kind not in _JUDGED and NAMESPACED.get(kind, "").startswith(root)


def path_of(document: dict[str, Any], namespace: str) -> str:
    """Where the object of this manifest is; `namespace` is the release's, for a manifest that states none."""
    metadata = document["metadata"]
    return f"{NAMESPACED[document['kind']].format(metadata.get('namespace') or namespace)}/{metadata['name']}"
