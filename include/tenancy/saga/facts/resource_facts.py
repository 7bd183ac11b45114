"""Facts of a tenant's resources, each from its intent to its release."""

from dataclasses import dataclass

from tenancy.saga.facts.fact import Fact
from tenancy.saga.names import ActivityName
from tenancy.saga.tenant import Credential


@dataclass(frozen=True)
class ResourceIntended(Fact):
    kind = "tenant.resource.intended"
    resource: str
    name: str
    proof: str
    activity: ActivityName
    credential: Credential | None = None
    system: str = ""
    region: str = ""
    connection: str = ""


@dataclass(frozen=True)
class ResourcePresent(Fact):
    kind = "tenant.resource.present"
    resource: str
    name: str


@dataclass(frozen=True)
class ResourceReleasing(Fact):
    kind = "tenant.resource.releasing"
    resource: str
    name: str


@dataclass(frozen=True)
class ResourceReleased(Fact):
    kind = "tenant.resource.released"
    resource: str
    name: str


@dataclass(frozen=True)
class ResourceFoundAgain(Fact):
    """A released resource was observed again before settling: a late effect of a process that has ended."""

    kind = "tenant.resource.found_again"
    resource: str
    name: str


@dataclass(frozen=True)
class EngineRecorded(Fact):
    """The workflow engine that has the runs of this ledger from now on. Stored in the platform's stream."""

    kind = "tenant.engine.recorded"
    system: str


@dataclass(frozen=True)
class SystemReplaced(Fact):
    """The resource's system was accepted as replaced or lost for the first time, because the platform file says so.

    `system` is the recorded identity, `successor` the one that answered, or "lost"; `file` is the platform file's path.
    """

    kind = "tenant.resource.system_replaced"
    resource: str
    name: str
    system: str
    successor: str
    file: str = ""
