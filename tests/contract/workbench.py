"""A workbench for one tenant: state machine and activities on a real storage server and cluster, without a ledger.

`prepare` does all that comes before an activity; `begin`, `run` and `undo` do one activity's own part.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

from sandbox.postgres import PostgresServer
from tenancy.activities.activity import Activity, DiscoveredObject, NotReadyYet, located_intents
from tenancy.activities.allocate_storage import PASSWORD
from tenancy.activities.context import ActivityContext, SystemClients
from tenancy.activities.registry import maker_of
from tenancy.adapters.storage import LockPolicy, StorageServer
from tenancy.engine.recovery.release_order import release_order
from tenancy.engine.tenancy import observe_all
from tenancy.saga import commands as c
from tenancy.saga.decide import decide
from tenancy.saga.evolve import fold
from tenancy.saga.names import RunId, TaskInstanceId, TenantId
from tenancy.saga.platform import Platform
from tenancy.saga.tenant import Lease, Parameters, Resource, Saga
from tests import real_systems
from tests.clusters import Kubernetes
from tests.conformance.server import Server
from tests.contract.connection_cuts import SeverableEffects, dies_after
from tests.contract.fake_handles import FakeHandles
from tests.contract.outside_snapshot import take_snapshot
from tests.contract.severable_cluster import SeverableCluster
from tests.contract.severable_connection import SeverableConnection
from tests.products import PLAN, PLAN_ENTRIES, SAMPLE, SCHEMA_VERSION

RUN = RunId("run-1")
PICTURED = frozenset({"role", "database", "schema", "connection", "namespace", "release"})
"""The kinds of resource that `snapshot` shows by other means than the activity's own."""


class Workbench:
    """One tenant and everything its activities need."""

    def __init__(
        self,
        server: PostgresServer,
        line: SeverableConnection,
        handles: FakeHandles,
        platform: Platform,
        cluster: Server,
    ) -> None:
        self.server = server
        self.cluster_server = cluster
        self.cluster = SeverableCluster(cluster)
        self.handles = handles
        self.platform = platform
        self.line = line
        self.fence: Callable[[], None] = lambda: None
        self.effects = SeverableEffects()
        self.saga: Saga
        self.request()

    def request(self, slug: str = "acme") -> None:
        """Ask for a tenant of this slug; forgets the former one."""
        asked = Parameters(**real_systems.request(slug))
        start = c.StartAttempt(TenantId(uuid4()), RUN, asked, PLAN_ENTRIES, SCHEMA_VERSION)
        self.saga = _asked(None, start)

    @property
    def clients(self) -> SystemClients:
        return SystemClients(
            storage=lambda region: StorageServer(self.line.dsn),
            handles=lambda: self.handles,
            cluster=lambda region: self.cluster,
            database_password=lambda tenant_id: (
                self.context.secret(PASSWORD) if tenant_id == self.context.tenant_id else None
            ),
        )

    @property
    def context(self) -> ActivityContext:
        """What a verb is given now."""
        lock = LockPolicy("tenancy contract", 10.0, lambda holder: False, lambda system, holder: None)
        context = ActivityContext(
            self.saga,
            self.platform,
            real_systems.KEYRING,
            self.clients,
            lock,
            self._fence,
            lambda: observe_all(context),
            lambda: SAMPLE,
        )
        return context

    def _fence(self) -> None:
        self.effects.begin()
        self.fence()

    def prepare(self, activity: Activity) -> None:
        """Everything before it is done, and it has begun: its intents are known."""
        for each in PLAN:
            if each.name == activity.name:
                break
            self.begin(each)
            self.run(each)
            self.saga = _asked(self.saga, c.CompleteActivity(_lease(each)))
        self.begin(activity)

    def begin(self, activity: Activity) -> None:
        """The activity's intents are known from here on."""
        self.saga = _asked(self.saga, c.BeginActivity(_lease(activity), 1, located_intents(activity, self.context)))

    def run(self, activity: Activity) -> None:
        """To its end: what waits is looked at until it is ready."""
        while True:
            try:
                activity.run(self.context)
            except NotReadyYet:
                time.sleep(0.02)
            else:
                return

    def run_cut(self, activity: Activity, *, after: int) -> bool:
        """Run it and die after the `after`-th statement, call or fence; False when it ended before that."""
        return dies_after(lambda: self.run(activity), self.line, self.handles, self.cluster, self.effects, after=after)

    def undo_cut(self, activity: Activity, *, after: int) -> bool:
        """Undo it and die likewise."""
        return dies_after(lambda: self.undo(activity), self.line, self.handles, self.cluster, self.effects, after=after)

    def own(self, activity: Activity) -> tuple[Resource, ...]:
        """What it intended, last first: the order of undoing."""
        return tuple(r for r in reversed(self.saga.resources) if r.activity == activity.name)

    def undo(self, activity: Activity) -> None:
        for resource in self.own(activity):
            activity.compensate(self.context, resource)

    def undo_all(self) -> None:
        """Everything, in the order of unwinding."""
        for resource in release_order(self.saga.resources):
            maker_of(resource, SAMPLE.name).compensate(self.context, resource)

    def found(self, activity: Activity) -> set[DiscoveredObject]:
        return set(activity.discover(self.clients, self.platform))

    def snapshot(self) -> dict[str, Any]:
        """Everything outside. Of systems that only an activity knows, what it discovers there."""
        databases = tuple(r.name for r in self.saga.resources if r.kind == "database")
        namespaces = tuple(r.name for r in self.saga.resources if r.kind == "namespace")
        outside = take_snapshot(self.server, self.handles, databases)
        discovered = {each.name: each.discover(self.clients, self.platform) for each in PLAN if _is_unpictured(each)}
        return {**outside, "cluster": Kubernetes(self.cluster_server).snapshot(namespaces), "discovered": discovered}

    def of_other_platform(self) -> "Workbench":
        """Another platform's tenant of the same slug, on the same server and workflow engine."""
        other = replace(self.platform, name=f"{self.platform.name}2")
        return Workbench(self.server, self.line, self.handles, other, self.cluster_server)


def _is_unpictured(activity: Activity) -> bool:
    return not PICTURED.issuperset(activity.resources)


def goes_with_another(activity: Activity) -> bool:
    """Is what it makes released together with another activity's resource?"""
    return any(first not in activity.resources for first in activity.released_after.values())


def _asked(saga: Saga | None, command: c.Command) -> Saga:
    after = fold(decide(saga, command), saga)
    assert after is not None
    return after


def _lease(activity: Activity) -> Lease:
    return Lease(RUN, activity.name, TaskInstanceId("ti-1"))
