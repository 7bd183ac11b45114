"""Facts of an attempt to provision a tenant: its activities, its outcome, and what holds it."""

from dataclasses import dataclass, field

from tenancy.saga.attempt_values import UNKNOWN_PRODUCT, PlanEntry, ProductVersion
from tenancy.saga.facts.fact import Fact
from tenancy.saga.names import ActivityName, RunId, TaskInstanceId, TenantId
from tenancy.saga.outputs import Outputs
from tenancy.saga.product import PROVISIONING_DAG
from tenancy.saga.tenant import Parameters


@dataclass(frozen=True)
class ProvisioningRequested(Fact):
    kind = "tenant.provisioning.requested"
    tenant_id: TenantId
    parameters: Parameters
    predecessor: TenantId | None = None


@dataclass(frozen=True)
class RequestRefused(Fact):
    """A refused request to provision. Stored in the stream of the tenant that has the slug, else in the platform's."""

    kind = "tenant.provisioning.refused"
    slug: str
    run_id: RunId
    message: str
    field: str | None = None
    holder: TaskInstanceId = TaskInstanceId("")
    """The task instance that asked; empty for a person."""


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
    product: ProductVersion = UNKNOWN_PRODUCT
    dag_id: str = PROVISIONING_DAG
    """The DAG of its run. Another product may be the default one later."""
    clear_number: int = 0
    """How often its run had been cleared in Airflow until then."""


@dataclass(frozen=True)
class ActivityStarted(Fact):
    kind = "tenant.provisioning.step.started"
    activity: ActivityName
    holder: TaskInstanceId
    try_number: int
    clear_number: int = 0
    """How often its run had been cleared in Airflow until then."""


@dataclass(frozen=True)
class ActivityCompleted(Fact):
    kind = "tenant.provisioning.step.completed"
    activity: ActivityName
    outputs: Outputs = field(default_factory=dict)


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
class RunHeld(Fact):
    """The attempt's run is held for a reason outside the tenant. An empty message ends the hold."""

    kind = "tenant.provisioning.held"
    message: str
    cause: str = ""
    platform: bool = False
    """The platform is at fault: nothing is compensated because of it, however long it lasts."""


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
class ProvisioningCompleted(Fact):
    kind = "tenant.provisioning.completed"


@dataclass(frozen=True)
class ProvisioningFailed(Fact):
    """The attempt is over. `retained`: everything is kept, because the point of no return was passed."""

    kind = "tenant.provisioning.failed"
    activity: ActivityName
    message: str
    retained: bool
    cause: str = ""


@dataclass(frozen=True)
class HolderEvicted(Fact):
    """A process held the tenant's lock for too long, so its database session was terminated."""

    kind = "tenant.lock.evicted"
    system: str
    holder: str
