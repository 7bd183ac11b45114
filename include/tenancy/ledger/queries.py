"""Reads queries.sql: each statement by its name."""

import re
from functools import cache
from importlib.resources import files


@cache
def _statements() -> dict[str, str]:
    text = files("tenancy.ledger").joinpath("queries.sql").read_text()
    parts = re.split(r"^-- name: (\w+)\n", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def query(name: str) -> str:
    """The statement of this name; KeyError when queries.sql has none."""
    return _statements()[name]
