"""The open incident groups above the list of tenants: what each is about, and which tenants belong to it."""

from dataclasses import dataclass
from typing import Final

from tenancy.engine.notifications.incident_groups import describe_group, next_action
from tenancy.ledger.incident_groups import (
    GroupMember,
    StoredIncidentGroup,
    load_members,
    load_open_groups,
    load_open_keys,
)
from tenancy.ledger.ledger import LedgerSession

_MAX_GROUPS: Final = 10
_MAX_MEMBERS: Final = 50
"""More than these are for the API."""


@dataclass(frozen=True)
class IncidentGroupView:
    """One group and the first of its tenants."""

    group: StoredIncidentGroup
    tenants: tuple[GroupMember, ...]

    @property
    def sentence(self) -> str:
        """Where, and the message of one of its tenants."""
        return describe_group(self.group.signature, self.group.message)

    @property
    def next(self) -> str:
        """What to do about it."""
        return next_action(self.group)

    @property
    def others(self) -> int:
        """How many more there are."""
        return max(0, self.group.members - len(self.tenants))


@dataclass(frozen=True)
class IncidentGroupsView:
    """The first open groups, and how many more there are."""

    shown: tuple[IncidentGroupView, ...] = ()
    others: int = 0


def load_open_views(ledger: LedgerSession) -> IncidentGroupsView:
    """The open groups, oldest first."""
    groups = load_open_groups(ledger, limit=_MAX_GROUPS)
    views = tuple(IncidentGroupView(each, tuple(load_members(ledger, each.id, limit=_MAX_MEMBERS))) for each in groups)
    return IncidentGroupsView(views, len(load_open_keys(ledger)) - len(views) if len(views) == _MAX_GROUPS else 0)
