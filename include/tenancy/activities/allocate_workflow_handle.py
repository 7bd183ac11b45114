"""Allocate workflow handle: the Airflow connection through which the tenant's own jobs reach its database."""

from types import MappingProxyType
from typing import TYPE_CHECKING

from tenancy.activities.activity import Activity, DiscoveredObject, Observation, SystemClients, Work
from tenancy.activities.allocate_storage import DATABASE, PASSWORD, ROLE, storage_name
from tenancy.activities.expected_handles import ExpectedHandles
from tenancy.adapters.request_limits import AIRFLOW_LOCK_SECONDS, MARGIN_SECONDS
from tenancy.saga.advice import Remedy
from tenancy.saga.causes import Cause, Evidence
from tenancy.saga.errors import ForeignObjectError, PlatformError
from tenancy.saga.names import CONNECTION_LIMIT, ActivityName, object_name, proof_of
from tenancy.saga.platform import Platform, Region
from tenancy.saga.states import Kind
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
    kind = Kind.COMPENSATABLE
    stuck_remedy = Remedy("The workflow engine does not respond, which is a platform matter: escalate.", "escalate")
    resources = (CONNECTION,)
    system = "workflow engine"
    regional = False
    manual_removal = MappingProxyType({CONNECTION: "in Airflow, Admin, Connections, delete {name}"})
    late_seconds = AIRFLOW_LOCK_SECONDS + MARGIN_SECONDS
    """The api-server carries a request out whose client is dead; its database waits so long for a lock."""
    late_effect_resources = (CONNECTION,)

    def intents(self, work: Work) -> tuple[Intent, ...]:
        return (Intent(CONNECTION, _own_name(work), work.proof, work.credential),)

    def locate(self, work: Work) -> Location:
        recorded = work.recorded(CONNECTION)
        if recorded is not None and recorded.live and recorded.system:
            return Location(recorded.system, recorded.region, recorded.connection)
        return Location(work.clients.handles().identity(make=True), connection=ENGINE_CONNECTION)

    def identify(self, clients: SystemClients, region: Region | None) -> str:  # noqa: ARG002 - one for all
        return clients.handles().identity()

    def run(self, work: Work) -> None:
        handles, handle = _handles_of(work, work.recorded(CONNECTION)), _wanted(work)
        if not handles.has_pool(work.plan.workflow_pool):
            raise PlatformError(
                f"The plan {work.plan.name} wants the Airflow pool {work.plan.workflow_pool}, which does not exist. "
                "Make it (Admin, Pools) or correct the platform file.",
                cause=Cause.ENGINE_NO_POOL,
            )
        work.fence()
        if not handles.create_handle(handle):
            _require_ours(handles.handle(handle.name), handle)
            work.fence()
            handles.update_handle(handle)

    def compensate(self, work: Work, resource: Resource) -> None:
        handles = _handles_of(work, resource)
        seen = handles.handle(resource.name)
        if seen is None:
            return
        if seen.proof != resource.proof:
            raise _foreign(seen, resource.proof)
        work.fence()
        handles.delete_handle(resource.name)

    def observe(self, work: Work) -> tuple[Observation, ...]:
        name = work.name_of(CONNECTION, _own_name(work))
        seen = _handles_of(work, work.recorded(CONNECTION)).handle(name)
        if seen is None:
            return (Observation(CONNECTION, name, present=False, healthy=False, why=f"no Airflow connection {name}"),)
        if work.not_comparable:
            why = f"the Airflow connection {name} {work.not_comparable}"
            return (Observation(CONNECTION, name, present=True, healthy=False, why=why),)
        wanted = _wanted(work)
        same = (seen.host, seen.port, seen.dbname, seen.user) == (wanted.host, wanted.port, wanted.dbname, wanted.user)
        # A handle that an older version made has no parameters.
        same = same and all(wanted.parameters.get(name) == value for name, value in seen.parameters.items())
        why = "" if same else f"the Airflow connection {name} was edited: it leads elsewhere"
        return (Observation(CONNECTION, name, present=True, healthy=same, why=why),)

    def explain(self, work: Work) -> Evidence | None:
        """Whether the engine answers at all: what it says otherwise is raised, with its cause."""
        handles, pool = work.clients.handles(), work.plan.workflow_pool
        handles.handle(work.name_of(CONNECTION, _own_name(work)))
        if not handles.has_pool(pool):
            return Evidence(Cause.ENGINE_NO_POOL, f"There is no Airflow pool {pool}.", {"pool": pool})
        return None

    def discover(self, clients: SystemClients, platform: Platform) -> tuple[DiscoveredObject, ...]:
        prefix = proof_of(platform.name, "")
        handles = clients.handles().handles()
        return tuple(
            DiscoveredObject(CONNECTION, h.name, h.proof, "Airflow") for h in handles if h.proof.startswith(prefix)
        )


def _handles_of(work: Work, resource: Resource | None) -> ExpectedHandles:
    """The engine that has this resource, as the ledger recorded it."""
    return ExpectedHandles(work.clients.handles(), work.expected(resource))


def _own_name(work: Work) -> str:
    return object_name(work.saga.parameters.slug, work.tenant_id, limit=CONNECTION_LIMIT)


def _wanted(work: Work) -> "Handle":
    from tenancy.adapters.airflow_api import Handle  # the DAG file imports this module, not httpx

    server = work.storage_of(work.recorded(DATABASE)).dsn
    return Handle(
        name=work.name_of(CONNECTION, _own_name(work)),
        proof=work.proof,
        host=server.host,
        port=min(server.ports),
        dbname=work.name_of(DATABASE, storage_name(work)),
        user=work.name_of(ROLE, storage_name(work)),
        password=work.secret(PASSWORD),
        parameters=server.jobs_parameters,
    )


def _require_ours(seen: "Handle | None", wanted: "Handle") -> None:
    if seen is not None and seen.proof != wanted.proof:
        raise _foreign(seen, wanted.proof)


def _foreign(seen: "Handle", proof: str) -> ForeignObjectError:
    return ForeignObjectError(
        f"An Airflow connection {seen.name} exists and is not ours (its description is {seen.proof!r}, ours would be "
        f"{proof!r}). Nothing was changed; find its owner, or delete it by hand."
    )
