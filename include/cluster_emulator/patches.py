"""JSON patch (RFC 6902) and merge patch (RFC 7386): the two kinds of PATCH that know nothing of Kubernetes.

Strategic merge is in `strategic.py`, server-side apply in `apply.py`. The document passed in is never changed.
"""

import copy
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from cluster_emulator import api_errors
from cluster_emulator.objects import Json, Object


def merge_patch(target: Json, patch: Json) -> Json:
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def json_patch(target: Object, operations: Json) -> Object:
    """422 when an operation cannot be done, 400 when the patch is no list of operations."""
    if not isinstance(operations, list):
        raise api_errors.bad_request("error decoding patch: json: cannot unmarshal object into Go value of Patch")
    result = copy.deepcopy(target)
    for operation in operations:
        try:
            _OPERATIONS[operation["op"]](result, operation)
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise _refused(f"{operation}: {error}") from error
    return result


def _refused(why: str) -> api_errors.ApiError:
    message = f"the server rejected our request due to an error in our request: {why}"
    return api_errors.ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "Invalid", message)


def _steps(pointer: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _find(document: Json, steps: list[str]) -> Json:
    for step in steps:
        document = document[int(step)] if isinstance(document, list) else document[step]
    return document


def _add(document: Object, operation: Object) -> None:
    *parents, last = _steps(operation["path"])
    place = _find(document, parents)
    if not isinstance(place, list):
        place[last] = operation["value"]
    elif last == "-":
        place.append(operation["value"])
    else:
        place.insert(int(last), operation["value"])


def _remove(document: Object, operation: Object) -> None:
    *parents, last = _steps(operation["path"])
    place = _find(document, parents)
    del place[int(last) if isinstance(place, list) else last]


def _replace(document: Object, operation: Object) -> None:
    *parents, last = _steps(operation["path"])
    place = _find(document, parents)
    place[int(last) if isinstance(place, list) else last] = operation["value"]


def _copy(document: Object, operation: Object) -> None:
    value = copy.deepcopy(_find(document, _steps(operation["from"])))
    _add(document, {"path": operation["path"], "value": value})


def _move(document: Object, operation: Object) -> None:
    value = _find(document, _steps(operation["from"]))
    _remove(document, {"path": operation["from"]})
    _add(document, {"path": operation["path"], "value": value})


def _test(document: Object, operation: Object) -> None:
    if _find(document, _steps(operation["path"])) != operation.get("value"):
        raise ValueError(f"testing value {operation['path']} failed")


_OPERATIONS: Final[dict[str, Callable[[Object, Object], None]]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "copy": _copy,
    "move": _move,
    "test": _test,
}
