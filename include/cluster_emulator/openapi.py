"""OpenAPI v3, as little as clients need: it declares that the server validates each kind.

Helm and kubectl search for the `fieldValidation` parameter of a kind; without it they download the protobuf form of
OpenAPI v2. Schemas of fields are left out: the server validates, so clients need not.
"""

from typing import Final

from cluster_emulator import api_errors
from cluster_emulator.kinds import KINDS, Kind
from cluster_emulator.objects import Object

_INFO: Final = {"title": "Kubernetes", "version": "v1.32.0"}
V2: Final[Object] = {"swagger": "2.0", "info": _INFO, "paths": {}, "definitions": {}}
_PARAMETERS: Final = [
    {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
    for name in ("dryRun", "fieldManager", "fieldValidation")
]


def index() -> Object:
    roots = sorted({kind.root for kind in KINDS})
    return {"paths": {root: {"serverRelativeURL": f"/openapi/v3/{root}?hash=1"} for root in roots}}


def document(root: str) -> Object:
    """The document of one group version, such as `apis/apps/v1`."""
    kinds = [kind for kind in KINDS if kind.root == root]
    if not kinds:
        raise api_errors.no_such_resource()
    paths: Object = {}
    for kind in kinds:
        place = f"/{root}/namespaces/{{namespace}}" if kind.namespaced else f"/{root}"
        paths[f"{place}/{kind.plural}"] = {"post": _operation(kind, "post")}
        paths[f"{place}/{kind.plural}/{{name}}"] = {
            "put": _operation(kind, "put"),
            "patch": _operation(kind, "patch"),
        }
    schemas = {kind.name: _schema(kind) for kind in kinds}
    return {"openapi": "3.0.0", "info": _INFO, "paths": paths, "components": {"schemas": schemas}}


def _group_version_kind(kind: Kind) -> Object:
    return {"group": kind.group, "version": kind.version, "kind": kind.name}


def _operation(kind: Kind, action: str) -> Object:
    return {
        "operationId": action + kind.name,
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": _group_version_kind(kind),
        "parameters": _PARAMETERS,
        "responses": {"200": {"description": "OK"}},
    }


def _schema(kind: Kind) -> Object:
    return {"type": "object", "x-kubernetes-group-version-kind": [_group_version_kind(kind)]}
