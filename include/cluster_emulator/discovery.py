"""Discovery: the server's version, its groups, the resources of a group version.

Serves /version, /api, /apis and below, from the table of kinds. Aggregated discovery is not offered: clients request it
by Accept and use this older form if they do not get it.
"""

from typing import Final

from cluster_emulator import api_errors
from cluster_emulator.kinds import GROUP_VERSIONS, KINDS, Kind
from cluster_emulator.objects import Object

VERBS: Final = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
_ALL: Final = frozenset({"Pod", "Service", "Deployment", "ReplicaSet", "HorizontalPodAutoscaler"})  # `get all`
_SUB_VERBS: Final = ("get", "patch", "update")
# Reviews are answered (`reviews.py`) but never stored.
REVIEWS: Final = {
    "authorization.k8s.io": ("SelfSubjectAccessReview", "SelfSubjectRulesReview"),
    "authentication.k8s.io": ("SelfSubjectReview",),
}
_ALL_GROUPS: Final = {**GROUP_VERSIONS, **dict.fromkeys(REVIEWS, "v1")}

VERSION: Final[Object] = {
    "major": "1",
    "minor": "32",
    "gitVersion": "v1.32.0+emulator",
    "gitCommit": "emulator",
    "gitTreeState": "clean",
    "buildDate": "2025-01-01T00:00:00Z",
    "goVersion": "none",
    "compiler": "none",
    "platform": "linux/amd64",
}
CORE_VERSIONS: Final[Object] = {
    "kind": "APIVersions",
    "versions": ["v1"],
    "serverAddressByClientCIDRs": [],
}


def groups() -> Object:
    named = [_group(group, version) for group, version in _ALL_GROUPS.items() if group]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": named}


def group(name: str) -> Object:
    if not name or name not in _ALL_GROUPS:
        raise api_errors.no_such_resource()
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name, _ALL_GROUPS[name])}


def _group(name: str, version: str) -> Object:
    entry = {"groupVersion": f"{name}/{version}", "version": version}
    return {"name": name, "versions": [entry], "preferredVersion": entry}


def resources(group_name: str, version: str) -> Object:
    """The APIResourceList of one group version."""
    if _ALL_GROUPS.get(group_name) != version:
        raise api_errors.no_such_resource()
    listed = [entry for kind in KINDS if kind.group == group_name for entry in _resource_entries(kind)] + [
        _review_entry(name) for name in REVIEWS.get(group_name, ())
    ]
    group_version = f"{group_name}/{version}" if group_name else version
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version,
        "resources": listed,
    }


def _resource_entries(kind: Kind) -> list[Object]:
    common = {"singularName": "", "namespaced": kind.namespaced, "kind": kind.name}
    entries: list[Object] = [
        {
            **common,
            "name": kind.plural,
            "singularName": kind.name.lower(),
            "verbs": VERBS,
            "shortNames": kind.short_names,
            "categories": ["all"] if kind.name in _ALL else [],
        }
    ]
    if kind.has_status:
        entries.append({**common, "name": f"{kind.plural}/status", "verbs": _SUB_VERBS})
    if kind.has_scale:
        scale = {"group": "autoscaling", "version": "v1", "kind": "Scale"}
        entries.append({**common, **scale, "name": f"{kind.plural}/scale", "verbs": _SUB_VERBS})
    return entries


def _review_entry(name: str) -> Object:
    plural = f"{name.lower()}s"
    return {
        "name": plural,
        "singularName": name.lower(),
        "namespaced": False,
        "kind": name,
        "verbs": ["create"],
    }
