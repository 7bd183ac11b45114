"""The application behind the ingress. It answers for all pods, because the emulator runs no containers.

Who starts the emulator may pass an application of its own; the default is `describe_request`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class AppRequest:
    """One request that reached a ready pod, and what its pod was given."""

    method: str
    path: str
    secrets: Mapping[str, str]
    """Every value of the Secrets that the pod refers to, by key; of a key in several the first one's."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def posted(self, name: str) -> str:
        """A text in the body's JSON object, or ""."""
        try:
            document = json.loads(self.body)
        except ValueError:
            return ""
        return str(document.get(name, "")) if isinstance(document, dict) else ""


@dataclass(frozen=True, slots=True)
class AppResponse:
    """What the application answers: a JSON document."""

    status: HTTPStatus
    document: Mapping[str, str]

    def body(self) -> bytes:
        return json.dumps(self.document).encode()


Application: TypeAlias = Callable[[AppRequest], AppResponse]


def describe_request(request: AppRequest) -> AppResponse:
    """Say which request arrived. Secrets stay out of it."""
    return AppResponse(HTTPStatus.OK, {"status": "ok", "method": request.method, "path": request.path})
