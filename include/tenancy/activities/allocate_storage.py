"""Allocate storage: the tenant's PostgreSQL role and database in its region."""

from types import MappingProxyType
from typing import TYPE_CHECKING

from tenancy.activities.activity import Activity, DiscoveredObject
from tenancy.activities.context import ActivityContext, Observation, SystemClients
from tenancy.adapters.application_names import UNWINDER
from tenancy.saga.advice import Remedy
from tenancy.saga.causes import Evidence
from tenancy.saga.names import POSTGRES_LIMIT, ActivityName, object_name, proof_of
from tenancy.saga.platform import Platform, Region
from tenancy.saga.states import ActivityKind
from tenancy.saga.system_status import STORAGE
from tenancy.saga.systems import Location
from tenancy.saga.tenant import Intent, Resource

if TYPE_CHECKING:
    from tenancy.adapters.storage import StorageSession
    from tenancy.adapters.storage_databases import DatabaseStatus
    from tenancy.adapters.storage_roles import RoleStatus

ROLE = "role"
DATABASE = "database"
PASSWORD = "database-password"  # noqa: S105 - a purpose for derivation, not a password


class AllocateStorage(Activity):
    """One role and one database of the same name. Only this role may connect to it."""

    name = ActivityName("allocate_storage")
    label = "Allocate storage"
    short_label = "allocate resources"
    kind = ActivityKind.COMPENSATABLE
    systems = (STORAGE,)
    stuck_remedy = Remedy(
        "Check the platform's health. If the storage is down, have it repaired first. Otherwise cancel provisioning, "
        "then reset, then retry.",
        "cancel",
    )
    resources = (ROLE, DATABASE)
    system = "storage"
    released_after = MappingProxyType({ROLE: DATABASE})
    manual_removal = MappingProxyType(
        {ROLE: 'drop role "{name}" (after its database)', DATABASE: 'drop database "{name}" with (force)'}
    )

    def intents(self, context: ActivityContext) -> tuple[Intent, ...]:
        name = storage_name(context)
        return (
            Intent(ROLE, name, context.proof, context.credential),
            Intent(DATABASE, name, context.proof),
        )

    def locate(self, context: ActivityContext) -> Location:
        return storage_location(context)

    def identify(self, clients: SystemClients, region: Region | None) -> str:
        return clients.storage(region).identity() if region else ""

    def run(self, context: ActivityContext) -> None:
        role, database = context.name_of(ROLE, storage_name(context)), context.name_of(DATABASE, storage_name(context))
        limit = context.plan.database_connections
        server = context.storage_of(context.recorded(ROLE))
        # PlatformError here, before anything is made, when it is not stated how tenants connect.
        server.dsn.for_tenant(database, user=role, password=context.secret(PASSWORD))
        with server.locked_session(context.tenant_id, context.lock) as storage:
            context.fence()
            storage.ensure_role(role, password=context.secret(PASSWORD), proof=context.proof, connection_limit=limit)
            storage.ensure_database(database, owner=role, proof=context.proof, connection_limit=limit)

    def compensate(self, context: ActivityContext, resource: Resource) -> None:
        with context.storage_of(resource).locked_session(context.tenant_id, context.lock) as storage:
            context.fence()  # Refused once a newer generation unwinds
            if resource.kind == DATABASE:
                owner = context.name_of(ROLE, resource.name)
                storage.drop_database(
                    resource.name, owner=owner, proof=resource.proof, password=lambda: context.secret(PASSWORD)
                )
            else:
                storage.drop_role(resource.name, proof=resource.proof)

    def observe(self, context: ActivityContext) -> tuple[Observation, ...]:
        name = storage_name(context)
        role_name, database_name = context.name_of(ROLE, name), context.name_of(DATABASE, name)
        with context.storage_of(context.recorded(ROLE)).read_session(context.lock.application) as storage:
            role, database = storage.role(role_name), storage.database(database_name)
        return (_observation(ROLE, role_name, role, context), _observation(DATABASE, database_name, database, context))

    def explain(self, context: ActivityContext) -> Evidence | None:
        """Which session blocks it, and whether our role lacks a right that it needs."""
        with context.storage_of(context.recorded(ROLE)).read_session("tenancy explain") as storage:
            return blocked(context, storage) or storage.find_missing_right(context.proof)

    def explain_unwinding(self, context: ActivityContext) -> Evidence | None:
        """Which session blocks the releasing statement, or holds the tenant's lock on its storage server."""
        with context.storage_of(context.recorded(ROLE)).read_session("tenancy explain") as storage:
            return storage.find_blocker(UNWINDER) or storage.find_lock_holder(context.tenant_id)

    def discover(self, clients: SystemClients, platform: Platform) -> tuple[DiscoveredObject, ...]:
        prefix = proof_of(platform.name, "")
        found: dict[tuple[str, str], DiscoveredObject] = {}
        for region in platform.regions.values():
            server = clients.storage(region)
            with server.read_session("tenancy discover") as storage:
                databases = storage.databases_with_proof(prefix)
                roles = storage.roles_with_proof(prefix)
            found |= {(ROLE, r.name): DiscoveredObject(ROLE, r.name, r.proof or "", server.location) for r in roles}
            found |= {
                (DATABASE, d.name): DiscoveredObject(DATABASE, d.name, d.proof or "", server.location)
                for d in databases
            }
        return tuple(found.values())


def blocked(context: ActivityContext, storage: "StorageSession") -> Evidence | None:
    """The session that keeps this tenant's task waiting on its storage server."""
    holder = context.saga.step(context.saga.current_activity or ActivityName("")).holder
    return storage.find_blocker(f"tenancy run {holder}") if holder else None


def storage_location(context: ActivityContext) -> Location:
    """The server that has the tenant's database; before it is made, its region's."""
    recorded = context.recorded(DATABASE)
    if recorded is not None and recorded.live and recorded.system:
        return Location(recorded.system, recorded.region, recorded.connection)
    region = context.region
    return Location(context.clients.storage(region).identity(), region.name, region.storage_connection)


def storage_name(context: ActivityContext) -> str:
    """The name of a tenant's role and database."""
    return object_name(context.saga.parameters.slug, context.tenant_id, limit=POSTGRES_LIMIT)


def _observation(
    kind: str, name: str, found: "RoleStatus | DatabaseStatus | None", context: ActivityContext
) -> Observation:
    wrong = _what_is_wrong(found, context)
    return Observation(
        kind, name, present=found is not None, healthy=not wrong, why=wrong and f"the {kind} {name} {wrong}"
    )


def _what_is_wrong(found: "RoleStatus | DatabaseStatus | None", context: ActivityContext) -> str:
    if found is None:
        return "does not exist"
    if context.not_comparable:
        return context.not_comparable
    # An interrupted drop shows as a connection limit of its own.
    as_made = (context.proof, context.plan.database_connections, True)
    return "" if (found.proof, found.connection_limit, found.in_service) == as_made else "is not as it was made"
