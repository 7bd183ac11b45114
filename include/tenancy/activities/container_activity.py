"""A container activity: an image that is called as a Kubernetes Job with the verb run, compensate, observe or discover.

The engine gives it the guarantees of every activity; the image only answers for one kind of object. Its contract is
docs/extending/container-activities.md. Jobs run in the platform's namespace for Jobs, because `compensate` and
`discover` are called when no namespace of the tenant is there (docs/adr/0043-container-activities.md).
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final

from tenancy.activities.activity import Activity, DiscoveredObject
from tenancy.activities.container_calls import (
    call_of,
    discover_input,
    effect_input,
    passwords_in,
    recorded_input,
    undo_input,
)
from tenancy.activities.container_results import (
    Found,
    foreign_owner,
    objects_of,
    observation_of,
    outputs_of,
    require_nothing_else,
    result_of,
)
from tenancy.activities.context import ActivityContext, Observation, SystemClients
from tenancy.activities.job_ends import patience_for, require_success
from tenancy.adapters.hidden_texts import hide
from tenancy.adapters.server_deadlines import CLUSTER_WRITE_SECONDS, MARGIN_SECONDS
from tenancy.saga.advice import Remedy
from tenancy.saga.causes import Cause, Evidence
from tenancy.saga.connections import Connection, connection_id
from tenancy.saga.errors import ForeignObjectError, PermanentError, PlatformError, TransientError
from tenancy.saga.names import HELM_LIMIT, object_name, proof_of
from tenancy.saga.outputs import Outputs
from tenancy.saga.platform import Platform, Region
from tenancy.saga.product import ContainerSpec
from tenancy.saga.states import ActivityKind
from tenancy.saga.system_status import CLUSTER
from tenancy.saga.systems import Location
from tenancy.saga.tenant import Intent, Resource

if TYPE_CHECKING:
    from tenancy.adapters.cluster import Cluster
    from tenancy.adapters.job_documents import JobSpec
    from tenancy.adapters.job_outcome import JobEnd

_ADVICE: Final = "Read the log of its Job. If nothing moves: cancel, reset, retry."
_LONGEST_WHY: Final = 500
_AFTER_THE_JOB: Final = timedelta(minutes=2)
"""The cluster ends the Job first; then there is a reason to record."""


class ContainerActivity(Activity):
    """One object of one kind, made by an image. `spec` is its table in a product's file."""

    spec: ClassVar[ContainerSpec]
    kind = ActivityKind.COMPENSATABLE
    systems = (CLUSTER,)
    late_seconds = CLUSTER_WRITE_SECONDS + MARGIN_SECONDS
    """The cluster may still create the Job of a process that died."""

    def intents(self, context: ActivityContext) -> tuple[Intent, ...]:
        return (Intent(self.spec.resource, _object_name(context), context.proof),)

    def locate(self, context: ActivityContext) -> Location:
        region = context.region
        return Location(context.clients.cluster(region).identity(), region.name, region.cluster_connection)

    def identify(self, clients: SystemClients, region: Region | None) -> str:
        return clients.cluster(region).identity() if region else ""

    def run(self, context: ActivityContext) -> Outputs:
        name = self._name(context)
        job = self._job(context, "run", name, effect_input(context, self.spec, name))
        with self._naming("run", job):
            end = self._cluster(context).jobs.run(job, fence=context.fence, patience=self._patience(context))
            result = self._result(end)
            self._refuse_foreign(end, result, name)
            outputs = outputs_of(result, passwords_in(job))
        self._require_made(context, name)
        return outputs

    def compensate(self, context: ActivityContext, resource: Resource) -> None:
        jobs = context.cluster_of(resource).jobs
        # The Job of a process that died must not go on making what is undone here.
        making = self._job(context, "run", resource.name, {})
        jobs.abort(making.namespace, making.name, proof=making.proof, fence=context.fence)
        given = undo_input(context, self.spec, resource)
        job = self._job(context, "compensate", resource.name, given)
        with self._naming("compensate", job):
            end = jobs.run(job, fence=context.fence, patience=self._patience(context))
            result = self._result(end)
            self._refuse_foreign(end, result, resource.name)
            require_nothing_else(result)

    def observe(self, context: ActivityContext) -> tuple[Observation, ...]:
        kind, name = self.spec.resource, self._name(context)
        making = self._job(context, "run", name, {})
        if self._cluster(context).jobs.is_running(making.namespace, making.name, proof=making.proof):
            why = f"the Job that makes the {kind} {name} still runs"
            return (Observation(kind, name, present=True, healthy=False, why=why),)
        resource = context.recorded(kind)
        found = self._call_observe(context, name, resource.proof if resource else context.proof)
        return (Observation(kind, name, present=found.present, healthy=found.healthy, why=_why(kind, name, found)),)

    def explain(self, context: ActivityContext) -> Evidence | None:
        """Why the pod of its Job does not start."""
        job = self._job(context, "run", self._name(context), {})
        reason = self._cluster(context).jobs.why_waiting(job.namespace, job.name)
        if not reason.sentence:
            return None
        return Evidence(reason.cause, f"Its Job waits: {reason.sentence}.", {"image": self.spec.image})

    def discover(self, clients: SystemClients, platform: Platform) -> tuple[DiscoveredObject, ...]:
        return tuple(
            found for region in platform.regions.values() for found in self._discover_in(clients, platform, region)
        )

    # -- calls

    def _discover_in(self, clients: SystemClients, platform: Platform, region: Region) -> Iterator[DiscoveredObject]:
        cluster, ours = clients.cluster(region), proof_of(platform.name, "")
        given = discover_input(platform, region, self.spec)
        job = call_of(self.spec, platform, "discover", given, self._connections(clients, region), proof=ours)
        with self._naming("discover", job):
            end = cluster.jobs.run_once(job, patience=patience_for(self.spec.timeout_minutes, None))
            objects = objects_of(self._result(end), lambda: end.log)
        for each in objects:
            if each.proof.startswith(ours):
                yield DiscoveredObject(self.spec.resource, each.name, each.proof, cluster.location)

    def _call_observe(self, context: ActivityContext, name: str, proof: str) -> Found:
        """Call `observe`. A Job of its own each time: an answer of before is not an observation."""
        given = recorded_input(context, self.spec, name, proof=proof)
        job = self._job(context, "observe", name, given)
        with self._naming("observe", job):
            end = self._cluster(context).jobs.run_once(job, patience=self._patience(context))
            found = observation_of(self._result(end))
        return replace(found, why=end.shown(found.why)[:_LONGEST_WHY])

    def _require_made(self, context: ActivityContext, name: str) -> None:
        """Whatever `run` said: the object must be there."""
        found = self._call_observe(context, name, context.proof)
        with self._naming("run"):
            if not found.present:
                raise PermanentError(
                    f"it ended well, and then observe says that the {self.spec.resource} {name} does not exist"
                    f"{f' ({found.why})' if found.why else ''}"
                )
            if not found.healthy:
                raise TransientError(f"the {self.spec.resource} {name} is there and not healthy: {found.why}")

    def _job(self, context: ActivityContext, verb: str, name: str, given: Mapping[str, Any]) -> "JobSpec":
        """The Job of a call; without input it is only its name, for the Job of an earlier call."""
        needed = bool(given and self.spec.connections)
        connections = self._connections(context.clients, context.region) if needed else ()
        key = _digest(f"{self.spec.name}/{context.proof}/{name}")
        return call_of(self.spec, context.platform, verb, given, connections, proof=context.proof, key=key)

    def _connections(self, clients: SystemClients, region: Region) -> tuple[Connection, ...]:
        """The region's connections. In the Job each has the kind of its system as its name."""
        ids = {system: connection_id(region, system) for system in self.spec.connections}
        return tuple(replace(clients.connection(conn_id), id=system) for system, conn_id in ids.items())

    def _cluster(self, context: ActivityContext) -> "Cluster":
        return context.cluster_of(context.recorded(self.spec.resource))

    def _name(self, context: ActivityContext) -> str:
        return context.name_of(self.spec.resource, _object_name(context))

    def _patience(self, context: ActivityContext) -> float:
        return patience_for(self.spec.timeout_minutes, context.timeout_seconds)

    # -- outcomes

    def _result(self, end: "JobEnd") -> Mapping[str, Any]:
        """The result of a Job that ended well; else the error that says how it ended."""
        require_success(end, self.spec.timeout_minutes, Cause.CLUSTER_JOB)
        return result_of(end.message)

    def _refuse_foreign(self, end: "JobEnd", result: Mapping[str, Any], name: str) -> None:
        owner = foreign_owner(result)
        if owner is not None:
            raise ForeignObjectError(
                f"a {self.spec.resource} {name} exists and is not ours (owner: {end.shown(owner)[:200] or 'unknown'}). "
                "Nothing was changed; find its owner"
            )

    @contextmanager
    def _naming(self, verb: str, job: "JobSpec | None" = None) -> Iterator[None]:
        """Each error names the file, the table, the image and the verb. No text of it has a secret of the call."""
        try:
            yield
        except (TransientError, PermanentError, PlatformError) as error:
            place = f"{self.spec.product}/product.toml, container_activities.{self.spec.name}"
            call = f"the image {self.spec.image} was called with {verb}"
            complaint = hide(job.hidden if job else (), str(error))
            error.args = (f"{place}: {call}: {complaint.rstrip('.')}.",)
            raise


@cache
def container_activity(spec: ContainerSpec) -> ContainerActivity:
    """The activity of this table; the same one for the same table."""
    attributes = {
        "spec": spec,
        "name": spec.name,
        "label": spec.label,
        "short_label": spec.label[:1].lower() + spec.label[1:],
        "stuck_remedy": Remedy(spec.stuck_advice or _ADVICE, "cancel"),
        "requires": spec.requires,
        "resources": (spec.resource,),
        "late_effect_resources": (spec.resource,),
        # A budget of its own in an unwinding: an image that hangs must not keep others' resources.
        "system": f"image of {spec.name}",
        "stall_after": timedelta(minutes=spec.timeout_minutes),
        "give_up_after": timedelta(minutes=spec.timeout_minutes) + _AFTER_THE_JOB,
        "example_outputs": MappingProxyType(dict(spec.outputs)),
        "manual_removal": MappingProxyType(
            {spec.resource: spec.manual_removal or f"delete the {spec.resource} {{name}} where {spec.image} made it"}
        ),
    }
    made: Callable[[], ContainerActivity] = type(spec.name, (ContainerActivity,), attributes)
    return made()


def _object_name(context: ActivityContext) -> str:
    return object_name(context.saga.parameters.slug, context.tenant_id, limit=HELM_LIMIT, separator="-")


def _why(kind: str, name: str, found: Found) -> str:
    if found.healthy:
        return ""
    if not found.present:
        return f"the {kind} {name} does not exist{f': {found.why}' if found.why else ''}"
    return found.why if name in found.why else f"the {kind} {name} is not as it should be: {found.why}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
