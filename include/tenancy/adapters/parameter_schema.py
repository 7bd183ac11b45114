"""Reads a product's parameters.schema.json: a JSON Schema of flat fields, so that every form can show them. Pure.

All mistakes are named at once, each with its key. Called by product_file.py.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic_core import SchemaError

from tenancy.adapters.parameter_values import FORMATS, Validator, pattern_of, sentence_of, whole, why_not_fitting
from tenancy.saga.product_parameters import RESERVED, Parameter, Value

TEXT_LIMIT: Final = 1000
"""Characters of a text, unless its maxLength is less."""
PARAMETERS_AT_MOST: Final = 50
CONNECTION_PATTERN: Final = "^secret_[A-Za-z0-9_]{1,190}$"
"""Of the connections that a request may name: with any other one a request could read the platform's own passwords."""
_NAME: Final = re.compile("[a-z][a-z0-9_]{0,62}")
_COUNT: Final = {"type": "integer", "minimum": 0}
_OF_ALL: Final = {
    "type": {"enum": ["string", "integer", "number", "boolean"]},
    "title": {"type": "string", "minLength": 1, "maxLength": 100},
    "description": {"type": "string", "maxLength": 1000},
    "default": {},
    "enum": {"type": "array", "minItems": 1, "uniqueItems": True},
    "examples": {"type": "array", "minItems": 1},
}
_OF_TEXTS: Final = {
    "minLength": _COUNT,
    "maxLength": {**_COUNT, "maximum": TEXT_LIMIT},
    "pattern": {"type": "string", "maxLength": TEXT_LIMIT},
    "format": {"type": "string", "enum": list(FORMATS)},
    "writeOnly": {"type": "boolean"},
}
_OF_NUMBERS: Final = {"minimum": {"type": "number"}, "maximum": {"type": "number"}}
_OF_SECRETS: Final = frozenset({"type", "title", "description", "default", "writeOnly"})
_KEYWORDS: Final[Mapping[str, Mapping[str, Any]]] = {
    "string": {**_OF_ALL, **_OF_TEXTS},
    "integer": {**_OF_ALL, **_OF_NUMBERS},
    "number": {**_OF_ALL, **_OF_NUMBERS},
    "boolean": _OF_ALL,
}
"""Type -> the keywords that it may have."""
_DOCUMENT: Final[Mapping[str, Mapping[str, Any]]] = {
    "$schema": {"type": "string", "enum": ["https://json-schema.org/draft/2020-12/schema"]},
    "title": {"type": "string"},
    "description": {"type": "string"},
    "type": {"type": "string", "enum": ["object"]},
    "properties": {"type": "object"},
    "required": {"type": "array", "uniqueItems": True},
    "additionalProperties": {"enum": [False]},
}
_NO_REFERENCES: Final = "$ref is not allowed, wherever it leads: write out what it refers to"


def read_schema(text: str) -> tuple[tuple[Parameter, ...], list[str]]:
    """The parameters in the schema's order, and what is wrong with it; no parameters when anything is."""
    try:
        document = json.loads(
            text, object_pairs_hook=_without_repetition, parse_constant=_refuse_constant, parse_float=_number
        )
    except (ValueError, RecursionError) as error:
        return (), [f"is not JSON: {error}"]
    problems = list(_document_problems(document))
    if problems:
        return (), problems
    required = document.get("required", [])
    return tuple(_parameter(key, schema, key in required) for key, schema in document["properties"].items()), []


def example_of(parameter: Parameter) -> Value:
    """A value that fits, for a look at what the product makes of it."""
    return _examples(parameter.schema)[0]


def _examples(schema: Mapping[str, Any]) -> list[Value]:
    stated = [*schema.get("examples", ()), *([schema["default"]] if "default" in schema else [])]
    candidates = [*stated, *schema.get("enum", ()), *_made_up(schema)]
    return [each for each in candidates if not why_not_fitting(schema, each)]


def _made_up(schema: Mapping[str, Any]) -> Iterator[Value]:
    if schema.get("writeOnly"):
        yield "secret_example"
    yield from (schema[bound] for bound in ("minimum", "maximum") if bound in schema)
    yield from (True, 1)
    yield from ("2026-01-31", "ada@acme.example", "192.0.2.1", "2001:db8::1", "018f0000-0000-7000-8000-00000000acae")
    yield "x" * max(1, schema.get("minLength", 1))


def _document_problems(document: Any) -> Iterator[str]:
    if not isinstance(document, dict):
        yield "must be an object"
        return
    yield from _keyword_problems("", {"type": None, "properties": None} | document, _DOCUMENT)
    properties, required = document.get("properties"), document.get("required", [])
    known = properties if isinstance(properties, dict) else {}
    if len(known) > PARAMETERS_AT_MOST:
        yield f"properties: must have at most {PARAMETERS_AT_MOST} entries"
    for key, schema in known.items():
        yield from (f"properties.{key}{problem}" for problem in _property_problems(key, schema))
    for key in required if isinstance(required, list) else ():
        if not isinstance(key, str) or key not in known:
            yield f"required: there is no property {key}"


def _property_problems(key: str, schema: Any) -> Iterator[str]:
    if not _NAME.fullmatch(key):
        yield ": must be named with lower-case letters, digits and underscores, 63 at most, a letter first"
    if key in RESERVED:
        yield ": every request has this field already: choose another name"
    if not isinstance(schema, dict):
        yield ": must be an object"
        return
    if schema.get("type") in ("object", "array"):
        yield ".type: nested objects and lists are not supported: use one parameter for each value"
        return
    keywords = _KEYWORDS.get(schema["type"]) if isinstance(schema.get("type"), str) else None
    wrong = list(_keyword_problems(".", {"type": None} | schema, keywords or {**_OF_ALL, **_OF_TEXTS, **_OF_NUMBERS}))
    yield from wrong
    if not wrong:
        yield from _pattern_problems(schema)
        yield from _secret_problems(schema)
        yield from _value_problems(schema)


def _keyword_problems(
    before: str, schema: Mapping[str, Any], keywords: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    for keyword, value in schema.items():
        if keyword == "$ref":
            yield f"{before}$ref: {_NO_REFERENCES}"
        elif keyword not in keywords:
            yield f"{before}{keyword}: unknown key (there are: {', '.join(keywords)})"
        elif value is None and keyword != "default":
            yield f"{before}{keyword}: is missing"
        else:
            errors = Validator(keywords[keyword]).iter_errors(value)
            yield from (f"{before}{keyword}: {sentence_of(error)}" for error in list(errors)[:1])


def _pattern_problems(schema: Mapping[str, Any]) -> Iterator[str]:
    try:
        pattern_of(schema.get("pattern", ""))
    except SchemaError as error:
        reason = str(error).rpartition("error: ")[2] if "error: " in str(error) else "it is too large"
        yield f".pattern: is no regular expression that is matched in linear time: {' '.join(reason.split())[:200]}"


def _secret_problems(schema: Mapping[str, Any]) -> Iterator[str]:
    if schema.get("writeOnly"):
        yield from (f".{each}: a secret (writeOnly) cannot have it" for each in schema if each not in _OF_SECRETS)


def _value_problems(schema: Mapping[str, Any]) -> Iterator[str]:
    """Defaults, choices and examples must fit the property themselves."""
    if any(_pattern_problems(schema)):
        return
    effective = _with_limits(schema)
    for keyword, values in (("default", [schema["default"]] if "default" in schema else []), *_lists(schema)):
        for value in values:
            if why_not := why_not_fitting(effective, value):
                yield f".{keyword}: {why_not}"
    if not _examples(effective):
        yield ".examples: is missing: name a value that fits, because none could be made up for `product check`"


def _lists(schema: Mapping[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    return ((keyword, schema.get(keyword, [])) for keyword in ("enum", "examples"))


def _parameter(key: str, schema: Mapping[str, Any], required: bool) -> Parameter:
    return Parameter(key, _with_limits(schema), required)


def _with_limits(schema: Mapping[str, Any]) -> dict[str, Any]:
    if schema.get("writeOnly"):
        return {**schema, "pattern": CONNECTION_PATTERN, "maxLength": TEXT_LIMIT}
    return {"maxLength": TEXT_LIMIT, **schema} if schema["type"] == "string" else dict(schema)


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    repeated = {key for key, _ in pairs if [each for each, _ in pairs].count(key) > 1}
    if repeated:
        raise ValueError(f"the key {min(repeated)} is there twice")
    return dict(pairs)


def _number(text: str) -> int | float:
    return whole(float(text))


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is no number")
