"""Kubernetes quantities ("500m", "1Gi") as numbers and back, for quotas and limits. Nothing else is converted."""

from decimal import Decimal, InvalidOperation
from typing import Final

_SUFFIXES: Final = {
    "m": Decimal("0.001"),
    "k": Decimal(10) ** 3,
    "M": Decimal(10) ** 6,
    "G": Decimal(10) ** 9,
    "T": Decimal(10) ** 12,
    "Ki": Decimal(2) ** 10,
    "Mi": Decimal(2) ** 20,
    "Gi": Decimal(2) ** 30,
    "Ti": Decimal(2) ** 40,
}
_PATTERN_HELP: Final = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


def parse(text: str) -> Decimal:
    """Raises ValueError, in the words of the real server."""
    suffix = next((s for s in ("Ki", "Mi", "Gi", "Ti", "m", "k", "M", "G", "T") if text.endswith(s)), "")
    try:
        return Decimal(text.removesuffix(suffix)) * _SUFFIXES.get(suffix, Decimal(1))
    except InvalidOperation as error:
        raise ValueError(_PATTERN_HELP) from error


def write(value: Decimal, resource: str) -> str:
    """CPU in millis where needed, memory in the largest binary unit that fits, counts as they are."""
    if resource.endswith("cpu") and value != value.to_integral_value():
        return f"{int(value * 1000)}m"
    if resource.endswith(("memory", "storage")):
        for suffix in ("Gi", "Mi", "Ki"):
            if value and value % _SUFFIXES[suffix] == 0:
                return f"{int(value / _SUFFIXES[suffix])}{suffix}"
    return str(int(value)) if value == value.to_integral_value() else str(value)
