"""Does a value fit a parameter of a product? Pure; takes time proportional to the value's length.

Called for each request, and for the defaults and examples of a schema. Sentences never repeat the value: somebody may
have typed a secret.
"""

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated, Any, Final

from email_validator import EmailNotValidError, validate_email
from jsonschema import Draft202012Validator, FormatChecker, ValidationError, validators
from pydantic import StringConstraints, TypeAdapter
from pydantic import ValidationError as PatternMismatch

from tenancy.saga.product_parameters import Parameter, Value
from tenancy.saga.recorded_values import NUMBER_LIMIT, why_not_recordable

FORMATS: Final = ("date", "email", "ipv4", "ipv6", "uuid")
TYPES: Final[Mapping[str, str]] = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
}
NOT_A_CONNECTION: Final = (
    "must be the id of an Airflow connection whose password is the secret, such as secret_acme_smtp, and not the secret"
)
_LONGEST_NUMBER: Final = 40
"""Characters of a text that is read as a number."""
_SENTENCES: Final[Mapping[str, str]] = {
    "minLength": "must have at least {0} characters",
    "maxLength": "must have at most {0} characters",
    "minimum": "must be at least {0}",
    "maximum": "must be at most {0}",
    "pattern": "must be of the form {0}",
    "format": "must be of the format {0}",
    "minItems": "must have an entry",
    "uniqueItems": "must not have the same entry twice",
}


def check_values(
    parameters: Iterable[Parameter], given: Mapping[str, Any], kept: Mapping[str, Value] = MappingProxyType({})
) -> tuple[dict[str, Value], dict[str, str]]:
    """The values with the schema's defaults, and for each key at fault the end of a sentence that the key begins.

    A value that is equal to the one in `kept` need not fit a schema that is newer, unless it is a secret. None and an
    empty text count as missing: forms send them for a field that nobody filled in.
    """
    values: dict[str, Value] = {}
    mistakes: dict[str, str] = {}
    for parameter in parameters:
        value = read_value(parameter, given.get(parameter.key))
        value = parameter.default if value is None or value == "" else value
        if value is None:
            mistakes |= {parameter.key: "is missing"} if parameter.required else {}
        elif value == kept.get(parameter.key) and not parameter.is_secret:
            values[parameter.key] = kept[parameter.key]
        elif why_not := why_not_fitting(parameter.schema, value):
            mistakes[parameter.key] = why_not
        else:
            values[parameter.key] = value
    return values, mistakes


def read_value(parameter: Parameter, given: Any) -> Any:
    """The value that is meant. Where the schema asks for a number, or true or false, a text may spell it: forms and the
    command line have only texts."""
    if isinstance(given, str) and parameter.type != "string" and len(given) <= _LONGEST_NUMBER:
        try:
            given = json.loads(given)
        except ValueError:
            return given
    return whole(given) if isinstance(given, float) else given


def whole(number: float) -> int | float:
    """An int when the number is whole: a template writes 5, not 5.0, and PostgreSQL returns 1e15 as an int, too."""
    return int(number) if number.is_integer() and abs(number) <= NUMBER_LIMIT else number


def why_not_fitting(schema: Mapping[str, Any], value: Any) -> str:
    """The end of a sentence, such as "must be a whole number"; empty when the value fits."""
    if isinstance(value, str) and (why_not := why_not_recordable(value)):
        return why_not
    errors = list(Validator(schema, format_checker=_FORMAT_CHECKER).iter_errors(value))
    if errors and schema.get("writeOnly"):
        return NOT_A_CONNECTION
    if errors:
        return sentence_of(min(errors, key=_urgency))
    return why_not_recordable(value)


def sentence_of(error: ValidationError) -> str:
    """The end of a sentence about a value; "is wrong" for a keyword that schemas of parameters do not have."""
    stated = error.validator_value
    if error.validator == "type":
        return f"must be {TYPES.get(str(stated), stated)}"
    if error.validator == "enum":
        return f"must be one of {', '.join(map(str, stated))}"
    return _SENTENCES.get(str(error.validator), "is wrong").format(stated)


def _urgency(error: ValidationError) -> bool:
    """A value of the wrong type breaks other rules, too; the type is what its author should read about."""
    return str(error.validator) != "type"


@lru_cache(maxsize=256)
def pattern_of(pattern: str) -> TypeAdapter[str]:
    """Matches texts in linear time. Raises pydantic_core.SchemaError when it is no regular expression.

    Not Python's own: for patterns such as (a+)+$ that takes hours, and a thread cannot be stopped.
    """
    return TypeAdapter(Annotated[str, StringConstraints(pattern=pattern)])


def _matches(pattern: str, text: str) -> bool:
    try:
        pattern_of(pattern).validate_python(text)
    except PatternMismatch:
        return False
    return True


def _check_pattern(_validator: Any, pattern: str, value: Any, _schema: Any) -> Iterable[ValidationError]:
    if isinstance(value, str) and not _matches(pattern, value):
        yield ValidationError("does not match")


def _is_email(value: object) -> bool:
    if isinstance(value, str):
        validate_email(value, check_deliverability=False, test_environment=True)
    return True


Validator: Final = validators.extend(Draft202012Validator, {"pattern": _check_pattern})
"""JSON Schema with patterns in linear time."""
_FORMAT_CHECKER: Final = FormatChecker(formats=[each for each in FORMATS if each != "email"])
_FORMAT_CHECKER.checkers["email"] = (_is_email, EmailNotValidError)
