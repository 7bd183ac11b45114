"""What somebody may ask for: imperative, one frozen class each. `decide` answers with facts or a refusal."""

from dataclasses import dataclass

from tenancy.saga.names import ActivityName, RunId, TaskInstanceId, TenantId
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


@dataclass(frozen=True)
class ReportProgress(Command):
    """A task that waits saw something new: how far it is, and what keeps it."""

    lease: Lease
    message: str


@dataclass(frozen=True)
class GiveUp(Command):
    """Airflow has no tries left for a run: from a task's callback (activity and holder known) or the DAG's."""

    run_id: RunId
    message: str
    activity: ActivityName | None = None
    holder: TaskInstanceId | None = None


@dataclass(frozen=True)
class StartUnwinding(Command):
    """Accepted only for the current attempt, in a state that is to be unwound."""

    attempt: int


@dataclass(frozen=True)
class ReleaseResource(Command):
    attempt: int
    kind: str
    name: str


@dataclass(frozen=True)
class ConfirmReleased(Command):
    attempt: int
    kind: str
    name: str


@dataclass(frozen=True)
class ReportFoundAgain(Command):
    """A released object was observed again."""

    attempt: int
    kind: str
    name: str


@dataclass(frozen=True)
class ReportCompensationFailure(Command):
    attempt: int
    kind: str
    name: str
    error: str
    message: str


@dataclass(frozen=True)
class Settle(Command):
    """Everything was observed gone."""

    attempt: int


@dataclass(frozen=True)
class ExhaustUnwinding(Command):
    """Compensations ran out of retries."""

    attempt: int


@dataclass(frozen=True)
class Cancel(Command):
    """Cancel provisioning. A second one starts the next generation of compensation."""


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
class Escalate(Command):
    """Hand the tenant over to platform engineering; changes no state."""
