"""The open classes of stall on top of the list: what each is about, and who belongs to it."""

from dataclasses import dataclass
from typing import Final

from tenancy.engine.incident_groups import describe_group, next_action
from tenancy.ledger.incident_groups import (
    GroupMember,
    StoredIncidentGroup,
    load_members,
    load_open_groups,
    load_open_keys,
)
from tenancy.ledger.ledger import LedgerSession

_CLASSES: Final = 10
_MEMBERS: Final = 50
"""More than these are for the API."""


@dataclass(frozen=True)
class ClassView:
    """One class, and the first of its tenants."""

    kept: StoredIncidentGroup
    tenants: tuple[GroupMember, ...]

    @property
    def says(self) -> str:
        """Where, and what one of its tenants was told."""
        return describe_group(self.kept.signature, self.kept.message)

    @property
    def next(self) -> str:
        """What to do about it."""
        return next_action(self.kept)

    @property
    def others(self) -> int:
        """How many more there are."""
        return max(0, self.kept.members - len(self.tenants))


@dataclass(frozen=True)
class ClassesView:
    """The first of those that are open, and how many more there are."""

    shown: tuple[ClassView, ...] = ()
    others: int = 0


def look(ledger: LedgerSession) -> ClassesView:
    """Those that are open, the oldest first."""
    found = load_open_groups(ledger, limit=_CLASSES)
    views = tuple(ClassView(each, tuple(load_members(ledger, each.id, limit=_MEMBERS))) for each in found)
    return ClassesView(views, len(load_open_keys(ledger)) - len(views) if len(views) == _CLASSES else 0)
