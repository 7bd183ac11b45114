"""A bench for one activity: tenants in memory, the state machine that decides, and the activity's own real system.

There is no ledger and no Airflow. What the engine does around an activity is tested in Tenancy itself; here is tested
what the engine relies on.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, NoReturn
from uuid import uuid4

from tenancy.activities.activity import Activity, DiscoveredObject, located_intents
from tenancy.activities.context import ActivityContext, Observation, SystemClients
from tenancy.adapters.storage import LockPolicy
from tenancy.saga import commands as c
from tenancy.saga.attempt_values import PlanEntry
from tenancy.saga.causes import Cause
from tenancy.saga.connections import Connection
from tenancy.saga.credentials import Keyring
from tenancy.saga.decide import decide
from tenancy.saga.errors import PlatformError
from tenancy.saga.evolve import fold
from tenancy.saga.names import ActivityName, RunId, TaskInstanceId, TenantId
from tenancy.saga.outputs import Outputs
from tenancy.saga.platform import Plan, Platform, Region
from tenancy.saga.product import Product
from tenancy.saga.states import ActivityKind
from tenancy.saga.tenant import Lease, Parameters, Resource, Saga
from tenancy.testing.local_cluster import LocalCluster

REGION: Final = "bench-region"
_PLAN: Final = Plan("starter", 10, "default_pool", 1, "100m", "128Mi")
_RUN: Final = RunId("bench-run")
_AFTER_A_PROGRAM: Final = 1.0
_LAST: Final = PlanEntry(ActivityName("mark_active"), ActivityKind.RETRIABLE)


@dataclass(frozen=True)
class ActivityBench:
    """The activity, and what it needs to reach its system.

    `connections`: kind of system -> connection, as a region of the platform file has them. `probe`: does an object of
    this kind and name exist? It asks the system by other means than the activity. `make_foreign`: makes an object of
    this kind and name that carries no proof. `outputs`: what activities before it returned. `cluster`: for a container
    activity, the local program that stands for its image.
    """

    activity: Activity
    connections: Mapping[str, Connection] = field(default_factory=dict)
    probe: Callable[[str, str], bool] | None = None
    make_foreign: Callable[[str, str], None] | None = None
    outputs: Mapping[str, Outputs] = field(default_factory=dict)
    cluster: LocalCluster | None = None
    platform_name: str = field(default_factory=lambda: f"bench-{secrets.token_hex(4)}")
    """Part of each ownership proof, so that nothing that existed before is found or touched."""
    kills: int = 12
    """How many times of death are tried, spread over the duration of an undisturbed run."""
    late_seconds: float | None = None
    """How long to wait for late effects of a killed process. None: the activity's own `late_seconds`; for a container
    activity a second, because its own are for a cluster that starts a Job late."""
    progress: Callable[[str], None] = lambda _: None
    """Is told each step of a rule that takes long."""
    connections_file: Path | None = None
    """Where the connections come from, for the message about one that is missing."""

    @property
    def platform(self) -> Platform:
        """A platform with one region, which has the connections."""
        ids = {system: connection.id for system, connection in self.connections.items()}
        region = Region(REGION, "no-storage", "no-cluster", "bench.example", 100, connections=ids)
        return Platform(self.platform_name, {REGION: region}, {_PLAN.name: _PLAN}, {})

    @property
    def clients(self) -> SystemClients:
        """The connections, and no built-in system but the cluster of a container activity."""
        return SystemClients(_no_system, _no_system, self._cluster, connection=self._connection)

    @property
    def seconds_after_death(self) -> float:
        """How long a dead process may still have effects."""
        if self.late_seconds is not None:
            return self.late_seconds
        return _AFTER_A_PROGRAM if self.cluster else self.activity.late_seconds

    def of_other_platform(self) -> "ActivityBench":
        """The same system, used by another platform."""
        return replace(self, platform_name=f"{self.platform_name}2")

    def tenant(self, slug: str = "acme") -> "BenchTenant":
        """A new tenant whose turn it is to have this activity run; its intents are recorded."""
        return BenchTenant.requested(self, slug)

    def discover(self) -> set[DiscoveredObject]:
        """All that carries this platform's proof."""
        return set(self.activity.discover(self.clients, self.platform))

    def connection_to(self, system: str) -> Connection:
        """The connection to this kind of system. PlatformError, saying where to add it, if there is none."""
        found = self.connections.get(system)
        if found is None:
            raise PlatformError(_missing(system, self), cause=Cause.PLATFORM_CONNECTION)
        return found

    def _cluster(self, _: Region) -> Any:
        """What stands for the region's cluster."""
        return self.cluster or _no_system()

    def _connection(self, conn_id: str) -> Connection:
        found = next((each for each in self.connections.values() if each.id == conn_id), None)
        if found is None:
            raise PlatformError(f"The bench has no connection {conn_id}: give it one.")
        return found


def _missing(system: str, bench: ActivityBench) -> str:
    if bench.connections_file is None:
        return (
            f"The bench has no connection to {system}. Give it one: --connections FILE with a table [{system}], or in "
            f'pytest ActivityBench(activity, {{"{system}": Connection(...)}}).'
        )
    tables = ", ".join(f"[{each}]" for each in bench.connections) or "none"
    return f"{bench.connections_file} has no table [{system}], and the activity needs it. The tables in it: {tables}."


@dataclass(frozen=True)
class _BenchContext(ActivityContext):
    """Names the bench, not a platform file that does not exist, where a connection is missing."""

    bench: ActivityBench = field(kw_only=True)

    def connection_to(self, system: str, resource: Resource | None = None) -> Connection:
        recorded = resource is not None and resource.connection
        return super().connection_to(system, resource) if recorded else self.bench.connection_to(system)


def _no_system(*_: object) -> NoReturn:
    raise PlatformError(
        "The bench has no storage, no cluster and no Airflow: an activity of a package uses its own, and a container "
        "activity needs a LocalCluster."
    )


@dataclass
class BenchTenant:
    """One tenant. `fence` is called right before each effect; replace it to be overtaken or killed there."""

    bench: ActivityBench
    saga: Saga
    fence: Callable[[], None] = lambda: None

    @classmethod
    def requested(cls, bench: ActivityBench, slug: str) -> "BenchTenant":
        """A tenant whose activities before this one are done, with the outputs that the bench has for them."""
        before = [PlanEntry(ActivityName(name), ActivityKind.COMPENSATABLE) for name in bench.outputs]
        asked = Parameters(slug, slug.title(), _PLAN.name, REGION, f"admin@{slug}.example")
        plan = (*before, bench.activity.entry, _LAST)
        tenant = cls(bench, _decided(None, c.StartAttempt(TenantId(uuid4()), _RUN, asked, plan, "")))
        for entry in before:
            tenant._pass(entry.activity)
        tenant.begin()
        return tenant

    @property
    def context(self) -> ActivityContext:
        """What the activity is given now."""
        lock = LockPolicy("tenancy bench", 10.0, lambda _: False, lambda *_: None)
        bench = self.bench
        keyring = Keyring("bench", {"bench": bench.platform_name.encode().ljust(32, b"-")})
        return _BenchContext(
            self.saga,
            bench.platform,
            keyring,
            bench.clients,
            lock,
            self._fence,
            self.observe,
            _no_product,
            bench=bench,
        )

    @property
    def resources(self) -> tuple[Resource, ...]:
        """What the activity intended, last first: the order of undoing."""
        return tuple(reversed([each for each in self.saga.resources if each.activity == self.bench.activity.name]))

    def begin(self) -> None:
        """Record the activity's intents, as the engine does before it runs."""
        intents = located_intents(self.bench.activity, self.context)
        self.saga = _decided(self.saga, c.BeginActivity(_lease(self.bench.activity.name), 1, intents))

    def check_request(self) -> None:
        """Check the request, as `validate_request` does first. PermanentError when it cannot be carried out."""
        activity = self.bench.activity
        before = {ActivityName(name): outputs for name, outputs in self.bench.outputs.items()}
        activity.check_request(self.context, {**before, activity.name: activity.example_outputs})

    def run(self) -> Outputs | None:
        """Run the activity; returns its outputs."""
        return self.bench.activity.run(self.context)

    def undo(self) -> None:
        """Release all that it made."""
        for resource in self.resources:
            self.bench.activity.compensate(self.context, resource)

    def observe(self) -> tuple[Observation, ...]:
        """What of it there is."""
        return self.bench.activity.observe(self.context)

    def _fence(self) -> None:
        self.fence()

    def _pass(self, name: ActivityName) -> None:
        self.saga = _decided(self.saga, c.BeginActivity(_lease(name), 1, ()))
        self.saga = _decided(self.saga, c.CompleteActivity(_lease(name), self.bench.outputs.get(name, {})))


def _no_product() -> Product:
    return Product("bench", "1", Path(), ())


def _lease(name: ActivityName) -> Lease:
    return Lease(_RUN, name, TaskInstanceId("00000000-0000-7000-8000-000000000001"))


def _decided(saga: Saga | None, command: c.Command) -> Saga:
    after = fold(decide(saga, command), saga)
    assert after is not None  # a started attempt has facts
    return after
