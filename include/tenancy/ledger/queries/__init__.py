"""Reads the SQL statements of this folder, each by its name.

A file has statements (`-- name: …`) and fragments (`-- fragment: …`). A statement includes a fragment of any file as
`${name}`, so that a judgement which several statements share is written once. The database sees the joined text, and
plans it as if it had been written out.
"""

import re
from functools import cache
from importlib.resources import files

_HEADING = re.compile(r"^-- (name|fragment): (\w+)\n", re.MULTILINE)
_INCLUDE = re.compile(r"\$\{(\w+)\}")


@cache
def _statements() -> dict[str, str]:
    parts: dict[str, dict[str, str]] = {"name": {}, "fragment": {}}
    for file in files(__name__).iterdir():
        if file.name.endswith(".sql"):
            _, *sections = _HEADING.split(file.read_text())
            for kind, name, text in zip(sections[::3], sections[1::3], sections[2::3], strict=True):
                parts[kind][name] = text
    return {name: _INCLUDE.sub(lambda part: parts["fragment"][part[1]], text) for name, text in parts["name"].items()}


def query(name: str) -> str:
    """The statement of this name; KeyError when there is none."""
    return _statements()[name]
