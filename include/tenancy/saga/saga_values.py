"""The values that a Saga is made of: each has the fields that change together, and what can be asked of them.

Frozen, as Saga itself; `evolve` makes the next ones. None of them is stored: the ledger stores facts.
"""

from collections.abc import Collection
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


@dataclass(frozen=True)
class Unwinding:
    """The newest unwinding, and what all together have released."""

    generation: int = 0
    """Its number. Compensation runs of older generations are superseded."""
    exhausted_generation: int = 0
    """The last generation whose compensations ran out of retries."""
    renewals: int = 0
    """How often it was renewed since a resource was last released."""
    failure: Evidence | None = None
    """The error of the first compensation that failed, until that resource is released or the tenant settles."""
    failed_resource: ResourceKey | None = None
    """The resource of that compensation."""
    released_count: int = 0
    """How many resources all attempts together have released: the cost of retrying."""

    @property
    def next_generation(self) -> int:
        return self.generation + 1

    @property
    def is_exhausted(self) -> bool:
        """Did the compensations of the newest generation run out of retries?"""
        return 0 < self.generation == self.exhausted_generation

    def requested(self, generation: int) -> "Unwinding":
        """A person or a failure asked for this generation."""
        return replace(self, generation=generation, renewals=0)

    def renewed(self, generation: int) -> "Unwinding":
        """The last generation released nothing: one more try."""
        return replace(self, generation=generation, renewals=self.renewals + 1)

    def exhausted(self) -> "Unwinding":
        return replace(self, exhausted_generation=self.generation)

    def released_one(self) -> "Unwinding":
        return replace(self, released_count=self.released_count + 1, renewals=0)

    def failed(self, resource: ResourceKey, why: Evidence, live: Collection[ResourceKey]) -> "Unwinding":
        """A compensation failed. The first failure is kept while its resource is live: later ones are often its
        consequences."""
        another_is_first = self.failure and self.failed_resource != resource and self.failed_resource in live
        return self if another_is_first else replace(self, failure=why, failed_resource=resource)

    def without_failure(self) -> "Unwinding":
        return replace(self, failure=None, failed_resource=None)


@dataclass(frozen=True)
class Escalation:
    """The tenant was escalated to platform engineering; it counts until the next attempt."""

    sent_to: tuple[str, ...] = ()
    """The notification channels that have accepted the message about it."""

    def with_channel(self, channel: str) -> "Escalation":
        return Escalation((*self.sent_to, channel))


@dataclass(frozen=True)
class Invitation:
    """The tenant admin's invitation. The invitation itself is derived when it is shown and stored nowhere."""

    generation: int = 1
    """The generation that is valid now."""
    shown_generation: int = 0
    """The generation of the last invitation that was shown."""

    @property
    def is_shown(self) -> bool:
        """Was the valid one shown?"""
        return self.shown_generation == self.generation
