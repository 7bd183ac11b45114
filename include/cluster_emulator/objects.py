"""API objects as the JSON documents they are: their type, their bytes, and who owns them.

Everybody here uses it. It knows no kind in particular and never changes an object it is given, except `meta`,
which puts an empty metadata where none was.
"""

import json
from typing import Any, Final, TypeAlias

Object: TypeAlias = dict[str, Any]
Json: TypeAlias = Any  # any JSON value, while a document is taken apart

FOREGROUND: Final = "foregroundDeletion"
ORPHAN: Final = "orphan"


def encode(document: Json) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def decode(raw: bytes) -> Object:
    document: Object = json.loads(raw)
    return document


def meta(obj: Object) -> Object:
    metadata: Object = obj.setdefault("metadata", {})
    return metadata


def labels(obj: Object) -> dict[str, str]:
    return dict(meta(obj).get("labels") or {})


def owner_references(obj: Object) -> list[Object]:
    return list(meta(obj).get("ownerReferences") or [])


def controller_uid(obj: Object) -> str:
    """The uid of the controlling owner, "" when nobody controls the object."""
    return next((str(o["uid"]) for o in owner_references(obj) if o.get("controller")), "")


def owner_reference(owner: Object) -> Object:
    """How a controller marks what it makes."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def lookup(obj: Json, *path: str) -> Json:
    """The value at `path`, None as soon as one step is missing."""
    for step in path:
        if not isinstance(obj, dict):
            return None
        obj = obj.get(step)
    return obj
