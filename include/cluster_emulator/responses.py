"""Responses: documents, lists and failures, in the representation the client accepts.

Used by the verbs and the server. Stored bytes are joined into lists as they are; only a Table or a metadata-only
answer is built from documents.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web

from cluster_emulator.api_errors import ApiError
from cluster_emulator.clock import Clock
from cluster_emulator.kinds import Kind
from cluster_emulator.objects import Json, Object, decode, encode
from cluster_emulator.tables import table


def document(body: Json, status: int = 200, warnings: Iterable[str] = ()) -> web.Response:
    return raw(body if isinstance(body, bytes) else encode(body), status, warnings)


def raw(body: bytes, status: int = 200, warnings: Iterable[str] = ()) -> web.Response:
    response = web.Response(body=body, status=status, content_type="application/json")
    for warning in warnings:
        escaped = warning.replace("\\", "\\\\").replace('"', '\\"')
        response.headers.add("Warning", f'299 - "{escaped}"')
    return response


def failure(error: ApiError) -> web.Response:
    response = document(error.status(), int(error.code))
    if error.retry_after:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


@dataclass(frozen=True, slots=True)
class ResponseForm:
    """The form in which the client wants objects: whole, as metadata only, or as a table."""

    kind: Kind
    clock: Clock
    shape: str = ""  # "", "Table" or "PartialObjectMetadata"
    include: str = "Metadata"

    @classmethod
    def of(cls, request: web.Request, kind: Kind, clock: Clock) -> "ResponseForm":
        accept = request.headers.get("Accept", "")
        first = accept.split(",", 1)[0]  # clients name the form that they prefer first, and a fallback after it
        shape = next((s for s in ("Table", "PartialObjectMetadata") if f"as={s}" in first), "")
        return cls(kind, clock, shape, request.query.get("includeObject", "Metadata"))

    def one(self, stored: bytes) -> bytes:
        if self.shape == "Table":
            metadata = {"resourceVersion": decode(stored)["metadata"]["resourceVersion"]}
            return encode(table(self.kind, [stored], metadata, self.clock, self.include))
        if self.shape:
            return encode(_partial(stored))
        return stored

    def many(self, stored: list[bytes], metadata: Object) -> bytes:
        if self.shape == "Table":
            return encode(table(self.kind, stored, metadata, self.clock, self.include))
        kind, api_version = f"{self.kind.name}List", self.kind.group_version
        if self.shape:
            kind, api_version = "PartialObjectMetadataList", "meta.k8s.io/v1"
            stored = [encode(_partial(item)) for item in stored]
        head = encode({"kind": kind, "apiVersion": api_version, "metadata": metadata})
        return b"".join((head[:-1], b',"items":[', b",".join(stored), b"]}"))


def _partial(stored: bytes) -> Object:
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": decode(stored)["metadata"],
    }
