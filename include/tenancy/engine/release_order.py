"""In which order resources are released: last made first, and what is inside another resource right after it.

Pure. What can be refused comes before what destroys data: a database can refuse to be dropped, so the schema inside it
is never dropped by itself. Activities declare this (`Activity.released_after`).
"""

from collections.abc import Iterable

from tenancy.activities import registry
from tenancy.saga.tenant import Resource


def release_order(made: Iterable[Resource]) -> tuple[Resource, ...]:
    """Resources, oldest first, in the order in which they are released."""
    waiting = list(made)[::-1]
    ordered: list[Resource] = []
    while waiting:
        free = next((each for each in waiting if not blocker_of(each, waiting)), waiting[0])
        waiting.remove(free)
        ordered.append(free)
    return tuple(ordered)


def blocker_of(resource: Resource, live: Iterable[Resource]) -> Resource | None:
    """The resource that has to be gone before this one can be released."""
    kind = _released_after().get(resource.kind)
    return next((each for each in live if each.kind == kind), None)


def _released_after() -> dict[str, str]:
    return {kind: first for activity in registry.INSTALLED for kind, first in activity.released_after.items()}
