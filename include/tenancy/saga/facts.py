"""Facts: what has happened to a tenant. One frozen class each, named in the past tense.

`kind` is the name that the ledger stores and the audit log shows. Kinds and fields are stored: never rename them. A
fact holds what `evolve` needs; who, when, why, attempt and lease are in the envelope that the ledger puts around it
(ledger/envelope.py).
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
    """An attempt's first fact. It records the plan and the versions, so that old timelines stay correct when they
    change."""

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
    """One try failed. If that ended the attempt, a ProvisioningFailed follows. `error` is for people: nothing depends
    on the name of an exception. `platform`: the platform is at fault, and the attempt is held."""

    kind = "tenant.provisioning.step.failed"
    activity: ActivityName
    error: str
    message: str
    cause: str = ""
    platform: bool = False
    permanent: bool = False
    """The same call would fail again: the system answered, or nothing was sent."""
    stopped: bool = False
    """Airflow stopped the try's process, which is no failure of the activity."""


@dataclass(frozen=True)
class ActivityProgressed(Fact):
    """A waiting activity observed a change. Recorded only when the message or the cause changes."""

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
    """From here on a customer may use the tenant: failures keep its resources, and only a person's command destroys
    them.

    This holds over all attempts, until everything has been observed gone. `resumed`: the ledger was older than the
    attempt's run, for example restored from a backup, and the attempt continues with the resources that exist.
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
    """A failure or a renewal has started a generation: from here on no activity of the attempt may run again.

    Cancel and Decommission start one by facts of their own: CancelRequested, DecommissionRequested.

    `renewal`: the previous compensation run ended without recording an outcome.
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
    """A released resource was observed again before settling: a late effect of a process that has ended."""

    kind = "tenant.resource.found_again"
    resource: str
    name: str


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
class RunReset(Fact):
    kind = "tenant.provisioning.reset"
    forced: bool = False


@dataclass(frozen=True)
class RunHistoryCleared(Fact):
    """Airflow's task instances of the reset run are empty again."""

    kind = "tenant.provisioning.history_cleared"


@dataclass(frozen=True)
class RunHeld(Fact):
    """The attempt's run is held for a reason outside the tenant. An empty message ends the hold."""

    kind = "tenant.provisioning.held"
    message: str
    cause: str = ""
    platform: bool = False
    """The platform is at fault: nothing is compensated because of it, however long it lasts."""


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
    """A refused request to provision. Stored in the stream of the tenant that has the slug, else in the platform's."""

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
    """A process held the tenant's lock for too long, so its database session was terminated."""

    kind = "tenant.lock.evicted"
    system: str
    holder: str


@dataclass(frozen=True)
class RawActionNoted(Fact):
    """Somebody used one of Airflow's own buttons, and it has no effect on the tenant."""

    kind = "tenant.airflow_action.noted"
    action: str
    run_id: RunId


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
    """The tenant admin's invitation was shown to the operator who asked for it. It is not shown again."""

    kind = "tenant.invitation.shown"
    generation: int


@dataclass(frozen=True)
class InvitationRenewed(Fact):
    """The next invitation is valid; earlier ones are not."""

    kind = "tenant.invitation.renewed"
    generation: int


FACTS: dict[str, type[Fact]] = {fact.kind: fact for fact in Fact.__subclasses__()}
"""Every fact by the name it is stored under."""
