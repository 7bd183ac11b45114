"""The page that renders the API's OpenAPI document with our own template and stylesheet, behind the login."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tenancy.console.api.route_guard import GuardedRoute, needs
from tenancy.console.callers import Right
from tenancy.console.pages.rendering import page_response

router = APIRouter(route_class=GuardedRoute)
_METHODS: Final = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Field:
    """A parameter of a request, or a field of its body or of an answer."""

    name: str
    place: str
    """`path`, `query`, `header` or `body`."""
    type: str
    required: bool
    description: str


@dataclass(frozen=True)
class Operation:
    """One route: what it takes, and what it may answer."""

    method: str
    path: str
    summary: str
    description: str
    fields: tuple[Field, ...]
    answers: tuple[tuple[str, str], ...]
    """Status and what it means."""


@router.get("/api/v1/docs")
@needs(Right.READ)
def show_reference(request: Request) -> Response:
    """Every route of the API, with what it takes and what it may answer."""
    document = request.app.state.openapi()
    return page_response(
        request, "reference.html", title=document["info"]["title"], operations=list(operations(document))
    )


def operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    """The operations of an OpenAPI document, in its order."""
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                yield _operation(document, method, path, methods[method])


def _operation(document: Mapping[str, Any], method: str, path: str, operation: Mapping[str, Any]) -> Operation:
    parameters = (_parameter(document, each) for each in operation.get("parameters", ()))
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    answers = ((status, each.get("description", "")) for status, each in operation["responses"].items())
    return Operation(
        method=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        description=operation.get("description", ""),
        fields=(*parameters, *_properties(document, body)),
        answers=tuple(answers),
    )


def _parameter(document: Mapping[str, Any], each: Mapping[str, Any]) -> Field:
    schema = each.get("schema", {})
    required = bool(each.get("required"))
    return Field(each["name"], each["in"], _type(document, schema), required, each.get("description", ""))


def _properties(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[Field]:
    resolved = _resolved(document, schema)
    required = resolved.get("required", ())
    for name, each in resolved.get("properties", {}).items():
        yield Field(name, "body", _type(document, each), name in required, each.get("description", ""))


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    resolved: Mapping[str, Any] = document["components"]["schemas"].get(name, schema) if name else schema
    return resolved


def _type(document: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """The type in one or two words, such as `string` or `string or null`."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(document, each) for each in schema["anyOf"]))
    resolved = _resolved(document, schema)
    if "enum" in resolved:
        return ", ".join(str(each) for each in resolved["enum"])
    return str(resolved.get("type", "object"))
