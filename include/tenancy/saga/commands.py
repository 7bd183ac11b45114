"""Commands: what operators, activities and the reconciler may ask of a tenant's saga. One frozen class each.

`decide` (decide.py) answers a command with facts or with a refusal. Commands are never stored.
"""

from dataclasses import dataclass, field

from tenancy.saga.attempt_values import UNKNOWN_PRODUCT, PlanEntry, ProductVersion
from tenancy.saga.causes import Cause, Evidence
from tenancy.saga.names import ActivityName, RunId, TaskInstanceId, TenantId
from tenancy.saga.outputs import Outputs
from tenancy.saga.product import PROVISIONING_DAG
from tenancy.saga.stalls import Stall
from tenancy.saga.tenant import Intent, Lease, Parameters


@dataclass(frozen=True)
class Command:
    """A request to change a tenant."""


@dataclass(frozen=True)
class StartAttempt(Command):
    """A run asks to provision: a new tenant (`tenant_id` is its id), a Retry, or a cleared run that starts again."""

    tenant_id: TenantId
    run_id: RunId
    parameters: Parameters
    plan: tuple[PlanEntry, ...]
    schema_version: str
    predecessor: TenantId | None = None
    chart_version: str = ""
    product: ProductVersion = UNKNOWN_PRODUCT
    dag_id: str = PROVISIONING_DAG
    unrecorded_product: str = ""
    """The product of a tenant whose attempts recorded none."""
    is_retry: bool = False
    """Did an operator ask for the next attempt of this tenant? Then a refusal speaks about the tenant, not about a slug
    that is taken."""
    clear_number: int = 0
    """How often the run has been cleared in Airflow: 0 for a new one."""


@dataclass(frozen=True)
class BeginActivity(Command):
    """A task asks to begin an activity; `intents` are committed with its start, before any effect."""

    lease: Lease
    try_number: int = 1
    intents: tuple[Intent, ...] = ()
    clear_number: int = 0
    """How often the run has been cleared in Airflow."""


@dataclass(frozen=True)
class CompleteActivity(Command):
    lease: Lease
    outputs: Outputs = field(default_factory=dict)


@dataclass(frozen=True)
class FailActivity(Command):
    """One try failed."""

    lease: Lease
    error: str
    message: str
    cause: Cause = Cause.UNKNOWN
    platform: bool = False
    """Is the platform at fault? Then the attempt is held."""
    permanent: bool = False
    """Would the same call fail again?"""
    stopped: bool = False
    """Did Airflow stop the try's process?"""


@dataclass(frozen=True)
class ReportProgress(Command):
    """A waiting task observed a change: how far it is, and what it waits for."""

    lease: Lease
    message: str
    cause: Cause = Cause.UNKNOWN


@dataclass(frozen=True)
class GiveUp(Command):
    """A run has ended and its attempt is not complete. Sent by a task's failure callback (which knows activity and
    holder), by the DAG's callback, or by the reconciler. Never destroys a tenant that has passed its point of no
    return."""

    run_id: RunId
    message: str
    activity: ActivityName | None = None
    holder: TaskInstanceId | None = None
    platform_fault: Cause | None = None
    """The cause, if the platform is at fault. Then the attempt is held, and nothing is compensated."""
    dag_id: str = ""
    """The DAG of the run, from Airflow: a run of another DAG may have the same id. Empty: the attempt's own."""


@dataclass(frozen=True)
class ResumeAttempt(Command):
    """Airflow's run succeeded and the ledger has no record of it, because it was restored from an older backup."""

    run_id: RunId
    message: str


@dataclass(frozen=True)
class ReportSystemReplaced(Command):
    """The platform file's [replaced_systems] was used for this resource: `successor` counts as its system, or nothing
    is left of it (LOST_SYSTEM)."""

    kind: str
    name: str
    successor: str
    file: str


@dataclass(frozen=True)
class UnwindingCommand(Command):
    """A command of a process that unwinds the tenant. A newer generation makes an older process's commands invalid."""

    generation: int


@dataclass(frozen=True)
class CheckUnwinding(UnwindingCommand):
    """May this generation still unwind? Refused unless it is the newest and the tenant is to be unwound. No facts."""


@dataclass(frozen=True)
class RenewUnwinding(UnwindingCommand):
    """The process that unwound this generation has gone without recording an end: start the next generation."""


@dataclass(frozen=True)
class ReleaseResource(UnwindingCommand):
    kind: str
    name: str


@dataclass(frozen=True)
class ConfirmReleased(UnwindingCommand):
    kind: str
    name: str


@dataclass(frozen=True)
class ReportFoundAgain(UnwindingCommand):
    """A released object was observed again."""

    kind: str
    name: str


@dataclass(frozen=True)
class ReportCompensationFailure(UnwindingCommand):
    kind: str
    name: str
    error: str
    message: str
    cause: Cause = Cause.UNKNOWN
    platform: bool = False
    """Is the platform at fault? Then the tenant does not become stuck because of it."""


@dataclass(frozen=True)
class Settle(UnwindingCommand):
    """Everything was observed gone."""


@dataclass(frozen=True)
class ExhaustUnwinding(UnwindingCommand):
    """Compensations ran out of retries; `reason` is the last error.

    `keep_resources`: stop compensating, because a customer may use the tenant. It then counts as past its point of no
    return.
    """

    reason: str = ""
    keep_resources: bool = False


@dataclass(frozen=True)
class Cancel(Command):
    """Cancel provisioning. A second Cancel starts the next generation of compensation.

    Only a person sends this, because it destroys the tenant's resources. Callbacks and the reconciler send GiveUp.
    """


@dataclass(frozen=True)
class Reset(Command):
    """Reset provisioning. `force` needs the platform role and a reason."""

    force: bool = False
    platform_role: bool = False
    reason: str = ""


@dataclass(frozen=True)
class Decommission(Command):
    """Release everything and free the slug."""


@dataclass(frozen=True)
class Confirmed(Command):
    """An operator's action, with the id and the slug that they confirmed (confirmation.py)."""

    command: Command
    tenant_id: str = ""
    slug: str = ""


@dataclass(frozen=True)
class RecordHold(Command):
    """The attempt's run is held for a reason outside the tenant: a paused DAG, a full pool, a workflow engine that is
    down.

    An empty message ends the hold. `platform`: the platform is at fault; the hold lasts until an activity begins again.
    """

    message: str
    cause: Cause = Cause.UNKNOWN
    platform: bool = False


@dataclass(frozen=True)
class RecordStall(Command):
    """An activity or a state has passed its time limit (stalls.py). The evidence says why, if that is known."""

    stall: Stall
    evidence: Evidence


@dataclass(frozen=True)
class ExplainStall(Command):
    """The open stall was examined again; the evidence is what was found."""

    evidence: Evidence


@dataclass(frozen=True)
class ClearStall(Command):
    """The open stall is over: the activity or the state is within its limit again, or has changed."""


@dataclass(frozen=True)
class RecordHistoryCleared(Command):
    """After a reset, Airflow's run history of the attempt is cleared."""


@dataclass(frozen=True)
class Escalate(Command):
    """Hand the tenant over to platform engineering; changes no state."""


@dataclass(frozen=True)
class RecordEscalationSent(Command):
    """A notification channel has accepted the message about the escalation."""

    channel: str


@dataclass(frozen=True)
class ShowInvitation(Command):
    """Somebody is about to be shown the tenant admin's invitation of this generation. Each is shown once."""

    generation: int


@dataclass(frozen=True)
class RenewInvitation(Command):
    """Replace a lost invitation: the next generation becomes valid, and the one before becomes invalid."""
