"""Apply per-tenant schema: tables and the tenant-admin account with a one-time invitation, in one transaction."""

import hashlib
from types import MappingProxyType
from typing import TYPE_CHECKING
from uuid import UUID

from tenancy.activities.activity import Activity, DiscoveredObject, Observation, SystemClients, Work
from tenancy.activities.allocate_storage import (
    DATABASE,
    PASSWORD,
    ROLE,
    blocked,
    storage_location,
    storage_name,
)
from tenancy.saga.advice import Remedy
from tenancy.saga.causes import Cause, Evidence
from tenancy.saga.errors import TenancyError, TransientError
from tenancy.saga.names import ActivityName, TenantId, proof_of
from tenancy.saga.platform import Platform, Region
from tenancy.saga.states import Kind
from tenancy.saga.system_status import STORAGE
from tenancy.saga.systems import Location
from tenancy.saga.tenant import Intent, Resource

if TYPE_CHECKING:
    from tenancy.adapters.storage import StorageServer
    from tenancy.adapters.storage_databases import DatabaseSeen
    from tenancy.adapters.tenant_database import TenantDatabase

SCHEMA = "schema"
INVITATION = "admin-invitation"
TENANT_SCHEMA_VERSION = "0002"
"""The revision new attempts run with (tests hold it to the newest script)."""


class ApplyTenantSchema(Activity):
    """Enters the database as the tenant itself, which also proves the credential."""

    name = ActivityName("apply_tenant_schema")
    label = "Apply per-tenant schema"
    short_label = "seed schema"
    kind = Kind.COMPENSATABLE
    systems = (STORAGE,)
    stuck_remedy = Remedy(
        "Read the error log, then cancel provisioning, reset and retry: that usually resolves transient causes.",
        "cancel",
    )
    resources = (SCHEMA,)
    system = "storage"
    released_after = MappingProxyType({SCHEMA: DATABASE})
    manual_removal = MappingProxyType({SCHEMA: "it goes with the database {name}"})

    def intents(self, work: Work) -> tuple[Intent, ...]:
        # One schema a database: the database's name tells tenants apart.
        return (Intent(SCHEMA, work.name_of(DATABASE, storage_name(work)), work.proof),)

    def locate(self, work: Work) -> Location:
        return storage_location(work)

    def identify(self, clients: SystemClients, region: Region | None) -> str:
        return clients.storage(region).identity() if region else ""

    def run(self, work: Work) -> None:
        from tenancy.adapters.tenant_database import AdminAccount

        asked = work.saga.parameters
        admin = AdminAccount(asked.name, asked.slug, asked.admin_email, digest_of(invitation_of(work)))
        try:
            database_of(work).apply_schema(
                work.tenant_id, admin, work.lock, fence=work.fence, target=work.saga.schema_version
            )
        except TenancyError:
            # Another server refuses the tenant's password, which would look like the tenant's fault.
            work.storage_of(work.recorded(DATABASE)).require_same_system()
            raise

    def compensate(self, work: Work, resource: Resource) -> None:
        """It goes with its database, whose drop can be refused: nothing is destroyed before that."""
        work.fence()
        if _database(work, resource.name) is not None:
            raise TransientError(f"The schema goes with its database {resource.name}, which still exists.")

    def observe(self, work: Work) -> tuple[Observation, ...]:
        name = work.name_of(DATABASE, storage_name(work))
        database = _database(work, name)
        if database is not None and not database.accepts_connections:
            why = f"the database {name} accepts no connections"
            return (Observation(SCHEMA, name, present=True, healthy=False, why=why),)
        seen = database_of(work).look(work.lock.application) if database else None
        if seen is None:
            why = f"the database {name} has no tenant schema"
            return (Observation(SCHEMA, name, present=False, healthy=False, why=why),)
        healthy = seen.version == work.saga.schema_version and seen.admins > 0
        why = "" if healthy else f"the schema is at {seen.version} with {seen.admins} admin accounts"
        return (Observation(SCHEMA, name, present=True, healthy=healthy, why=why),)

    def explain(self, work: Work) -> Evidence | None:
        """Who blocks its statement; else how far the schema is."""
        with work.storage_of(work.recorded(DATABASE)).watching("tenancy explain") as storage:
            found = blocked(work, storage)
        seen = None if found else database_of(work).look("tenancy explain")
        if seen is None or seen.version == work.saga.schema_version:
            return found
        said = f"The schema is at revision {seen.version or 'none'} of {work.saga.schema_version}."
        return Evidence(Cause.SCHEMA_MIGRATION, said, {"revision": str(seen.version)})

    def discover(self, clients: SystemClients, platform: Platform) -> tuple[DiscoveredObject, ...]:
        """Each database is asked as its own tenant: no administrator enters what a tenant owns."""
        prefix = proof_of(platform.name, "")
        found: dict[str, DiscoveredObject] = {}
        for region in platform.regions.values():
            server = clients.storage(region)
            with server.watching("tenancy discover") as storage:
                databases = storage.databases_with_proof(prefix)
            with_schema = (d for d in databases if d.valid and _has_schema(clients, server, d, prefix))
            found |= {d.name: DiscoveredObject(SCHEMA, d.name, d.proof or "", server.place) for d in with_schema}
        return tuple(found.values())


def _has_schema(clients: SystemClients, server: "StorageServer", database: "DatabaseSeen", prefix: str) -> bool:
    """Only a database that lets its tenant in can say that it has none; of any other the schema counts as there."""
    from tenancy.adapters.tenant_database import TenantDatabase

    try:
        tenant_id = TenantId(UUID((database.proof or "").removeprefix(prefix)))
        password = clients.database_password(tenant_id)
        if password is None:
            return True
        dsn = server.dsn.to_database(database.name, user=database.owner, password=password)
        return TenantDatabase(dsn).has_schema("tenancy discover")
    except (TenancyError, ValueError):
        with server.watching("tenancy discover") as storage:  # else it is the server that does not answer
            now = storage.database(database.name)
        return now is not None and now.valid


def invitation_of(work: Work) -> str:
    """The admin's invitation that is the one now. A later one is unrelated to those before."""
    generation = work.saga.invitation
    return work.secret(INVITATION if generation == 1 else f"{INVITATION}-{generation}")


def digest_of(invitation: str) -> str:
    """All that the tenant's database knows of it."""
    return hashlib.sha256(invitation.encode()).hexdigest()


def database_of(work: Work) -> "TenantDatabase":
    """The tenant's database, entered as the tenant."""
    from tenancy.adapters.tenant_database import TenantDatabase

    role, database = work.name_of(ROLE, storage_name(work)), work.name_of(DATABASE, storage_name(work))
    server = work.storage_of(work.recorded(DATABASE))
    dsn = server.dsn.to_database(database, user=role, password=work.secret(PASSWORD))
    return TenantDatabase(dsn, server.expected)


def _database(work: Work, name: str) -> "DatabaseSeen | None":
    """The database, unless an interrupted drop left a torso."""
    server = work.storage_of(work.recorded(SCHEMA) or work.recorded(DATABASE))
    with server.watching(work.lock.application) as storage:
        found = storage.database(name)
    return found if found is not None and found.valid else None
