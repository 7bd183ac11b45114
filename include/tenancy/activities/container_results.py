"""The results of an image that is called as a container activity: their schema, and a sentence for a wrong one. Pure.

Nothing is converted and no key is left over, so that a mistake is noticed at once
(docs/extending/container-activities.md).
"""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from tenancy.saga.errors import PermanentError

RESULT_BYTES: Final = 4096
"""Kubernetes keeps no more of a termination message."""
_EXCERPT: Final = 120
_LONG_PASSWORD: Final = 8
_T = TypeVar("_T")


class ContainerResultError(PermanentError):
    """The result of an image is not what its verb returns."""


@dataclass(frozen=True)
class Found:
    """What `observe` returns."""

    present: bool
    healthy: bool
    why: str = ""


@dataclass(frozen=True)
class FoundObject:
    """One object that `discover` returns. `proof` is the ownership proof that it carries."""

    name: str
    proof: str


def result_of(message: str) -> Mapping[str, Any]:
    """The JSON object in a termination message."""
    if len(message.encode()) >= RESULT_BYTES:
        raise ContainerResultError(
            f"its result has {RESULT_BYTES} bytes or more, and Kubernetes keeps only the last {RESULT_BYTES}"
        )
    if not message.strip():
        raise ContainerResultError("it wrote no result into the file that TENANCY_RESULT names")
    try:
        result = json.loads(message)
    except (ValueError, RecursionError):
        raise ContainerResultError(f"its result is not JSON: {_excerpt(message)}") from None
    if not isinstance(result, dict):
        raise ContainerResultError(f"its result must be a JSON object, and is {_excerpt(message)}")
    return result


def foreign_owner(result: Mapping[str, Any]) -> str | None:
    """Who owns the object of our name, as the image says; None when it does not say that somebody else does."""
    owner: str | None = _value(result, "foreign", str, None)
    return owner


def outputs_of(result: Mapping[str, Any], passwords: Collection[str] = ()) -> Mapping[str, Any]:
    """What `run` returns, with none of these passwords; engine/provisioning/runner.py checks the values."""
    _only(result, {"outputs", "foreign"})
    outputs: Mapping[str, Any] = _value(result, "outputs", dict, {})
    for name, value in outputs.items():
        if any(_has(value, password) for password in passwords):
            raise ContainerResultError(
                f"its output {name} has the password of a connection, and outputs are recorded and shown: leave it out"
            )
    return outputs


def _has(value: Any, password: str) -> bool:
    """Is it in this value? A short one must be all of it: it may be in a longer text by chance."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return password in text if len(password) >= _LONG_PASSWORD else password == text


def require_nothing_else(result: Mapping[str, Any]) -> None:
    """`compensate` returns an empty object, or that the object is somebody else's."""
    _only(result, {"foreign"})


def observation_of(result: Mapping[str, Any]) -> Found:
    """What `observe` returns. An object that is not there cannot be healthy, and what is not healthy has a reason."""
    _only(result, {"present", "healthy", "why"})
    present = _value(result, "present", bool)
    healthy = _value(result, "healthy", bool, present)
    why = " ".join(_value(result, "why", str, "").split())
    if healthy and not present:
        raise ContainerResultError(f"its result says healthy = true and present = false: {_shown(result)}")
    if present and not healthy and not why:
        raise ContainerResultError(f"its result says healthy = false without a why: {_shown(result)}")
    return Found(present, healthy, "" if healthy else why)


def objects_of(result: Mapping[str, Any], log: Callable[[], str]) -> tuple[FoundObject, ...]:
    """What `discover` returns: in the result, or as many lines of the log as `objects_in_log` says."""
    _only(result, {"objects", "objects_in_log"})
    if ("objects" in result) == ("objects_in_log" in result):
        raise ContainerResultError(f"its result must have either objects or objects_in_log: {_shown(result)}")
    if "objects" in result:
        return tuple(_object(each) for each in _value(result, "objects", list))
    count = _value(result, "objects_in_log", int)
    lines = [line for line in log().splitlines() if line.startswith("{")]
    if len(lines) != count:
        raise ContainerResultError(f"its result says that {count} objects are in the log, and {len(lines)} are")
    return tuple(_object(_line(line)) for line in lines)


def _line(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        raise ContainerResultError(f"a line of its log is not JSON: {_excerpt(line)}") from None


def _object(given: Any) -> FoundObject:
    if not isinstance(given, dict) or set(given) != {"name", "proof"}:
        raise ContainerResultError(f"each object must have name and proof, and one is {_shown(given)}")
    return FoundObject(_value(given, "name", str), _value(given, "proof", str))


def _value(result: Mapping[str, Any], key: str, kind: type[_T], *default: Any) -> Any:
    if key not in result and default:
        return default[0]
    value = result.get(key)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ContainerResultError(f"{key} must be {_NAMES[kind]}: {_shown(result)}")
    return value


_NAMES: Final[Mapping[type, str]] = {
    str: "a text",
    bool: "true or false",
    dict: "an object",
    list: "a list",
    int: "a whole number",
}


def _only(result: Mapping[str, Any], keys: set[str]) -> None:
    known = ", ".join(sorted(keys))
    if unknown := sorted(set(result) - keys):
        raise ContainerResultError(f"its result has an unknown key {unknown[0]!r} (there are: {known})")


def _shown(value: Any) -> str:
    return _excerpt(json.dumps(value))


def _excerpt(text: str) -> str:
    """A part of it, safe to show."""
    return repr(text[:_EXCERPT] + ("…" if len(text) > _EXCERPT else ""))
