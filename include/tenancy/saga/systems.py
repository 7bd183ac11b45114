"""System identity: proves that the server that responds is the one in which a resource was created. Pure.

Why: "not found" from a proxy, from an empty replacement or from another region's server proves nothing. A resource
counts as absent only if the recorded system reports that. Adapters read a system's identity; `ExpectedSystem.require`
compares it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tenancy.saga.errors import OtherSystemError

IDENTITY: Final = re.compile(r"[a-z][a-z-]*:[0-9A-Za-z-]+")
"""Such as `postgresql:7713837147650338995` or `kubernetes:<uid>`: the kind of system, and what it states of itself."""
LOST_SYSTEM: Final = "lost"
"""Instead of a successor: the system is permanently gone, with everything in it."""


def accepted_for(system: str, replaced: Mapping[str, str]) -> tuple[str, ...]:
    """The system's identity and those of its successors, as the platform file declares them."""
    return (system, *_successors(system, replaced))


def is_lost(system: str, replaced: Mapping[str, str]) -> bool:
    """Is the system, or its last successor, declared lost?"""
    return bool(system) and any(replaced.get(each) == LOST_SYSTEM for each in accepted_for(system, replaced))


def _successors(system: str, replaced: Mapping[str, str]) -> Iterator[str]:
    known = {system, LOST_SYSTEM}
    while (successor := replaced.get(system)) and successor not in known:
        known.add(system := successor)
        yield successor


@dataclass(frozen=True)
class Location:
    """Where an activity makes its objects; empty for one that makes nothing outside."""

    system: str = ""
    """The system's identity, as it states itself."""
    region: str = ""
    connection: str = ""
    """The id of the Airflow connection that leads there."""


@dataclass(frozen=True)
class ExpectedSystem:
    """The system that has to answer. `accepted` is empty where no identity was recorded: then nothing is compared."""

    accepted: tuple[str, ...] = ()
    """The recorded identity first, then those that a platform engineer accepted in its place."""
    connection: str = ""
    """The id of the Airflow connection that leads to it."""
    tenant: str = ""
    """The slug of the tenant that has objects there; empty for the engine that has the runs of all tenants."""
    on_successor: Callable[[str], None] = lambda found: None  # noqa: ARG005
    """Called when a successor of the recorded system answers."""

    def require(self, found: str, label: str) -> None:
        """OtherSystemError when another system answered; `label` names it, such as "the cluster of region eu"."""
        if self.accepted and found not in self.accepted:
            raise OtherSystemError(self._sentence(found, label))
        if found in self.accepted[1:]:
            self.on_successor(found)

    def _sentence(self, found: str, label: str) -> str:
        recorded, connection = self.accepted[0], self.connection or "that leads there"
        has = f"in which the tenant {self.tenant} was created" if self.tenant else "that has the runs of the tenants"
        return (
            f"{label[:1].upper()}{label[1:]}: the system that answers is not the one {has} (recorded {recorded}, found "
            f"{found or 'none'}). Nothing was changed. Point the Airflow connection {connection} back to the recorded "
            "system. If that system was replaced for good, have it declared in the platform file: [replaced_systems] "
            f'"{recorded}" = "{found or "its successor"}"; or = "lost", if everything in it is gone.'
        )


ANY_SYSTEM = ExpectedSystem()
"""For checking a system of which nothing was recorded."""
