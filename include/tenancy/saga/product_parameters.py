"""A product's own parameters: what a request may have besides its fixed fields. Values only.

adapters/parameter_schema.py reads them from the product's schema; adapters/parameter_values.py checks a request's
values.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tenancy.saga.recorded_values import RecordedValue

Value = RecordedValue
"""A parameter's value. A number that is whole is an int."""
PREFIX: Final = "parameters."
"""Begins the name of a parameter wherever fixed fields have names, too: in field errors and in the console's forms."""
RESERVED: Final = frozenset({"slug", "name", "plan", "region", "admin_email", "product", "parameters"})
"""Names that a parameter cannot have: a run's conf has the fixed fields and the parameters side by side."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a product."""

    key: str
    schema: Mapping[str, Any]
    """Its JSON Schema: keywords and their values, with the limits that Tenancy adds."""
    required: bool = False

    @property
    def type(self) -> str:
        """string, integer, number or boolean."""
        return str(self.schema["type"])

    @property
    def title(self) -> str:
        return str(self.schema.get("title", self.key))

    @property
    def description(self) -> str:
        return str(self.schema.get("description", ""))

    @property
    def is_secret(self) -> bool:
        """Is its value the id of an Airflow connection, whose password is the secret?"""
        return bool(self.schema.get("writeOnly"))

    @property
    def default(self) -> Value | None:
        """The value of a request that has none; None when such a request goes without."""
        return self.schema.get("default")


def schema_of(parameters: Iterable[Parameter]) -> dict[str, Any]:
    """The JSON Schema of a request's `parameters`, with the limits that Tenancy adds."""
    listed = tuple(parameters)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {each.key: dict(each.schema) for each in listed},
        "required": [each.key for each in listed if each.required],
        "additionalProperties": False,
    }


def known_values(parameters: Iterable[Parameter], values: Mapping[str, Value]) -> dict[str, Value]:
    """Recorded values without those of parameters that the product no longer has."""
    keys = {parameter.key for parameter in parameters}
    return {key: value for key, value in values.items() if key in keys}
