"""The form's fields for a product's own parameters. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tenancy.console.pages.forms import FormFields, as_text
from tenancy.saga.product_parameters import PREFIX, Parameter, Value

_INPUTS: Mapping[str, str] = {"integer": "number", "number": "number", "date": "date", "email": "email"}
"""A parameter's type or format -> the browser's input for it; all others are texts."""
_CONNECTION = "the id of an Airflow connection whose password is the secret, such as secret_acme_smtp"


@dataclass(frozen=True)
class ParameterField:
    """One field. `options` are the choices of a list; empty for an input."""

    name: str
    label: str
    hint: str
    input: str
    options: tuple[str, ...]
    value: str
    step: str


def parameter_fields(
    parameters: Iterable[Parameter], typed: FormFields, present: Mapping[str, Value]
) -> list[ParameterField]:
    """The fields as somebody typed them; otherwise with the tenant's present values, or the schema's defaults."""
    return [_field(each, typed, present) for each in parameters]


def _field(parameter: Parameter, typed: FormFields, present: Mapping[str, Value]) -> ParameterField:
    name, schema = f"{PREFIX}{parameter.key}", parameter.schema
    now = as_text(present.get(parameter.key, parameter.default))
    return ParameterField(
        name=name,
        label=parameter.title,
        hint=_hint(parameter),
        input=_INPUTS.get(schema.get("format", parameter.type), "text"),
        options=_options(parameter, schema),
        value=typed.get(name, now),
        step="any" if parameter.type == "number" else "1",
    )


def _options(parameter: Parameter, schema: Mapping[str, Any]) -> tuple[str, ...]:
    """The choices; an empty one first where nothing is chosen yet."""
    choices = [True, False] if parameter.type == "boolean" else schema.get("enum", ())
    nothing = [] if parameter.default is not None or not choices else [""]
    return (*nothing, *map(as_text, choices))


def _hint(parameter: Parameter) -> str:
    optional = () if parameter.required or parameter.default is not None else ("optional",)
    secret = (_CONNECTION,) if parameter.is_secret else ()
    return "; ".join((*optional, *secret, *((parameter.description,) if parameter.description else ())))
