"""Allocate workflow handle: the Airflow connection through which the tenant's own jobs reach its database."""

from types import MappingProxyType
from typing import TYPE_CHECKING

from tenancy.activities.activity import Activity, DiscoveredObject
from tenancy.activities.allocate_storage import DATABASE, PASSWORD, ROLE, AllocateStorage, storage_name
from tenancy.activities.context import ActivityContext, Observation, SystemClients
from tenancy.activities.expected_handles import LABEL, ExpectedHandles
from tenancy.adapters.server_deadlines import AIRFLOW_LOCK_SECONDS, MARGIN_SECONDS
from tenancy.saga.advice import Remedy
from tenancy.saga.causes import Cause, Evidence
from tenancy.saga.errors import ForeignObjectError, PlatformError
from tenancy.saga.names import CONNECTION_LIMIT, ActivityName, object_name, proof_of
from tenancy.saga.platform import Platform, Region
from tenancy.saga.states import ActivityKind
from tenancy.saga.systems import Location
from tenancy.saga.tenant import Intent, Resource

if TYPE_CHECKING:
    from tenancy.adapters.airflow_api import Handle

CONNECTION = "connection"
ENGINE_CONNECTION = "tenancy_airflow_api"
"""The id of the Airflow connection to Airflow's own REST API, as the service user."""


class AllocateWorkflowHandle(Activity):
    """One Airflow connection; the tenant's jobs run in the plan's pool, which has to exist."""

    name = ActivityName("allocate_workflow_handle")
    label = "Allocate workflow handle"
    short_label = "allocate resources"
    kind = ActivityKind.COMPENSATABLE
    stuck_remedy = Remedy(
        "The workflow engine does not respond, which is a platform matter: escalate.",
        "escalate",
        "The workflow engine does not respond, which is a platform matter.",
    )
    requires = (AllocateStorage.name,)
    resources = (CONNECTION,)
    system = "workflow engine"
    regional = False
    manual_removal = MappingProxyType({CONNECTION: "in Airflow, Admin, Connections, delete {name}"})
    late_seconds = AIRFLOW_LOCK_SECONDS + MARGIN_SECONDS
    """The api-server carries a request out whose client is dead; its database waits so long for a lock."""
    late_effect_resources = (CONNECTION,)

    def intents(self, context: ActivityContext) -> tuple[Intent, ...]:
        return (Intent(CONNECTION, _own_name(context), context.proof, context.credential),)

    def locate(self, context: ActivityContext) -> Location:
        recorded = context.recorded(CONNECTION)
        if recorded is not None and recorded.live and recorded.system:
            return Location(recorded.system, recorded.region, recorded.connection)
        expected = context.expected_engine()
        found = context.clients.handles().identity(make=not expected.accepted)
        expected.require(found, LABEL)
        return Location(found, connection=ENGINE_CONNECTION)

    def identify(self, clients: SystemClients, region: Region | None) -> str:  # noqa: ARG002 - one for all
        return clients.handles().identity()

    def run(self, context: ActivityContext) -> None:
        handles, handle = _handles_of(context, context.recorded(CONNECTION)), _desired_handle(context)
        if not handles.has_pool(context.plan.workflow_pool):
            raise PlatformError(
                f"The plan {context.plan.name} wants the Airflow pool {context.plan.workflow_pool}, which does not "
                "exist. Make it (Admin, Pools) or correct the platform file.",
                cause=Cause.ENGINE_NO_POOL,
            )
        context.fence()
        if not handles.create_handle(handle):
            _require_ours(handles.handle(handle.name), handle)
            context.fence()
            handles.update_handle(handle)

    def compensate(self, context: ActivityContext, resource: Resource) -> None:
        handles = _handles_of(context, resource)
        handle = handles.handle(resource.name)
        if handle is None:
            return
        if handle.proof != resource.proof:
            raise _foreign(handle, resource.proof)
        context.fence()
        handles.delete_handle(resource.name)

    def observe(self, context: ActivityContext) -> tuple[Observation, ...]:
        name = context.name_of(CONNECTION, _own_name(context))
        handle = _handles_of(context, context.recorded(CONNECTION)).handle(name)
        if handle is None:
            return (Observation(CONNECTION, name, present=False, healthy=False, why=f"no Airflow connection {name}"),)
        if context.not_comparable:
            why = f"the Airflow connection {name} {context.not_comparable}"
            return (Observation(CONNECTION, name, present=True, healthy=False, why=why),)
        desired = _desired_handle(context)
        same = (handle.host, handle.port, handle.dbname, handle.user) == (
            desired.host,
            desired.port,
            desired.dbname,
            desired.user,
        )
        # A handle that an older version made has no parameters.
        same = same and all(desired.parameters.get(name) == value for name, value in handle.parameters.items())
        why = "" if same else f"the Airflow connection {name} was edited: it leads elsewhere"
        return (Observation(CONNECTION, name, present=True, healthy=same, why=why),)

    def explain(self, context: ActivityContext) -> Evidence | None:
        """Does the engine answer, and does the plan's pool exist? If the engine refuses, the error is raised."""
        handles, pool = context.clients.handles(), context.plan.workflow_pool
        handles.handle(context.name_of(CONNECTION, _own_name(context)))
        if not handles.has_pool(pool):
            return Evidence(Cause.ENGINE_NO_POOL, f"There is no Airflow pool {pool}.", {"pool": pool})
        return None

    def discover(self, clients: SystemClients, platform: Platform) -> tuple[DiscoveredObject, ...]:
        prefix = proof_of(platform.name, "")
        handles = clients.handles().handles()
        return tuple(
            DiscoveredObject(CONNECTION, h.name, h.proof, "Airflow") for h in handles if h.proof.startswith(prefix)
        )


def _handles_of(context: ActivityContext, resource: Resource | None) -> ExpectedHandles:
    """The engine that has this resource, as the ledger recorded it."""
    return ExpectedHandles(context.clients.handles(), context.expected(resource))


def _own_name(context: ActivityContext) -> str:
    return object_name(context.saga.parameters.slug, context.tenant_id, limit=CONNECTION_LIMIT)


def _desired_handle(context: ActivityContext) -> "Handle":
    from tenancy.adapters.airflow_api import Handle  # the DAG file imports this module, not httpx

    server = context.storage_of(context.recorded(DATABASE)).dsn
    return Handle(
        name=context.name_of(CONNECTION, _own_name(context)),
        proof=context.proof,
        host=server.host,
        port=min(server.ports),
        dbname=context.name_of(DATABASE, storage_name(context)),
        user=context.name_of(ROLE, storage_name(context)),
        password=context.secret(PASSWORD),
        parameters=server.job_parameters,
    )


def _require_ours(handle: "Handle | None", desired: "Handle") -> None:
    if handle is not None and handle.proof != desired.proof:
        raise _foreign(handle, desired.proof)


def _foreign(handle: "Handle", proof: str) -> ForeignObjectError:
    return ForeignObjectError(
        f"An Airflow connection {handle.name} exists and is not ours (its description is {handle.proof!r}, ours would "
        f"be {proof!r}). Nothing was changed; find its owner, or delete it manually."
    )
