"""The values that a Saga is made of: each has the fields that change together, and what can be asked of them.

Frozen, as Saga itself; `evolve` makes the next ones. None of them is stored: the ledger stores facts.
"""

from dataclasses import dataclass, replace
from typing import TypeAlias

from tenancy.saga.causes import Cause, Evidence

ResourceKey: TypeAlias = tuple[str, str]
"""A resource's kind and name."""


@dataclass(frozen=True)
class Hold:
    """Why the tenant's run does not proceed, for a reason outside the tenant. `NO_HOLD` if it does."""

    reason: str = ""
    cause: Cause | None = None
    platform_fault: Evidence | None = None
    """The platform fault that the last try ran into. While it is set, no ended run makes the attempt fail. It stays
    while another reason is shown, such as a paused DAG."""
    faulty_resource: ResourceKey | None = None
    """The resource that cannot be released because of that fault."""

    @classmethod
    def for_platform(cls, message: str, cause: Cause, resource: ResourceKey | None = None) -> "Hold":
        """The hold because of a platform fault."""
        return cls(message, cause, Evidence(cause, message), resource)

    def shows_platform_fault(self, fault: Evidence) -> bool:
        """Is it because of this fault, and is that the reason which is shown?"""
        return (self.platform_fault, self.reason, self.cause) == (fault, fault.message, fault.cause)

    def with_reason(self, reason: str, cause: Cause | None) -> "Hold":
        """The same hold, shown with this reason; with an empty one it is not shown."""
        return replace(self, reason=reason, cause=cause if reason else None)

    def without_fault(self) -> "Hold":
        """The same reason, without the platform fault behind it."""
        return replace(self, platform_fault=None, faulty_resource=None)

    def is_by(self, resource: ResourceKey) -> bool:
        """Is there a platform fault that keeps this resource?"""
        return self.platform_fault is not None and self.faulty_resource == resource


NO_HOLD = Hold()
