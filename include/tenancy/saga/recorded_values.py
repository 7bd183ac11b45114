"""Values of other people's making that a fact may have: texts, numbers, true and false.

A fact's hash covers its JSON, and PostgreSQL must return that JSON as it went in. `jsonb` keeps a number as a decimal:
it has no negative zero, and returns a great float as an integer.
"""

import math
from typing import Any, Final

from tenancy.saga.storable_text import why_not_storable

RecordedValue = str | int | float | bool
NUMBER_LIMIT: Final = 2**53
"""RFC 8259, section 6: integers up to this are exact in every JSON library."""


def why_not_recordable(value: Any) -> str:
    """The end of a sentence that the value's name begins, such as "must be finite"; empty when it may be recorded."""
    match value:
        case bool():
            return ""
        case str():
            return why_not_storable(value)
        case int() | float():
            return "" if _is_exact(value) else f"must be a number from -{NUMBER_LIMIT} to {NUMBER_LIMIT}"
        case _:
            return "must be a text, a number, true or false"


def _is_exact(value: float) -> bool:
    return (
        math.isfinite(value) and abs(value) <= NUMBER_LIMIT if isinstance(value, float) else abs(value) <= NUMBER_LIMIT
    )


def as_recorded(value: RecordedValue) -> RecordedValue:
    """The value as it comes back from the ledger: without the sign of a zero."""
    return value + 0.0 if isinstance(value, float) else value
