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
