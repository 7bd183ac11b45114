"""What an activity gets for one tenant: its context, the clients of the outside systems, and what it observes.

engine/tenancy.py makes the context. An activity reaches outside systems only through it, so that tests can replace
them.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from tenancy.saga.causes import Cause
from tenancy.saga.connections import Connection, connection_id
from tenancy.saga.credentials import Keyring
from tenancy.saga.errors import PlatformError, PlatformFileError, TenancyError
from tenancy.saga.names import ActivityName, TenantId, proof_of
from tenancy.saga.outputs import Outputs
from tenancy.saga.platform import Plan, Platform, Region
from tenancy.saga.product import Product
from tenancy.saga.systems import ANY_SYSTEM, ExpectedSystem, accepted_for
from tenancy.saga.tenant import Credential, Resource, Saga

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


def _unknown_connection(conn_id: str) -> Connection:
    raise PlatformError(f"The Airflow connection {conn_id} is not there: add it.", cause=Cause.PLATFORM_CONNECTION)


@dataclass(frozen=True)
class SystemClients:
    """Opens the clients of the outside systems when they are needed."""

    storage: Callable[[Region], "StorageServer"]
    handles: Callable[[], Handles]
    cluster: Callable[[Region], "Cluster"]
    connection: Callable[[str], Connection] = _unknown_connection
    """The Airflow connection of this id. PlatformError, naming it, when it cannot be read."""
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
    """Call right before each effect. Raises Refused once this process is superseded, for example by a Cancel. Made in
    engine/tenancy.py, `activity_context`."""
    observe_all: Callable[[], tuple[Observation, ...]]
    """Observes all resources that any activity ever intended for this tenant."""
    load_product: Callable[[], Product]
    """For `run` and `observe` only: what was made is released without it."""
    check_request_by_all: Callable[[], None] = lambda: None
    """Has every activity of the plan check the request. PermanentError when one cannot carry it out."""
    note_replaced: Callable[[Resource, str], None] = lambda resource, successor: None  # noqa: ARG005
    """Records that a successor of the resource's system was accepted, as the platform file declares it."""
    expected_engine: Callable[[], ExpectedSystem] = lambda: ANY_SYSTEM
    """The workflow engine that has this ledger's runs; no other one gets a tenant's objects."""
    timeout_seconds: float | None = None
    """How long one call may wait for a system that does not respond; None: the adapter's own limit."""

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
        """The tenant's plan, with its product's own values. PlatformError if the platform file no longer has it."""
        plan = _known("plan", self.saga.parameters.plan, self.platform.plans)
        return plan.of(self.saga.product or self.product.name) if plan.products else plan

    @property
    def outputs(self) -> Mapping[ActivityName, Outputs]:
        """What the activities before this one returned in this attempt."""
        return self.saga.current_attempt.outputs

    @property
    def product(self) -> Product:
        """The product. ProductFileError when its folder is missing or wrong."""
        return self.load_product()

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

    def connection_to(self, system: str, resource: Resource | None = None) -> Connection:
        """The connection that the ledger recorded for this resource; before that, the region's connection to this kind
        of system, as the platform file has it."""
        if resource is not None and resource.connection:
            return self.clients.connection(resource.connection)
        return self.clients.connection(connection_id(self.region, system))

    def expected(self, resource: Resource | None) -> ExpectedSystem:
        """The system that must answer for this resource; other systems' answers are rejected."""
        if resource is None or not resource.system:
            return ANY_SYSTEM
        return ExpectedSystem(
            accepted_for(resource.system, self.platform.replaced_systems),
            resource.connection,
            self.saga.parameters.slug,
            partial(self.note_replaced, resource),
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

    def parameter_secrets(self) -> dict[str, str | None]:
        """The secrets that the tenant's parameters refer to; None for an optional one that it does not have."""
        names = {
            each.key: self.saga.parameters.values.get(each.key) for each in self.product.parameters if each.is_secret
        }
        return {key: self._secret_in(str(name)) if name else None for key, name in names.items()}

    def _secret_in(self, conn_id: str) -> str:
        """The password of a connection that the request names."""
        how_to_add = f"airflow connections add {conn_id} --conn-type generic --conn-password ..."
        try:
            password = self.clients.connection(conn_id).password
        except PlatformError as error:
            raise PlatformError(f"{error} A parameter names it. To add it: {how_to_add}", cause=error.cause) from error
        if not password:
            raise PlatformError(
                f"The Airflow connection {conn_id}, which a parameter names, has no password. Delete it, then: "
                f"{how_to_add}",
                cause=Cause.PLATFORM_CONNECTION,
            )
        return password

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
