"""Holds a document against the shape of its kind: wrong types are refused, unknown fields dropped and named.

Called for every body that creates or changes an object. A real API server does the same while it decodes JSON into
Go structs; the caller decides (`fieldValidation`) whether an unknown field is an error, a warning or nothing.
"""

from dataclasses import dataclass, field
from typing import Final

from cluster_emulator import api_errors
from cluster_emulator.kinds import Kind
from cluster_emulator.objects import Json, Object
from cluster_emulator.schema import model

_GO_NAMES: Final = {str: "string", dict: "object", list: "array", bool: "bool", int: "number", float: "number"}
_SCALARS: Final[dict[str, tuple[type, ...]]] = {
    "str": (str,),
    "datetime": (str,),
    "int": (int,),
    "bool": (bool,),
    "float": (int, float),
}
_GO_TYPES: Final = {"str": "string", "datetime": "Time", "int": "int32", "bool": "bool", "float": "float64"}
# Quantities may be written as numbers ({cpu: 1}); the client's models call them strings.
_QUANTITY_MAPS: Final = frozenset({"limits", "requests", "hard", "used", "capacity", "allocatable", "default"})


@dataclass(slots=True)
class _DecodingErrors:
    unknown: list[str] = field(default_factory=list)
    mistyped: list[str] = field(default_factory=list)


def decode_as(kind: Kind, document: Object) -> tuple[Object, list[str]]:
    """The document without its unknown fields, and the paths of those. 400 when a type is wrong."""
    errors = _DecodingErrors()
    if not isinstance(document, dict):
        raise api_errors.bad_request(f'{kind.name} in version "{kind.version}" cannot be handled as a {kind.name}')
    clean: Object = _walk(kind.model_name, document, "", errors)
    if errors.mistyped:
        raise api_errors.bad_request(
            f'{kind.name} in version "{kind.version}" cannot be handled as a {kind.name}: {errors.mistyped[0]}'
        )
    return clean, errors.unknown


def strict_error(unknown: list[str]) -> api_errors.ApiError:
    text = ", ".join(f'unknown field "{path}"' for path in unknown)
    return api_errors.bad_request(f"strict decoding error: {text}")


def _walk(type_name: str, value: Json, path: str, errors: _DecodingErrors) -> Json:
    if value is None:
        return None
    if type_name in _SCALARS:
        return _scalar(type_name, value, path, errors)
    if type_name.startswith("list["):
        return _list(type_name[5:-1], value, path, errors)
    if type_name.startswith("dict"):
        return _map(type_name[5:-1].split(", ", 1)[1], value, path, errors)
    return _struct(type_name, value, path, errors)


def _mistyped(expected: str, value: Json, path: str, errors: _DecodingErrors) -> None:
    got = _GO_NAMES.get(type(value), "value")
    errors.mistyped.append(f"json: cannot unmarshal {got} into Go struct field {path} of type {expected}")


def _scalar(type_name: str, value: Json, path: str, errors: _DecodingErrors) -> Json:
    right = isinstance(value, _SCALARS[type_name]) and (type_name == "bool" or not isinstance(value, bool))
    if not right:
        _mistyped(_GO_TYPES[type_name], value, path, errors)
    return value


def _list(item_type: str, value: Json, path: str, errors: _DecodingErrors) -> Json:
    if not isinstance(value, list):
        _mistyped("[]" + item_type, value, path, errors)
        return value
    return [_walk(item_type, item, f"{path}[{i}]", errors) for i, item in enumerate(value)]


def _map(value_type: str, value: Json, path: str, errors: _DecodingErrors) -> Json:
    if not isinstance(value, dict):
        _mistyped("map[string]" + value_type, value, path, errors)
        return value
    if path.rpartition(".")[2] in _QUANTITY_MAPS:
        value = {key: str(v) if isinstance(v, int | float) else v for key, v in value.items()}
    return {key: _walk(value_type, item, f"{path}.{key}", errors) for key, item in value.items()}


def _struct(type_name: str, value: Json, path: str, errors: _DecodingErrors) -> Json:
    shape = model(type_name)
    if shape is None:  # `object`: int-or-string, FieldsV1, ...: anything goes
        return value
    if not isinstance(value, dict):
        _mistyped(type_name.lstrip("V12"), value, path, errors)
        return value
    clean: Object = {}
    for key, item in value.items():
        here = f"{path}.{key}" if path else key
        if key not in shape.fields:
            errors.unknown.append(here)
        elif item is not None:
            clean[key] = _walk(shape.fields[key], item, here, errors)
    return clean
