"""Kubernetes quantities such as 250m or 1Gi, as numbers: an API server answers `1` where `1000m` was sent.

The grammar is the API server's own (k8s.io/apimachinery, pkg/api/resource/quantity.go), held against the client
library's parser in tests/unit/test_quantities.py.

This is not the client library's parser (kubernetes.utils.parse_quantity, 36.0) for two reasons. It accepts what the API
server refuses: `NaN`, `Infinity`, `1_000`, ` 1`, digits of other scripts. And importing it loads the whole client
(80 MB) into every process that parses a DAG, because the platform file is checked there.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

_FACTORS: Final = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    **{suffix: Decimal(1000) ** power for power, suffix in enumerate("kMGTPE", start=1)},
    **{f"{suffix}i": Decimal(1024) ** power for power, suffix in enumerate("KMGTPE", start=1)},
}
_QUANTITY: Final = re.compile(r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]+|)")
LARGEST: Final = Decimal(2**63 - 1)
"""What an API server can count to."""
_LONGEST: Final = 64
_MOST_ZEROS: Final = 99


def amount(quantity: str) -> Decimal:
    """Its number; ValueError if it is not a quantity."""
    number, suffix = _parts(quantity)
    factor = _FACTORS.get(suffix)
    if factor is None:
        exponent = int(suffix[1:])
        if abs(exponent) > _MOST_ZEROS:
            raise ValueError(f"{quantity!r} is no quantity that a server can count to")
        factor = Decimal(10) ** exponent
    return number * factor


def times(quantity: str, count: int) -> str:
    """So many times as much, in the same unit."""
    number, suffix = _parts(quantity)
    return f"{number * count:f}{suffix}"


def plus(one: str, other: str) -> str:
    """Both together; the first one as it is written if the other one is zero."""
    return f"{(amount(one) + amount(other)).normalize():f}" if amount(other) else one


def same(one: Mapping[str, str] | None, other: Mapping[str, str] | None) -> bool:
    """Are both equal, in whatever notation?"""
    if one is None or other is None:
        return one is other
    try:
        return {key: amount(text) for key, text in one.items()} == {key: amount(text) for key, text in other.items()}
    except ValueError:
        return dict(one) == dict(other)


def _parts(quantity: str) -> tuple[Decimal, str]:
    match = _QUANTITY.fullmatch(quantity)
    if match is None or len(quantity) > _LONGEST:
        raise ValueError(f"{quantity!r} is no quantity")
    return Decimal(match[1]), match[2]
