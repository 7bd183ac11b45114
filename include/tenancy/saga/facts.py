"""What can have happened: one frozen class a fact, past tense, with the name the audit log shows.

Facts carry what the law needs to fold them. Who, when, why, attempt and lease stand in the envelope the ledger puts
around each (ledger/envelope.py).
"""

from dataclasses import dataclass, field
from typing import ClassVar

from tenancy.saga.names import ActivityName, RunId, TaskInstanceId, TenantId
from tenancy.saga.tenant import EXACT, Credential, Parameters, PlanEntry


@dataclass(frozen=True)
class Fact:
    """Something that happened."""

    kind: ClassVar[str] = ""
    __pydantic_config__: ClassVar = EXACT


@dataclass(frozen=True)
class ProvisioningRequested(Fact):
    kind = "tenant.provisioning.requested"
    tenant_id: TenantId
    parameters: Parameters
    predecessor: TenantId | None = None


@dataclass(frozen=True)
class AttemptStarted(Fact):
    """An attempt's first fact: the plan and the versions it runs with, so old timelines stay true."""

    kind = "tenant.provisioning.started"
    attempt: int
    run_id: RunId
    parameters: Parameters
    plan: tuple[PlanEntry, ...]
    schema_version: str
    chart_version: str = ""


@dataclass(frozen=True)
class ActivityStarted(Fact):
    kind = "tenant.provisioning.step.started"
    activity: ActivityName
    holder: TaskInstanceId
    try_number: int


@dataclass(frozen=True)
class ActivityCompleted(Fact):
    kind = "tenant.provisioning.step.completed"
    activity: ActivityName


@dataclass(frozen=True)
class ActivityFailed(Fact):
    """One try failed; whether that is the end is told by ProvisioningFailed. `error` is for people: nothing depends on
    the name of an exception. `platform`: the platform is at fault, and the attempt is held."""

    kind = "tenant.provisioning.step.failed"
    activity: ActivityName
    error: str
    message: str
    cause: str = ""
    platform: bool = False
    permanent: bool = False
    """The same call would fail again: the system answered, or nothing was sent."""
    stopped: bool = False
    """Airflow stopped the try's process, which says nothing of the activity."""


@dataclass(frozen=True)
class ActivityProgressed(Fact):
    """A waiting activity saw something new. Recorded when it changes, not every second."""

    kind = "tenant.provisioning.step.progress"
    activity: ActivityName
    message: str
    cause: str = ""


@dataclass(frozen=True)
class ActivityRefused(Fact):
    """A task was not allowed to act. Changes nothing."""

    kind = "tenant.provisioning.step.refused"
    activity: ActivityName
    run_id: RunId
    message: str


@dataclass(frozen=True)
class ProvisioningCompleted(Fact):
    kind = "tenant.provisioning.completed"


@dataclass(frozen=True)
class PointOfNoReturnPassed(Fact):
    """From here on a customer may use the tenant: a failure keeps everything, and only a person's word destroys it.

    Until everything is observed gone, in whatever attempt. `resumed`: the ledger turned out to be older than the
    attempt's run, as after its restore from a backup, and the attempt goes on with what exists.
    """

    kind = "tenant.provisioning.point_of_no_return"
    reason: str = ""
    resumed: bool = False


@dataclass(frozen=True)
class ProvisioningFailed(Fact):
    """The attempt is over. `retained`: everything is kept, because the point of no return was passed."""

    kind = "tenant.provisioning.failed"
    activity: ActivityName
    message: str
    retained: bool
    cause: str = ""


@dataclass(frozen=True)
class CancelRequested(Fact):
    kind = "tenant.provisioning.cancel.requested"
    generation: int


@dataclass(frozen=True)
class UnwindingStarted(Fact):
    """Recorded before the first compensation: from here on every re-run of an activity is refused.

    `renewal`: the run that compensated before ended without an end in the ledger.
    """

    kind = "tenant.provisioning.compensation.started"
    generation: int
    renewal: bool = False


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
    """Something released was seen once more before settling: a late effect of a dead process."""

    kind = "tenant.resource.found_again"
    resource: str
    name: str


@dataclass(frozen=True)
class CompensationFailed(Fact):
    """One try failed. `platform`: the platform is at fault; unwinding goes on until it is mended."""

    kind = "tenant.provisioning.compensation.failed"
    resource: str
    name: str
    error: str
    message: str
    cause: str = ""
    platform: bool = False


@dataclass(frozen=True)
class UnwindingExhausted(Fact):
    """Compensations ran out of retries; `left` names what may still be there, `why` what they last ran into."""

    kind = "tenant.provisioning.compensation.exhausted"
    left: tuple[str, ...]
    why: str = ""


@dataclass(frozen=True)
class Settled(Fact):
    """Nothing is left, and that was observed."""

    kind = "tenant.provisioning.settled"


@dataclass(frozen=True)
class RunReset(Fact):
    kind = "tenant.provisioning.reset"
    forced: bool = False


@dataclass(frozen=True)
class RunHistoryCleared(Fact):
    """Airflow's task instances of the reset run are empty again."""

    kind = "tenant.provisioning.history_cleared"


@dataclass(frozen=True)
class RunHeld(Fact):
    """The attempt's run does not go on, for a reason that is not the tenant's. Empty: it goes on again."""

    kind = "tenant.provisioning.held"
    message: str
    cause: str = ""
    platform: bool = False
    """The platform is at fault: nothing is undone because of it, however long it lasts."""


@dataclass(frozen=True)
class RetryRequested(Fact):
    kind = "tenant.provisioning.retried"
    run_id: RunId


@dataclass(frozen=True)
class DecommissionRequested(Fact):
    kind = "tenant.decommission.requested"
    generation: int


@dataclass(frozen=True)
class TenantDecommissioned(Fact):
    kind = "tenant.decommissioned"


@dataclass(frozen=True)
class RequestRefused(Fact):
    """A request that became no attempt: in the tenant's stream when it names a live one, else in the platform's."""

    kind = "tenant.provisioning.refused"
    slug: str
    run_id: RunId
    message: str
    field: str | None = None


@dataclass(frozen=True)
class ActionRefused(Fact):
    kind = "tenant.action.refused"
    action: str
    message: str


@dataclass(frozen=True)
class HolderEvicted(Fact):
    """A process that held the tenant's lock did not let go in time; its database session was ended."""

    kind = "tenant.lock.evicted"
    system: str
    holder: str


@dataclass(frozen=True)
class RawActionNoted(Fact):
    """Somebody used Airflow's own buttons where that means nothing for the tenant."""

    kind = "tenant.airflow_action.noted"
    action: str
    run_id: RunId


@dataclass(frozen=True)
class ProvisioningStalled(Fact):
    """Something is over its time: once a stall. `stall` is a StallKind, `cause` a Cause, `limit` in seconds."""

    kind = "tenant.provisioning.stalled"
    stall: str
    activity: ActivityName | None
    limit: int
    cause: str
    message: str = ""
    evidence: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StallExplained(Fact):
    """The open stall turned out to have another cause than was known."""

    kind = "tenant.provisioning.stall_explained"
    cause: str
    message: str
    evidence: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StallCleared(Fact):
    kind = "tenant.provisioning.stall_cleared"
    stall: str
    activity: ActivityName | None


@dataclass(frozen=True)
class Escalated(Fact):
    kind = "tenant.provisioning.escalated"


@dataclass(frozen=True)
class EscalationSent(Fact):
    """A notification channel (slack, smtp, webhook) has accepted the message about the escalation."""

    kind = "tenant.provisioning.escalation_sent"
    channel: str


@dataclass(frozen=True)
class InvitationShown(Fact):
    """The admin's invitation was given to whoever asked for it; nobody is given it again."""

    kind = "tenant.invitation.shown"
    generation: int


@dataclass(frozen=True)
class InvitationRenewed(Fact):
    """There is to be another invitation; those before are worth nothing."""

    kind = "tenant.invitation.renewed"
    generation: int


FACTS: dict[str, type[Fact]] = {fact.kind: fact for fact in Fact.__subclasses__()}
"""Every fact by the name it is stored under."""
