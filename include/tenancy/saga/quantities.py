"""Kubernetes quantities such as 250m or 1Gi, as numbers: an API server answers `1` where `1000m` was sent."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

_FACTORS: Final = {
    "m": Decimal("0.001"),
    "": Decimal(1),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
}
_QUANTITY: Final = re.compile(r"(\d+(?:\.\d+)?)(m|k|M|G|Ki|Mi|Gi|Ti|)")


def amount(quantity: str) -> Decimal:
    """The number it stands for; ValueError when it is none."""
    match = _QUANTITY.fullmatch(quantity)
    if match is None:
        raise ValueError(f"{quantity!r} is no quantity")
    return Decimal(match[1]) * _FACTORS[match[2]]


def times(quantity: str, count: int) -> str:
    """So many times as much, in the same unit."""
    match = _QUANTITY.fullmatch(quantity)
    if match is None:
        raise ValueError(f"{quantity!r} is no quantity")
    return f"{Decimal(match[1]) * count}{match[2]}"


def same(one: Mapping[str, str] | None, other: Mapping[str, str] | None) -> bool:
    """Do both say the same of the same things, however they write it?"""
    if one is None or other is None:
        return one is other
    try:
        return {key: amount(text) for key, text in one.items()} == {key: amount(text) for key, text in other.items()}
    except ValueError:
        return dict(one) == dict(other)
