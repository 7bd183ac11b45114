"""Facts of an unwinding: what starts it, how it ends, and the end of a tenant."""

from dataclasses import dataclass

from tenancy.saga.facts.fact import Fact


@dataclass(frozen=True)
class CancelRequested(Fact):
    kind = "tenant.provisioning.cancel.requested"
    generation: int


@dataclass(frozen=True)
class DecommissionRequested(Fact):
    kind = "tenant.decommission.requested"
    generation: int


@dataclass(frozen=True)
class UnwindingStarted(Fact):
    """A failure or a renewal has started a generation: from here on no activity of the attempt may run again.

    Cancel and Decommission start one by facts of their own: CancelRequested, DecommissionRequested.

    `renewal`: the previous compensation run ended without recording an outcome.
    """

    kind = "tenant.provisioning.compensation.started"
    generation: int
    renewal: bool = False


@dataclass(frozen=True)
class CompensationFailed(Fact):
    """One try of a compensation failed. `platform`: the platform is at fault; unwinding continues until it is
    repaired."""

    kind = "tenant.provisioning.compensation.failed"
    resource: str
    name: str
    error: str
    message: str
    cause: str = ""
    platform: bool = False


@dataclass(frozen=True)
class UnwindingExhausted(Fact):
    """Compensations ran out of retries. `left` names the resources that may still exist, `why` is the last error."""

    kind = "tenant.provisioning.compensation.exhausted"
    left: tuple[str, ...]
    why: str = ""


@dataclass(frozen=True)
class Settled(Fact):
    """Nothing is left, and that was observed."""

    kind = "tenant.provisioning.settled"


@dataclass(frozen=True)
class TenantDecommissioned(Fact):
    kind = "tenant.decommissioned"
