"""Facts of stalls: a time limit has passed, why, and that it is over."""

from dataclasses import dataclass, field

from tenancy.saga.facts.fact import Fact
from tenancy.saga.names import ActivityName


@dataclass(frozen=True)
class ProvisioningStalled(Fact):
    """A time limit has passed. Recorded once for each stall. `stall` is a StallKind, `cause` a Cause, `limit` in
    seconds."""

    kind = "tenant.provisioning.stalled"
    stall: str
    activity: ActivityName | None
    limit: int
    cause: str
    message: str = ""
    evidence: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StallExplained(Fact):
    """The open stall has another cause than the recorded one."""

    kind = "tenant.provisioning.stall_explained"
    cause: str
    message: str
    evidence: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StallCleared(Fact):
    kind = "tenant.provisioning.stall_cleared"
    stall: str
    activity: ActivityName | None
