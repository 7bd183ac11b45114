"""The order in which resources are released: newest first; but a contained resource after the one that contains it,
and a role after the database that it owns. Pure.

Why: a step that may be refused comes before a step that destroys data. PostgreSQL may refuse to drop a database, so the
schema inside is not dropped on its own before. Activities declare this (`Activity.released_after`).
"""

from collections.abc import Iterable

from tenancy.activities import registry
from tenancy.saga.tenant import Resource


def release_order(made: Iterable[Resource]) -> tuple[Resource, ...]:
    """The resources, given oldest first, in the order of their release."""
    waiting = list(made)[::-1]
    ordered: list[Resource] = []
    while waiting:
        free = next((each for each in waiting if not blocker_of(each, waiting)), waiting[0])
        waiting.remove(free)
        ordered.append(free)
    return tuple(ordered)


def blocker_of(resource: Resource, live: Iterable[Resource]) -> Resource | None:
    """The live resource that must be released before this one; None if there is none."""
    kind = _released_after().get(resource.kind)
    return next((each for each in live if each.kind == kind), None)


def _released_after() -> dict[str, str]:
    return {kind: first for activity in registry.installed() for kind, first in activity.released_after.items()}
