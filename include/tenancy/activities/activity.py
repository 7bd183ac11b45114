"""What every activity is: a name, a kind, limits, and four verbs (run, compensate, observe, discover).

Laws, tested for all in tests/contract: run twice is run once; compensating what was never made is fine; compensating
after any partial run leaves nothing; discover finds exactly what run made.
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
    """What one resource looks like from outside. `why` is a sentence when it is absent or unhealthy."""

    kind: str
    name: str
    present: bool
    healthy: bool
    why: str = ""


@dataclass(frozen=True)
class DiscoveredObject:
    """An object in the outside world that carries our platform's proof."""

    kind: str
    name: str
    proof: str
    address: str = ""
    """The address of the system that has it: two regions may share one."""
    drift: str = ""
    """In what it is not as it was made, as a sentence's end; empty when it is, or nobody compared it."""


@dataclass(frozen=True)
class WatchedNamespace:
    """What rings when another look is worth while: any change of a workload in this namespace.

    `connection` is the id of the Airflow connection to the cluster.
    """

    connection: str
    namespace: str


class NotReadyYet(TransientError):  # noqa: N818 - an answer, not an error
    """What is waited for is not so yet."""


class Handles(Protocol):
    """The workflow engine, as far as activities need it (adapters/airflow_api.py, tests/contract/fake_handles.py)."""

    def identity(self, *, make: bool = False) -> str: ...
    def handle(self, name: str) -> "Handle | None": ...
    def handles(self) -> Iterable["Handle"]: ...
    def create_handle(self, handle: "Handle") -> bool: ...
    def update_handle(self, handle: "Handle") -> None: ...
    def delete_handle(self, name: str) -> None: ...
    def has_pool(self, name: str) -> bool: ...


@dataclass(frozen=True)
class SystemClients:
    """The outside systems, opened when asked for."""

    storage: Callable[[Region], "StorageServer"]
    handles: Callable[[], Handles]
    cluster: Callable[[Region], "Cluster"]
    database_password: Callable[[TenantId], str | None] = lambda tenant_id: None  # noqa: ARG005
    """A tenant's own password in its database, for discovering; None when the ledger has no credential of it."""


@dataclass(frozen=True)
class ActivityContext:
    """Everything one verb needs for one tenant."""

    saga: Saga
    platform: Platform
    keyring: Keyring
    clients: SystemClients
    lock: "LockPolicy"
    fence: Callable[[], None]
    """Raises Refused when this work is no longer wanted; called right before each effect."""
    observe_all: Callable[[], tuple[Observation, ...]]
    """Observes what every activity made that ever intended something for this tenant."""
    timeout_seconds: float | None = None
    """How long one call may wait for a system that says nothing; None: as long as its adapter waits."""

    @property
    def tenant_id(self) -> TenantId:
        return self.saga.tenant_id

    @property
    def proof(self) -> str:
        return proof_of(self.platform.name, self.tenant_id)

    @property
    def region(self) -> Region:
        """Where new objects are made. PlatformError when the platform file does not know it any more."""
        return _known("region", self.saga.parameters.region, self.platform.regions)

    @property
    def plan(self) -> Plan:
        """What the tenant gets. PlatformError when the platform file does not know it any more."""
        return _known("plan", self.saga.parameters.plan, self.platform.plans)

    @property
    def not_comparable(self) -> str:
        """Why the tenant's objects cannot be compared with what the platform offers; empty when they can."""
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
        """The server that has this resource, as the ledger recorded it; the region's when nothing is recorded."""
        server = self._entered(resource, self.clients.storage)
        return server.expecting(self.expected(resource), silence_seconds=self.timeout_seconds)

    def cluster_of(self, resource: Resource | None) -> "Cluster":
        """The same for clusters."""
        return self._entered(resource, self.clients.cluster).expecting(
            self.expected(resource), seconds=self.timeout_seconds
        )

    def expected(self, resource: Resource | None) -> ExpectedSystem:
        """Which system has to answer for this resource."""
        if resource is None or not resource.system:
            return ANY_SYSTEM
        return ExpectedSystem(
            accepted_for(resource.system, self.platform.replaced_systems),
            resource.connection,
            self.saga.parameters.slug,
        )

    def _entered(self, resource: Resource | None, enter: Callable[[Region], _T]) -> _T:
        """By the recorded connection; where that one is gone, by the one that the region has now: the identity tells
        whether both lead to the same system."""
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
        """The one the tenant's live resources were made with, else a new one."""
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
    """What the runbook's table says to do when it is stuck."""
    resources: ClassVar[tuple[str, ...]] = ()
    """The kinds of resource it makes, in order."""
    released_after: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Kind of resource -> the kind that has to be gone first, because it contains or needs this one."""
    systems: ClassVar[tuple[str, ...]] = ()
    """The systems of its region that `run` needs (saga/system_status.py), besides ledger and workflow engine."""
    is_deferred: ClassVar[bool] = False
    """Does its task wait in the triggerer?"""
    system: ClassVar[str] = ""
    """Which of the platform's systems it makes them in: what shares one shares its time when undone."""
    regional: ClassVar[bool] = True
    """Does each region have its own? Else `discover` looks at one system for all of them."""
    manual_removal: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Kind of resource -> how an operator removes one that no ledger names; `{name}` stands for its name."""
    late_seconds: ClassVar[float] = 0.0
    """How long after its request was sent an effect may still show, because the system goes on when the client is gone:
    the system's own limits (adapters/request_limits.py)."""
    late_effect_resources: ClassVar[tuple[str, ...]] = ()
    """The kinds of resource that may come so late; once they are there, none does."""
    emits: ClassVar[str | None] = None
    """The Airflow asset that its success updates."""

    @property
    def entry(self) -> PlanEntry:
        """What an attempt's plan records of it."""
        return PlanEntry(self.name, self.kind)

    def intents(self, context: ActivityContext) -> tuple[Intent, ...]:  # noqa: ARG002
        """What `run` will make; committed before it does."""
        return ()

    def locate(self, context: ActivityContext) -> Location:  # noqa: ARG002
        """Where `run` will make it; the identity is the system's own statement. Committed with the intents."""
        return Location()

    def identify(self, clients: SystemClients, region: Region | None) -> str:  # noqa: ARG002
        """The identity of the system where it makes things, in this region; None where all regions share one."""
        return ""

    def run(self, context: ActivityContext) -> None:
        """Make it so. Idempotent."""

    def compensate(self, context: ActivityContext, resource: Resource) -> None:
        """Undo one resource, whether it was made wholly, in part or not at all. Idempotent."""

    def observe(self, context: ActivityContext) -> tuple[Observation, ...]:  # noqa: ARG002
        """Is each resource there, is it healthy, why not. Changes nothing."""
        return ()

    def explain(self, context: ActivityContext) -> Evidence | None:  # noqa: ARG002
        """Why it does not go on, by looking from outside while it hangs. Changes nothing, takes no lock.

        None: nothing was found. What keeps it from looking is raised, and is the cause then.
        """
        return None

    def explain_unwinding(self, context: ActivityContext) -> Evidence | None:  # noqa: ARG002
        """Why its resources are not released yet, by looking from outside, in the same way."""
        return None

    def discover(self, clients: SystemClients, platform: Platform) -> tuple[DiscoveredObject, ...]:  # noqa: ARG002
        """What exists that carries this platform's proof. Changes nothing."""
        return ()


def located_intents(activity: Activity, context: ActivityContext) -> tuple[Intent, ...]:
    """What its `run` is about to make and the ledger does not have yet, each with the system that it is made in."""
    live = {(resource.kind, resource.name) for resource in context.saga.live_resources}
    new = [intent for intent in activity.intents(context) if (intent.kind, intent.name) not in live]
    if not new:
        return ()
    where = activity.locate(context)
    return tuple(replace(each, system=where.system, region=where.region, connection=where.connection) for each in new)


class WaitingActivity(Activity):
    """One that makes nothing and waits for something: its task is deferred meanwhile and holds neither lock nor slot.

    It may take `give_up_after`; then it fails with the last `why`.
    """

    is_deferred = True

    def readiness(self, context: ActivityContext) -> Readiness:
        """Look once. Changes nothing."""
        raise NotImplementedError

    def watched_namespace(self, context: ActivityContext) -> WatchedNamespace:
        """What to listen to between two looks."""
        raise NotImplementedError

    def run(self, context: ActivityContext) -> None:
        """Look once; NotReadyYet with the reason when it is not so."""
        seen = self.readiness(context)
        if not seen.ready:
            raise NotReadyYet(seen.reason, cause=seen.cause)

    def explain(self, context: ActivityContext) -> Evidence | None:
        """What keeps it, as a look says."""
        seen = self.readiness(context)
        return None if seen.ready else Evidence(seen.cause, seen.reason)
