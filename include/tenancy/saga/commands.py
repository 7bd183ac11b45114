"""What somebody may ask for: imperative, one frozen class each. `decide` answers with facts or a refusal."""

from dataclasses import dataclass

from tenancy.saga.causes import Cause, Evidence
from tenancy.saga.names import ActivityName, RunId, TaskInstanceId, TenantId
from tenancy.saga.stalls import Stall
from tenancy.saga.tenant import Intent, Lease, Parameters, PlanEntry


@dataclass(frozen=True)
class Command:
    """Something that was asked for."""


@dataclass(frozen=True)
class StartAttempt(Command):
    """A run wants to provision: a new tenant (`tenant_id` is then its id), a Retry, or a cleared run starting over."""

    tenant_id: TenantId
    run_id: RunId
    parameters: Parameters
    plan: tuple[PlanEntry, ...]
    schema_version: str
    predecessor: TenantId | None = None
    chart_version: str = ""
    is_retry: bool = False
    """Did an operator ask for the next attempt of this very tenant? A refusal speaks to them then, not to somebody who
    wants a tenant of this slug."""


@dataclass(frozen=True)
class BeginActivity(Command):
    """A task wants to act; `intents` are committed with its start, before any effect."""

    lease: Lease
    try_number: int = 1
    intents: tuple[Intent, ...] = ()


@dataclass(frozen=True)
class CompleteActivity(Command):
    lease: Lease


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
    """A task that waits saw something new: how far it is, and what keeps it."""

    lease: Lease
    message: str
    cause: Cause = Cause.UNKNOWN


@dataclass(frozen=True)
class GiveUp(Command):
    """A run is over and its attempt is not done: from a task's callback (activity and holder known), the DAG's, or
    the reconciler. Never destroys a tenant that has passed the point of no return."""

    run_id: RunId
    message: str
    activity: ActivityName | None = None
    holder: TaskInstanceId | None = None
    platform_fault: Cause | None = None
    """The cause, when the platform is at fault: the attempt is held then, and nothing is undone."""


@dataclass(frozen=True)
class ResumeAttempt(Command):
    """Airflow ended the attempt's run well and the ledger does not know it: the ledger is older than the world."""

    run_id: RunId
    message: str


@dataclass(frozen=True)
class UnwindingCommand(Command):
    """A word of whoever unwinds. `generation` says for which wish: a newer one supersedes it."""

    generation: int


@dataclass(frozen=True)
class StartUnwinding(UnwindingCommand):
    """Accepted only for the newest generation, in a state that is to be unwound."""


@dataclass(frozen=True)
class RenewUnwinding(UnwindingCommand):
    """Whoever unwound this generation is gone without an end: the next one takes over."""


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
    """Compensations ran out of retries; `why` says at what.

    `keeps`: they are stopped, because the tenant may be a customer's: it has passed the point of no return.
    """

    reason: str = ""
    keep_resources: bool = False


@dataclass(frozen=True)
class Cancel(Command):
    """Cancel provisioning. A second one starts the next generation of compensation.

    A person's command only: it destroys what the tenant has. A callback or the reconciler sends GiveUp.
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
    """An operator's action with the tenant that they named: its id, and its slug as they typed it (confirmation.py)."""

    command: Command
    tenant_id: str = ""
    slug: str = ""


@dataclass(frozen=True)
class RecordHold(Command):
    """The attempt's run does not go on, and not for a reason of the tenant's: a pause, a limit, an engine that is away.

    An empty message: it goes on again. `platform`: the platform is at fault, and the attempt is held until an activity
    begins again.
    """

    message: str
    cause: Cause = Cause.UNKNOWN
    platform: bool = False


@dataclass(frozen=True)
class RecordStall(Command):
    """Something is over its time (stalls.py); the evidence says why, as far as it is known."""

    stall: Stall
    evidence: Evidence


@dataclass(frozen=True)
class ExplainStall(Command):
    """The open stall was looked at once more."""

    evidence: Evidence


@dataclass(frozen=True)
class ClearStall(Command):
    """It is in time again, or something else is wanted of it now."""


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
    """Somebody is about to see the admin's invitation of this generation: once, whoever it is."""

    generation: int


@dataclass(frozen=True)
class RenewInvitation(Command):
    """The invitation was lost: the next generation is made, and the one before is worth nothing."""
