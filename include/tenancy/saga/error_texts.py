"""Which errors are the same: a message without what differs from try to try, and from tenant to tenant. Pure."""

import re
from typing import Final

LENGTH: Final = 300
"""What two messages have in common is said by then."""
_VARIABLE: Final = re.compile(r"[0-9a-f]{8,}|\d+")
_SHORT_ID: Final = re.compile(r"[-_][0-9a-f]{10}(?:-[a-z0-9]+)*(?![A-Za-z0-9])")
"""What objects have behind the slug (names.py), and pods behind that."""


def without_numbers(message: str) -> str:
    """The message, numbers and ids apart: the same for one tenant's tries."""
    return _VARIABLE.sub("#", message)


def without_tenant_names(message: str, slug: str) -> str:
    """The same without what is called after the tenant: its database, its namespace and the pods in it, its host."""
    bare = _SHORT_ID.sub("", message)
    for name in dict.fromkeys((slug, slug.replace("-", "_"))):
        bare = _without(name, bare)
    return without_numbers(bare)[:LENGTH]


def _without(name: str, text: str) -> str:
    """Whole words only. By hand: a pattern for each of 10,000 slugs takes as many milliseconds."""
    first, *others = text.split(name)
    for part in others:
        within_a_word = first[-1:].isalnum() or part[:1].isalnum()
        first += f"{name if within_a_word else '#'}{part}"
    return first
