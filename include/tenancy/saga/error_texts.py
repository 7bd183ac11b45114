"""Compares error messages: removes what differs from try to try, or from tenant to tenant. Pure."""

import re
from typing import Final

LENGTH: Final = 300
"""Characters. Two messages that agree in so many are about the same error."""
_VARIABLE: Final = re.compile(r"[0-9a-f]{8,}|\d+")
_SHORT_ID: Final = re.compile(r"[-_][0-9a-f]{10}(?:-[a-z0-9]+)*(?![A-Za-z0-9])")
"""The suffix of object names (names.py), with the suffix that Kubernetes adds for a pod."""


def without_numbers(message: str) -> str:
    """The message without numbers and ids, so that all tries of one tenant agree."""
    return _VARIABLE.sub("#", message)


def without_tenant_names(message: str, slug: str) -> str:
    """The message also without the tenant's names: slug, database, namespace, pods, host. So tenants agree."""
    bare = _SHORT_ID.sub("", message)
    for name in dict.fromkeys((slug, slug.replace("-", "_"))):
        bare = _without(name, bare)
    return without_numbers(bare)[:LENGTH]


def _without(name: str, text: str) -> str:
    """Replace whole words only. Not by `re`: compiling a pattern for each of 10,000 slugs takes 10 s."""
    first, *others = text.split(name)
    for part in others:
        within_a_word = first[-1:].isalnum() or part[:1].isalnum()
        first += f"{name if within_a_word else '#'}{part}"
    return first
