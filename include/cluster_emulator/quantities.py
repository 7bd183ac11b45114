"""Kubernetes quantities ("500m", "1Gi") as numbers and back, for quotas and limits. Nothing else is converted."""

import re
from decimal import Decimal
from typing import Final

_QUANTITY: Final = re.compile(r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,3}|)")
_SUFFIXES: Final = {
    "": Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("0.001"),
    "k": Decimal(10) ** 3,
    "M": Decimal(10) ** 6,
    "G": Decimal(10) ** 9,
    "T": Decimal(10) ** 12,
    "P": Decimal(10) ** 15,
    "E": Decimal(10) ** 18,
    "Ki": Decimal(2) ** 10,
    "Mi": Decimal(2) ** 20,
    "Gi": Decimal(2) ** 30,
    "Ti": Decimal(2) ** 40,
    "Pi": Decimal(2) ** 50,
    "Ei": Decimal(2) ** 60,
}
_PATTERN_HELP: Final = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


def parse(text: str) -> Decimal:
    """Raises ValueError with the real server's message."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(_PATTERN_HELP)
    factor = _SUFFIXES.get(match[2])
    return Decimal(match[1]) * (Decimal(f"1{match[2]}") if factor is None else factor)


def write(value: Decimal, resource: str) -> str:
    """CPU in millis where needed, memory in the largest binary unit that fits, counts as they are."""
    if resource.endswith("cpu") and value != value.to_integral_value():
        return f"{int(value * 1000)}m"
    if resource.endswith(("memory", "storage")):
        for suffix in ("Gi", "Mi", "Ki"):
            if value and value % _SUFFIXES[suffix] == 0:
                return f"{int(value / _SUFFIXES[suffix])}{suffix}"
    return str(int(value)) if value == value.to_integral_value() else str(value)
