"""The interface of an activity: name, kind, limits, and four operations: run, compensate, observe, discover.

tests/contract checks these rules for every installed activity: running twice has the effect of running once;
compensating a resource that was never created succeeds; compensating after a partial run leaves nothing; discover finds
exactly what run created.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeVar

from tenancy.adapters.readiness import Readiness
from tenancy.saga.advice import Remedy
from tenancy.saga.causes import Evidence
from tenancy.saga.credentials import Keyring
from tenancy.saga.errors import PlatformFileError, TenancyError, TransientError
from tenancy.saga.names import ActivityName, TenantId, proof_of
from tenancy.saga.platform import Plan, Platform, Region
from tenancy.saga.states import Kind
from tenancy.saga.systems import ANY_SYSTEM, ExpectedSystem, Location, accepted_for
from tenancy.saga.tenant import Credential, Intent, PlanEntry, Resource, Saga

if TYPE_CHECKING:  # the adapters import psycopg and httpx; the DAG file imports this
    from tenancy.adapters.airflow_api import Handle
    from tenancy.adapters.cluster import Cluster
    from tenancy.adapters.storage import LockPolicy, StorageServer


_T = TypeVar("_T")


@dataclass(frozen=True)
class Observation:
    """The state of one resource, observed from outside. `why` is a sentence if it is absent or unhealthy."""

    kind: str
    name: str
    present: bool
    healthy: bool
    why: str = ""


@dataclass(frozen=True)
class DiscoveredObject:
    """An outside object that carries this platform's ownership proof."""

    kind: str
    name: str
    proof: str
    address: str = ""
    """The address of the system that has it. Two regions may share one system."""
    drift: str = ""
    """How it differs from what was created, as the end of a sentence; empty if it does not, or was not compared."""


@dataclass(frozen=True)
class WatchedNamespace:
    """A namespace to watch: after any change of its workloads, readiness is worth another check.

    `connection` is the id of the Airflow connection to the cluster.
    """

    connection: str
    namespace: str


class NotReadyYet(TransientError):  # noqa: N818 - an answer, not an error
    """The activity is not ready yet."""


class Handles(Protocol):
    """The tenants' Airflow connections ("workflow handles"). Implemented by adapters/airflow_api.py and
    tests/contract/fake_handles.py."""

    def identity(self, *, make: bool = False) -> str: ...
    def handle(self, name: str) -> "Handle | None": ...
    def handles(self) -> Iterable["Handle"]: ...
    def create_handle(self, handle: "Handle") -> bool: ...
    def update_handle(self, handle: "Handle") -> None: ...
    def delete_handle(self, name: str) -> None: ...
    def has_pool(self, name: str) -> bool: ...


@dataclass(frozen=True)
class SystemClients:
    """Opens the clients of the outside systems when they are needed."""

    storage: Callable[[Region], "StorageServer"]
    handles: Callable[[], Handles]
    cluster: Callable[[Region], "Cluster"]
    database_password: Callable[[TenantId], str | None] = lambda tenant_id: None  # noqa: ARG005
    """A tenant's own database password, for `discover`; None if the ledger has no credential of the tenant."""


@dataclass(frozen=True)
class ActivityContext:
    """What an activity gets for one tenant: the saga, the platform, clients, credentials and the fence."""

    saga: Saga
    platform: Platform
    keyring: Keyring
    clients: SystemClients
    lock: "LockPolicy"
    fence: Callable[[], None]
    """Call right before each effect: raises Refused if this process has been superseded, for example by a Cancel."""
    observe_all: Callable[[], tuple[Observation, ...]]
    """Observes all resources that any activity ever intended for this tenant."""
    timeout_seconds: float | None = None
    """How long one call may wait for a system that does not answer; None: the adapter's own limit."""

    @property
    def tenant_id(self) -> TenantId:
        return self.saga.tenant_id

    @property
    def proof(self) -> str:
        return proof_of(self.platform.name, self.tenant_id)

    @property
    def region(self) -> Region:
        """Where new resources are created. PlatformError if the platform file no longer has the region."""
        return _known("region", self.saga.parameters.region, self.platform.regions)

    @property
    def plan(self) -> Plan:
        """The tenant's plan. PlatformError if the platform file no longer has it."""
        return _known("plan", self.saga.parameters.plan, self.platform.plans)

    @property
    def not_comparable(self) -> str:
        """Why the resources cannot be compared with plan and region: the platform file lacks them. Empty if they
        can."""
        asked = self.saga.parameters
        if asked.plan not in self.platform.plans:
            return f"cannot be compared with its plan: the platform file has no plan {asked.plan} any more"
        if asked.region not in self.platform.regions:
            return f"cannot be compared with its region: the platform file has no region {asked.region} any more"
        return ""

    def recorded(self, kind: str) -> Resource | None:
        """The tenant's resource of this kind: the live one, else the one that was released last."""
        of_kind = [resource for resource in self.saga.resources if resource.kind == kind]
        return next((resource for resource in of_kind if resource.live), of_kind[-1] if of_kind else None)

    def storage_of(self, resource: Resource | None) -> "StorageServer":
        """The server that the ledger recorded for this resource; the region's server if none is recorded."""
        server = self._entered(resource, self.clients.storage)
        return server.expecting(self.expected(resource), silence_seconds=self.timeout_seconds)

    def cluster_of(self, resource: Resource | None) -> "Cluster":
        """The cluster that the ledger recorded for this resource; the region's cluster if none is recorded."""
        return self._entered(resource, self.clients.cluster).expecting(
            self.expected(resource), seconds=self.timeout_seconds
        )

    def expected(self, resource: Resource | None) -> ExpectedSystem:
        """The system that must answer for this resource; other systems' answers are rejected."""
        if resource is None or not resource.system:
            return ANY_SYSTEM
        return ExpectedSystem(
            accepted_for(resource.system, self.platform.replaced_systems),
            resource.connection,
            self.saga.parameters.slug,
        )

    def _entered(self, resource: Resource | None, enter: Callable[[Region], _T]) -> _T:
        """Open the client by the recorded connection. If that no longer exists, by the region's present connection: the
        identity check finds out whether it leads to the same system."""
        if resource is None or not resource.connection:
            return enter(self.region)
        name, connection = resource.region, resource.connection
        now = self.platform.regions.get(name)
        recorded = Region(name, connection, connection, now.ingress_domain if now else "", 1)
        try:
            return enter(recorded)
        except TenancyError:
            if now is None or connection in {now.storage_connection, now.cluster_connection}:
                raise
            return enter(now)

    @property
    def credential(self) -> Credential:
        """The credential of the tenant's live resources, else a new one."""
        kept = (resource.credential for resource in self.saga.live_resources if resource.credential)
        return next(kept, self.keyring.new_credential())

    def secret(self, purpose: str) -> str:
        """The tenant's derived credential for this purpose."""
        return self.keyring.derive(self.tenant_id, self.credential, purpose)

    def name_of(self, kind: str, otherwise: str) -> str:
        """The name the ledger has for the tenant's resource of this kind, `otherwise` when it has none."""
        recorded = (resource.name for resource in self.saga.resources if resource.kind == kind)
        return next(recorded, otherwise)


def _known(what: str, name: str, known: Mapping[str, _T]) -> _T:
    if name not in known:
        raise PlatformFileError(
            f"The platform file has no {what} {name} any more, and a tenant has it: put it back, with offered = false "
            "when no new tenant is to have it."
        )
    return known[name]


class Activity:
    """One activity of the saga. The defaults are those of an activity that makes nothing."""

    name: ClassVar[ActivityName]
    label: ClassVar[str]
    short_label: ClassVar[str]
    kind: ClassVar[Kind]
    stall_after: ClassVar[timedelta] = timedelta(minutes=5)
    """After how long it counts as stuck, all tries together (runbook: "> 5 minutes on any single step")."""
    give_up_after: ClassVar[timedelta] = timedelta(minutes=5)
    """After how long one try is ended; of a wait, the whole of it."""
    stuck_remedy: ClassVar[Remedy]
    """The runbook's instruction for when it is stuck."""
    resources: ClassVar[tuple[str, ...]] = ()
    """The kinds of resource it makes, in order."""
    released_after: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Kind of resource -> the kind that must be released first, because it contains or needs this one."""
    systems: ClassVar[tuple[str, ...]] = ()
    """The systems of its region that `run` needs (saga/system_status.py), besides ledger and workflow engine."""
    is_deferred: ClassVar[bool] = False
    """Does its task wait in the triggerer?"""
    system: ClassVar[str] = ""
    """The kind of system in which it creates its resources. Each kind has one time budget in an unwinding."""
    regional: ClassVar[bool] = True
    """Has each region its own system? If not, one call of `discover` covers all regions."""
    manual_removal: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Kind of resource -> how an operator removes an orphan; `{name}` stands for its name."""
    late_seconds: ClassVar[float] = 0.0
    """How long after its request was sent an effect may still show, because the system goes on when the client is gone:
    the system's own limits (adapters/request_limits.py)."""
    late_effect_resources: ClassVar[tuple[str, ...]] = ()
    """The kinds of resource that may appear so late. Once they exist, no late effect is pending."""
    emits: ClassVar[str | None] = None
    """The Airflow asset that is updated when it succeeds."""

    @property
    def entry(self) -> PlanEntry:
        """What an attempt's recorded plan stores of it."""
        return PlanEntry(self.name, self.kind)

    def intents(self, context: ActivityContext) -> tuple[Intent, ...]:  # noqa: ARG002
        """The resources that `run` will create. They are committed to the ledger before it runs."""
        return ()

    def locate(self, context: ActivityContext) -> Location:  # noqa: ARG002
        """Where `run` will create them, with the identity that the system states. Committed with the intents."""
        return Location()

    def identify(self, clients: SystemClients, region: Region | None) -> str:  # noqa: ARG002
        """The identity of the system in which it creates resources. `region` is None if all regions share one."""
        return ""

    def run(self, context: ActivityContext) -> None:
        """Create the resources, or bring existing ones to the wanted state. Idempotent."""

    def compensate(self, context: ActivityContext, resource: Resource) -> None:
        """Release one resource, whether it exists completely, partly or not at all. Idempotent."""

    def observe(self, context: ActivityContext) -> tuple[Observation, ...]:  # noqa: ARG002
        """Does each resource exist, is it healthy, and if not, why? Changes nothing."""
        return ()

    def explain(self, context: ActivityContext) -> Evidence | None:  # noqa: ARG002
        """Why the activity stalls, observed from outside. Changes nothing, takes no lock.

        None if nothing was found. If a system cannot be observed, the error is raised, and its cause is the answer.
        """
        return None

    def explain_unwinding(self, context: ActivityContext) -> Evidence | None:  # noqa: ARG002
        """Why its resources are not released yet, observed from outside in the same way."""
        return None

    def discover(self, clients: SystemClients, platform: Platform) -> tuple[DiscoveredObject, ...]:  # noqa: ARG002
        """All existing objects that carry this platform's ownership proof. Changes nothing."""
        return ()


def located_intents(activity: Activity, context: ActivityContext) -> tuple[Intent, ...]:
    """The intents that the ledger does not have yet, each with the system in which it will be created."""
    live = {(resource.kind, resource.name) for resource in context.saga.live_resources}
    new = [intent for intent in activity.intents(context) if (intent.kind, intent.name) not in live]
    if not new:
        return ()
    where = activity.locate(context)
    return tuple(replace(each, system=where.system, region=where.region, connection=where.connection) for each in new)


class WaitingActivity(Activity):
    """An activity that creates nothing and waits. Its task is deferred and holds neither a lock nor a worker slot.

    After `give_up_after` it fails with the last `why`.
    """

    is_deferred = True

    def readiness(self, context: ActivityContext) -> Readiness:
        """Check once. Changes nothing."""
        raise NotImplementedError

    def watched_namespace(self, context: ActivityContext) -> WatchedNamespace:
        """The namespace to watch between two checks."""
        raise NotImplementedError

    def run(self, context: ActivityContext) -> None:
        """Check once. Raises NotReadyYet, with the reason, if it is not ready."""
        readiness = self.readiness(context)
        if not readiness.ready:
            raise NotReadyYet(readiness.reason, cause=readiness.cause)

    def explain(self, context: ActivityContext) -> Evidence | None:
        """Why it is not ready."""
        readiness = self.readiness(context)
        return None if readiness.ready else Evidence(readiness.cause, readiness.reason)
