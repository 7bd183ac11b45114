"""Where a cluster has the objects of a kind that Kubernetes itself does not have. The cluster is asked (discovery)."""

from dataclasses import dataclass

from tenancy.adapters.kubernetes_api import KubernetesApi


@dataclass(frozen=True)
class CustomKind:
    """A kind as the cluster knows it. `root` is its group's path, such as `/apis/example.com/v1`."""

    root: str
    plural: str
    namespaced: bool

    def path(self, name: str, namespace: str) -> str:
        """Where the object of this name is; `namespace` matters only to a namespaced kind."""
        where = f"namespaces/{namespace}/" if self.namespaced else ""
        return f"{self.root}/{where}{self.plural}/{name}"


def find_custom_kind(api: KubernetesApi, api_version: str, kind: str) -> CustomKind | None:
    """None when the cluster does not know the kind: then it has no object of it.

    The list of groups is asked first: for the path of an unknown group a cluster answers with a plain 404, which proves
    nothing, because a router answers so, too.
    """
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    if "/" in api_version and not _has_group(api, api_version):
        return None
    for each in (api.get(root) or {}).get("resources") or []:
        if each.get("kind") == kind and "/" not in each["name"]:  # a name with a slash is a subresource
            return CustomKind(root, str(each["name"]), bool(each.get("namespaced")))
    return None


def _has_group(api: KubernetesApi, api_version: str) -> bool:
    groups = (api.get("/apis") or {}).get("groups") or []
    return any(version["groupVersion"] == api_version for group in groups for version in group["versions"])
