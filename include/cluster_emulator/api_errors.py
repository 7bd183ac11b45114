"""The API's failures as Kubernetes `Status` documents, with Kubernetes' messages.

Raised anywhere below the HTTP layer; `server.py` turns them into responses. The messages are those of a real
kube-apiserver, because Helm, kubectl and other clients read them.
"""

from http import HTTPStatus

from cluster_emulator.kinds import Kind
from cluster_emulator.objects import Object


class ApiError(Exception):
    """A failure the caller gets as a Status document."""

    def __init__(
        self, code: HTTPStatus, reason: str, message: str, details: Object | None = None, retry_after: int = 0
    ) -> None:
        super().__init__(message)
        self.code, self.reason, self.message = code, reason, message
        self.details, self.retry_after = details or {}, retry_after

    def status(self) -> Object:
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "details": self.details,
            "code": int(self.code),
        }


def _about(kind: Kind, name: str) -> Object:
    return {"name": name, "group": kind.group, "kind": kind.plural}


def not_found(kind: Kind, name: str) -> ApiError:
    return ApiError(HTTPStatus.NOT_FOUND, "NotFound", f'{kind.resource} "{name}" not found', _about(kind, name))


def no_such_resource() -> ApiError:
    return ApiError(HTTPStatus.NOT_FOUND, "NotFound", "the server could not find the requested resource")


def method_not_allowed() -> ApiError:
    message = "the server does not allow this method on the requested resource"
    return ApiError(HTTPStatus.METHOD_NOT_ALLOWED, "MethodNotAllowed", message)


def already_exists(kind: Kind, name: str) -> ApiError:
    message = f'{kind.resource} "{name}" already exists'
    return ApiError(HTTPStatus.CONFLICT, "AlreadyExists", message, _about(kind, name))


def conflict(kind: Kind, name: str, why: str = "") -> ApiError:
    why = why or ("the object has been modified; please apply your changes to the latest version and try again")
    message = f'Operation cannot be fulfilled on {kind.resource} "{name}": {why}'
    return ApiError(HTTPStatus.CONFLICT, "Conflict", message, _about(kind, name))


def failed_precondition(kind: Kind, name: str, why: str) -> ApiError:
    """409 of a deletion; the real server (1.36) names the kind there and not the resource."""
    message = f'Operation cannot be fulfilled on {kind.kind_group} "{name}": {why}'
    return ApiError(HTTPStatus.CONFLICT, "Conflict", message, _about(kind, name) | {"kind": kind.name})


def missing_right(kind: Kind, subresource: str, name: str, namespace: str, *, user: str, verb: str) -> ApiError:
    """403 of RBAC, with the message of the real server's authorization filter."""
    resource = f"{kind.plural}/{subresource}" if subresource else kind.plural
    where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
    about = f'{kind.resource} "{name}"' if name else kind.resource
    message = (
        f'{about} is forbidden: User "{user}" cannot {verb} resource "{resource}" in API group "{kind.group}" {where}'
    )
    return ApiError(HTTPStatus.FORBIDDEN, "Forbidden", message, _about(kind, name))


def denied(webhook: str, why: str) -> ApiError:
    """400: the result of an admission webhook that refuses without a code."""
    return ApiError(HTTPStatus.BAD_REQUEST, "", f'admission webhook "{webhook}" denied the request: {why}')


def forbidden(kind: Kind, name: str, why: str, causes: list[Object] | None = None) -> ApiError:
    message = f'{kind.resource} "{name}" is forbidden: {why}'
    details = _about(kind, name) | ({"causes": causes} if causes else {})
    return ApiError(HTTPStatus.FORBIDDEN, "Forbidden", message, details)


def invalid(kind: Kind, name: str, faults: list[str]) -> ApiError:
    """422; each fault is `field: sentence`."""
    text = faults[0] if len(faults) == 1 else f"[{', '.join(faults)}]"
    causes = [
        {"reason": "FieldValueInvalid", "field": f.split(":", 1)[0], "message": f.split(": ", 1)[-1]} for f in faults
    ]
    details = {"name": name, "group": kind.group, "kind": kind.name, "causes": causes}
    return ApiError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Invalid",
        f'{kind.kind_group} "{name}" is invalid: {text}',
        details,
    )


def bad_request(message: str) -> ApiError:
    return ApiError(HTTPStatus.BAD_REQUEST, "BadRequest", message)


def list_options_invalid(fault: str) -> ApiError:
    message = f'ListOptions.meta.k8s.io "" is invalid: {fault}'
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "Invalid", message)


def too_large() -> ApiError:
    message = "Request entity too large: limit is 3145728"
    return ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "RequestEntityTooLarge", message)


def internal(why: str) -> ApiError:
    message = f"Internal error occurred: {why}"
    return ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError", message)


def unauthorized() -> ApiError:
    return ApiError(HTTPStatus.UNAUTHORIZED, "Unauthorized", "Unauthorized")


def unsupported_media_type(accepted: str) -> ApiError:
    message = f"the body of the request was in an unknown format - accepted media types include: {accepted}"
    return ApiError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message)


def expired(asked: int, oldest: int) -> ApiError:
    return ApiError(HTTPStatus.GONE, "Expired", f"too old resource version: {asked} ({oldest})")


def too_new(asked: int, current: int) -> ApiError:
    message = f"Too large resource version: {asked}, current: {current}"
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    return ApiError(HTTPStatus.GATEWAY_TIMEOUT, "Timeout", message, {"causes": [cause], "retryAfterSeconds": 1})


def apply_conflict(conflicts: list[tuple[str, str, str]]) -> ApiError:
    """409 of server-side apply; each conflict is (manager, description of its operation, field)."""
    noun = "conflict" if len(conflicts) == 1 else "conflicts"
    lines: dict[str, list[str]] = {}
    for manager, words, path in conflicts:
        lines.setdefault(f'"{manager}"{words}', []).append(path)
    if len(conflicts) == 1:
        text = f"conflict with {next(iter(lines))}: {conflicts[0][2]}"
    else:
        text = "conflicts with " + "\nconflicts with ".join(
            f"{who}:\n" + "\n".join(f"- {path}" for path in paths) for who, paths in lines.items()
        )
    causes = [
        {"reason": "FieldManagerConflict", "message": f'conflict with "{manager}"{words}', "field": path}
        for manager, words, path in conflicts
    ]
    message = f"Apply failed with {len(conflicts)} {noun}: {text}"
    return ApiError(HTTPStatus.CONFLICT, "Conflict", message, {"causes": causes})
