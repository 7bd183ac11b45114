"""Our own sentences for pydantic's errors, by their type. Pure.

pydantic's own messages describe its internals ("after validation", "Value error"). activities/validate_request.py
checks a request's values, for every way that a request comes in; this module handles texts that are invalid in any
field.
"""

from collections.abc import Mapping
from typing import Any, Final

ErrorDetails = Mapping[str, Any]

_SENTENCES: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "extra_forbidden": "there is no such field",
    "json_invalid": "the body is no JSON ({error})",
    "model_attributes_type": "must be an object",
    "model_type": "must be an object",
    "dict_type": "must be an object",
    "string_type": "must be a text",
    "string_unicode": "must be valid Unicode: it has half of a surrogate pair (U+D800 to U+DFFF)",
    "string_too_long": "is longer than {max_length} characters",
    "too_long": "is longer than {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "too_short": "must have at least {min_length} characters",
    "string_pattern_mismatch": "is not of the form {pattern}",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "is too large",
    "int_from_float": "must be a whole number",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "enum": "must be one of {expected}",
    "literal_error": "must be one of {expected}",
    "value_error": "{error}",
}


def sentence_of(error: ErrorDetails) -> str:
    """The end of a sentence that the field's name begins: "is missing", "is longer than 100 characters"."""
    context = dict(error.get("ctx") or {})
    if context.get("min_length") == 1:
        return "must not be empty"
    sentence = _SENTENCES.get(str(error["type"]), "is not well-formed")
    try:
        return sentence.format(**context)
    except (KeyError, IndexError):
        return "is not well-formed"
