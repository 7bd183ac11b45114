"""The interface of an activity: name, kind, limits, and four operations: run, compensate, observe, discover.

tests/contract checks these rules for every installed activity: running twice has the effect of running once;
compensating a resource that was never created succeeds; compensating after a partial run leaves nothing; discover finds
exactly what run created.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType
from typing import ClassVar

from tenancy.activities.context import ActivityContext, Observation, SystemClients
from tenancy.adapters.workload_readiness import Readiness
from tenancy.saga.advice import Remedy
from tenancy.saga.attempt_values import PlanEntry
from tenancy.saga.causes import Evidence
from tenancy.saga.errors import TransientError
from tenancy.saga.names import ActivityName
from tenancy.saga.outputs import NO_OUTPUTS, Outputs
from tenancy.saga.platform import Platform, Region
from tenancy.saga.states import ActivityKind
from tenancy.saga.systems import Location
from tenancy.saga.tenant import Intent, Resource


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


class Activity:
    """One activity of the saga. The defaults are those of an activity that makes nothing."""

    name: ClassVar[ActivityName]
    label: ClassVar[str]
    short_label: ClassVar[str]
    kind: ClassVar[ActivityKind]
    stall_after: ClassVar[timedelta] = timedelta(minutes=5)
    """After how long it counts as stalled, all tries together (docs/operating/runbook.md, step 1)."""
    give_up_after: ClassVar[timedelta] = timedelta(minutes=5)
    """After how long one try is ended; of a wait, the whole of it."""
    stuck_remedy: ClassVar[Remedy]
    """The runbook's instruction for when it is stalled."""
    requires: ClassVar[tuple[ActivityName, ...]] = ()
    """The activities that must come before it in every plan, because it uses what they make."""
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
    """How long after a request an effect may still appear, because the system continues although its client is gone. It
    follows from the system's own limits (adapters/server_deadlines.py)."""
    late_effect_resources: ClassVar[tuple[str, ...]] = ()
    """The kinds of resource that may appear so late; without any, all its resources. Once they exist, no late effect is
    pending."""
    example_outputs: ClassVar[Outputs] = NO_OUTPUTS
    """The outputs that `run` returns, such as a URL, each with an example. Never a secret."""
    emits: ClassVar[str | None] = None
    """The Airflow asset that is updated when it succeeds."""

    @property
    def entry(self) -> PlanEntry:
        """What an attempt's recorded plan stores of it."""
        return PlanEntry(self.name, self.kind)

    def check_request(self, context: ActivityContext, outputs: Mapping[ActivityName, Outputs]) -> None:
        """Can it carry out the request? PermanentError, with the reason, when it cannot. Changes nothing.

        Asked by `validate_request`, before anything is made. `outputs`: for each activity, examples of its outputs.
        """

    def intents(self, context: ActivityContext) -> tuple[Intent, ...]:  # noqa: ARG002
        """The resources that `run` will create. They are committed to the ledger before it runs."""
        return ()

    def locate(self, context: ActivityContext) -> Location:  # noqa: ARG002
        """Where `run` will create them, with the identity that the system states. Committed with the intents."""
        return Location()

    def identify(self, clients: SystemClients, region: Region | None) -> str:  # noqa: ARG002
        """The identity of the system in which it creates resources. `region` is None if all regions share one."""
        return ""

    def run(self, context: ActivityContext) -> Outputs | None:
        """Create the resources, or bring existing ones to the desired state. Idempotent.

        Returns the outputs that `example_outputs` declares; later activities read them in `context.outputs`.
        """

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
