"""Apply per-tenant schema: the product's migrations and its tenant-admin account, in one transaction."""

from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING
from uuid import UUID

from tenancy.activities.activity import Activity, DiscoveredObject
from tenancy.activities.allocate_storage import (
    DATABASE,
    PASSWORD,
    ROLE,
    AllocateStorage,
    blocked,
    storage_location,
    storage_name,
)
from tenancy.activities.context import ActivityContext, Observation, SystemClients
from tenancy.activities.invitations import digest_of, invitation_of
from tenancy.activities.migration_job import run_migration_job
from tenancy.saga.advice import Remedy
from tenancy.saga.causes import Cause, Evidence
from tenancy.saga.errors import PlatformError, TenancyError, TenantPasswordError, TransientError
from tenancy.saga.names import ActivityName, TenantId, proof_of
from tenancy.saga.platform import Platform, Region
from tenancy.saga.states import ActivityKind
from tenancy.saga.system_status import STORAGE
from tenancy.saga.systems import Location
from tenancy.saga.tenant import Intent, Resource

if TYPE_CHECKING:
    from tenancy.adapters.admin_account import AdminAccount
    from tenancy.adapters.migrations import AppliedToSchema
    from tenancy.adapters.storage import StorageServer
    from tenancy.adapters.storage_databases import DatabaseStatus
    from tenancy.adapters.tenant_database import SchemaStatus, TenantDatabase

SCHEMA = "schema"


class ApplyTenantSchema(Activity):
    """Enters the database as the tenant itself, which also proves the credential."""

    name = ActivityName("apply_tenant_schema")
    label = "Apply per-tenant schema"
    short_label = "seed schema"
    kind = ActivityKind.COMPENSATABLE
    systems = (STORAGE,)
    stuck_remedy = Remedy(
        "Read the error log, then cancel provisioning, reset and retry: that usually resolves transient causes.",
        "cancel",
    )
    requires = (AllocateStorage.name,)
    resources = (SCHEMA,)
    system = "storage"
    released_after = MappingProxyType({SCHEMA: DATABASE})
    manual_removal = MappingProxyType({SCHEMA: "it goes with the database {name}"})

    def intents(self, context: ActivityContext) -> tuple[Intent, ...]:
        # One schema in each database: the database's name identifies the tenant.
        return (Intent(SCHEMA, context.name_of(DATABASE, storage_name(context)), context.proof),)

    def locate(self, context: ActivityContext) -> Location:
        return storage_location(context)

    def identify(self, clients: SystemClients, region: Region | None) -> str:
        return clients.storage(region).identity() if region else ""

    def run(self, context: ActivityContext) -> None:
        try:
            self._apply(context)
        except TenantPasswordError:
            _set_password(context)
            self._apply(context)

    def _apply(self, context: ActivityContext) -> None:
        migrations, admin = _migrations_of(context), admin_account_of(context)
        try:
            database_of(context).apply_schema(
                context.tenant_id,
                migrations,
                admin,
                context.lock,
                fence=context.fence,
                target=_target_version(context),
            )
        except TenancyError:
            # Another server refuses the tenant's password, which would seem to be the tenant's fault.
            context.storage_of(context.recorded(DATABASE)).require_same_system()
            raise

    def compensate(self, context: ActivityContext, resource: Resource) -> None:
        """It goes with its database, whose drop can be refused: nothing is destroyed before that."""
        context.fence()
        if _database(context, resource.name) is not None:
            raise TransientError(f"The schema goes with its database {resource.name}, which still exists.")

    def observe(self, context: ActivityContext) -> tuple[Observation, ...]:
        name = context.name_of(DATABASE, storage_name(context))
        database = _database(context, name)
        if database is not None and not database.accepts_connections:
            why = f"the database {name} accepts no connections"
            return (Observation(SCHEMA, name, present=True, healthy=False, why=why),)
        try:
            # Only what exists is compared with the product: unwinding must be able to see that all is gone without one.
            observed = _observed(context) if database else None
        except TenantPasswordError as error:  # nobody else may enter, so what is in it is not known
            return (Observation(SCHEMA, name, present=True, healthy=False, why=str(error).rstrip(".;")),)
        if observed is None:
            why = f"the database {name} has no tenant schema"
            return (Observation(SCHEMA, name, present=False, healthy=False, why=why),)
        healthy = observed.version == _target_version(context) and observed.has_admin
        admins = "an" if observed.has_admin else "no"
        why = "" if healthy else f"the schema is at {observed.version} with {admins} admin account"
        return (Observation(SCHEMA, name, present=True, healthy=healthy, why=why),)

    def explain(self, context: ActivityContext) -> Evidence | None:
        """Who blocks its statement; else how far the schema is."""
        with context.storage_of(context.recorded(DATABASE)).read_session("tenancy explain") as storage:
            found = blocked(context, storage)
        observed = None if found else database_of(context).load_schema("tenancy explain", None)
        if observed is None or observed.version == _target_version(context):
            return found
        message = f"The schema is at revision {observed.version or 'none'} of {_target_version(context)}."
        return Evidence(Cause.SCHEMA_MIGRATION, message, {"revision": str(observed.version)})

    def discover(self, clients: SystemClients, platform: Platform) -> tuple[DiscoveredObject, ...]:
        """Each database is read as its own tenant: no administrator enters a tenant's database."""
        prefix = proof_of(platform.name, "")
        found: dict[str, DiscoveredObject] = {}
        for region in platform.regions.values():
            server = clients.storage(region)
            with server.read_session("tenancy discover") as storage:
                databases = storage.databases_with_proof(prefix)
            with_schema = (d for d in databases if d.valid and _has_schema(clients, server, d, prefix))
            found |= {d.name: DiscoveredObject(SCHEMA, d.name, d.proof or "", server.location) for d in with_schema}
        return tuple(found.values())


def _has_schema(clients: SystemClients, server: "StorageServer", database: "DatabaseStatus", prefix: str) -> bool:
    """Only a database that its tenant can enter proves that the schema is missing. In any other the schema counts as
    present."""
    from tenancy.adapters.tenant_database import TenantDatabase

    try:
        tenant_id = TenantId(UUID((database.proof or "").removeprefix(prefix)))
        password = clients.database_password(tenant_id)
        if password is None:
            return True
        dsn = server.dsn.to_database(database.name, user=database.owner, password=password)
        return TenantDatabase(dsn).has_schema("tenancy discover")
    except (TenancyError, ValueError):
        with server.read_session("tenancy discover") as storage:  # else it is the server that does not respond
            now = storage.database(database.name)
        return now is not None and now.valid


def _observed(context: ActivityContext) -> "SchemaStatus | None":
    return database_of(context).load_schema(context.lock.application, admin_account_of(context))


def admin_account_of(context: ActivityContext) -> "AdminAccount | None":
    """The tenant-admin account, and how the product keeps it; None when the product keeps none."""
    from tenancy.adapters.admin_account import AdminAccount

    folder, asked = context.product.admin_account, context.saga.parameters
    if folder is None:
        return None
    return AdminAccount(
        folder,
        tenant_id=str(context.tenant_id),
        slug=asked.slug,
        name=asked.name,
        email=asked.admin_email,
        digest=digest_of(invitation_of(context)),
    )


def _migrations_of(context: ActivityContext) -> "AppliedToSchema":
    """PlatformError when an attempt of before has a schema and the product has no migrations any more."""
    from tenancy.adapters.job_migrations import JobMigrations
    from tenancy.adapters.migration_folder import migrations_in

    product = context.product
    if product.migration_job is not None:
        return JobMigrations(product.migration_job, partial(run_migration_job, context, product.migration_job))
    if product.migrations is None:
        raise PlatformError(
            f"The product {product.name} {product.version} has no migrations: run the version that has them, or cancel "
            "the tenant.",
            cause=Cause.PLATFORM_VERSION,
        )
    return migrations_in(product.migrations)


def _set_password(context: ActivityContext) -> None:
    """Set the role's password to the recorded one, as Allocate storage does, whatever the tenant changed."""
    role, limit = context.name_of(ROLE, storage_name(context)), context.plan.database_connections
    server = context.storage_of(context.recorded(ROLE))
    with server.locked_session(context.tenant_id, context.lock) as storage:
        context.fence()
        storage.ensure_role(role, password=context.secret(PASSWORD), proof=context.proof, connection_limit=limit)


def database_of(context: ActivityContext) -> "TenantDatabase":
    """The tenant's database, entered as the tenant."""
    from tenancy.adapters.tenant_database import TenantDatabase

    role, database = context.name_of(ROLE, storage_name(context)), context.name_of(DATABASE, storage_name(context))
    server = context.storage_of(context.recorded(DATABASE))
    dsn = server.dsn.to_database(database, user=role, password=context.secret(PASSWORD))
    return TenantDatabase(dsn, server.expected)


def _database(context: ActivityContext, name: str) -> "DatabaseStatus | None":
    """The database, unless an interrupted drop left a torso."""
    server = context.storage_of(context.recorded(SCHEMA) or context.recorded(DATABASE))
    with server.read_session(context.lock.application) as storage:
        found = storage.database(name)
    return found if found is not None and found.valid else None


def _target_version(context: ActivityContext) -> str:
    """The version that the attempt began with, whatever this installation has by now."""
    return context.saga.current_attempt.schema_version
