"""Request bodies to documents: JSON, YAML or protobuf by what they are, 415 for anything else.

Called by `verbs.py`. The body decides rather than its label where clients differ (apply bodies labelled YAML are
JSON from Helm); the label decides which PATCH is meant.
"""

from collections.abc import Mapping
from typing import Final

import yaml
from aiohttp import web

from cluster_emulator import api_errors, protobuf
from cluster_emulator.decoding import decode_as, strict_error
from cluster_emulator.kinds import Kind
from cluster_emulator.objects import Json, Object, decode

JSON_PATCH: Final = "application/json-patch+json"
MERGE_PATCH: Final = "application/merge-patch+json"
STRATEGIC_PATCH: Final = "application/strategic-merge-patch+json"
APPLY_PATCH: Final = "application/apply-patch+yaml"
_ACCEPTED: Final = "application/json, application/yaml, application/vnd.kubernetes.protobuf"


async def read(request: web.Request) -> Json:
    """The document in the body, {} when there is none."""
    raw = await request.read()
    if not raw:
        return {}
    if raw.startswith(protobuf.MAGIC):
        document = protobuf.decode(raw)
        if document is None:
            raise api_errors.unsupported_media_type("application/json, application/yaml")
        return document
    if request.content_type == protobuf.CONTENT_TYPE or request.content_type.startswith("text/"):
        raise api_errors.unsupported_media_type(_ACCEPTED)
    return _parse(raw)


def _parse(raw: bytes) -> Json:
    try:
        if raw.lstrip()[:1] in (b"{", b"["):
            return decode(raw)
        return yaml.safe_load(raw)
    except (ValueError, yaml.YAMLError) as error:
        raise api_errors.bad_request(f"error decoding the body: {error}") from error


def shaped(kind: Kind, document: Object, query: Mapping[str, str], default: str = "Warn") -> tuple[Object, list[str]]:
    """The document as its kind allows it, and the warnings about what was dropped (400 when strict)."""
    clean, unknown = decode_as(kind, document)
    mode = query.get("fieldValidation") or default
    if unknown and mode == "Strict":
        raise strict_error(unknown)
    return clean, [f'unknown field "{path}"' for path in unknown] if mode == "Warn" else []
