"""A whole platform without Airflow: starts tasks as Airflow does, with a real ledger and real storage.

Time does not pass by itself: `sleep` records the duration and calls `while_asleep`.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sandbox.postgres import PostgresServer
from tenancy.activities.context import SystemClients
from tenancy.adapters.dsn import Dsn
from tenancy.adapters.storage import StorageServer
from tenancy.engine.provisioning.runner import Task, Waiting, run_activity
from tenancy.engine.reconciliation.reconcile import reconcile
from tenancy.engine.recovery.failure import give_up
from tenancy.engine.recovery.unwind import unwind
from tenancy.engine.tenancy import Tenancy, Timings
from tenancy.ledger.envelope import Envelope, Stamp
from tenancy.ledger.ledger import Ledger, utc_now
from tenancy.saga import commands as c
from tenancy.saga.errors import TenancyError
from tenancy.saga.facts import EngineRecorded
from tenancy.saga.names import PLATFORM_STREAM, ActivityName, RunId, TaskInstanceId, TenantId, proof_of
from tenancy.saga.platform import Platform
from tenancy.saga.tenant import Lease, Saga
from tests import clusters, real_systems
from tests.clusters import Kubernetes
from tests.conformance.server import Server
from tests.contract.fake_handles import FakeHandles
from tests.contract.fake_runs import FakeRuns
from tests.products import PLAN, SAMPLE_ONLY

RUN = RunId("run-1")
SECOND_RUN = RunId("run-2")
ORDER = tuple(activity.name for activity in PLAN)
VALIDATE = ActivityName("validate_request")
STORAGE = ActivityName("allocate_storage")
HANDLE = ActivityName("allocate_workflow_handle")
SCHEMA = ActivityName("apply_tenant_schema")
DEPLOY = ActivityName("deploy_workloads")
WAIT = ActivityName("wait_for_workloads_ready")
MARK_ACTIVE = ActivityName("mark_active")
STAMP = Stamp("ada")
NOW = timedelta()
LATER = timedelta(minutes=3)
SHORT_TIMINGS = Timings(lock_patience=0.2, unwind_limit=40, grace=0.5, compensation_tries=3, compensation_backoff=0.5)


class EngineHarness:
    """One platform and one tenant, `acme` unless a test names another."""

    def __init__(self, server: PostgresServer, ledger: Dsn, storage: Dsn, platform: Platform, cluster: Server) -> None:
        self.server = server
        self.ledger = ledger
        self.kubernetes = Kubernetes(cluster)
        self.clear_fault: Callable[[], None] | None = None
        self.handles = FakeHandles(real_systems.POOL)
        self.runs = FakeRuns()
        self.clear_number = 0
        """How often the run whose tasks are run has been cleared as a whole."""
        self.now = 0.0
        self.slept: list[float] = []
        self.while_asleep: Callable[[], None] = lambda: None
        self.tenancy = Tenancy(
            ledger=Ledger(ledger),
            platform=platform,
            keyring=real_systems.KEYRING,
            clients=SystemClients(
                storage=lambda region: StorageServer(storage),
                handles=lambda: self.handles,
                cluster=lambda region: clusters.cluster(cluster),
            ),
            runs=lambda: self.runs,
            products=SAMPLE_ONLY,
            timings=SHORT_TIMINGS,
            sleep=self._sleep,
            monotonic=lambda: self.now,
        )

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        self.while_asleep()

    # -- what Airflow does

    def run(self, activity: ActivityName, number: int = 1, run_id: RunId = RUN, **conf: Any) -> Saga:
        """One try of one task; a greater `number` is a newer task instance."""
        while isinstance(outcome := self.run_once(activity, number, run_id, **conf), Waiting):
            time.sleep(0.02)
        return outcome

    def run_once(
        self, activity: ActivityName, number: int = 1, run_id: RunId = RUN, *, late: timedelta = NOW, **conf: Any
    ) -> Saga | Waiting:
        """The same, and a task that would be deferred is Waiting. It looks at the clock `late`."""
        asked = real_systems.request(**conf)
        task = Task(lease(activity, number, run_id), number, asked, "ada", clear_number=self.clear_number)
        return run_activity(replace(self.tenancy, now=lambda: utc_now() + late), task)

    def run_until(self, activity: ActivityName, number: int = 1, run_id: RunId = RUN, **conf: Any) -> None:
        """All tasks before this one, done."""
        for each in ORDER[: ORDER.index(activity)]:
            self.run(each, number, run_id, **conf)

    def fail_at(self, activity: ActivityName) -> None:
        """Everything before it is done and its only try failed; nobody has given up yet."""
        self.run_until(activity)
        self.record_commands(c.BeginActivity(lease(activity)), c.FailActivity(lease(activity), "Boom", "it went boom"))

    def run_all(self, number: int = 1, run_id: RunId = RUN, **conf: Any) -> Saga:
        self.run_until(MARK_ACTIVE, number, run_id, **conf)
        return self.run(MARK_ACTIVE, number, run_id, **conf)

    def give_up(self, activity: ActivityName, number: int = 1, run_id: RunId = RUN) -> Saga | None:
        """The failure callback of a task without tries left."""
        command = c.GiveUp(run_id, "out of tries", activity, lease(activity, number).holder)
        return give_up(self.tenancy, command, stamp=replace(STAMP, lease=command.holder or ""))

    def fail_for_good(self, activity: ActivityName, number: int = 1, run_id: RunId = RUN) -> None:
        """The task fails without tries left, and its callback gives the run up."""
        with pytest.raises(TenancyError):
            self.run(activity, number, run_id)
        self.give_up(activity, number, run_id)

    def run_failed(self, run_id: RunId = RUN) -> Saga | None:
        """The failure callback of a run, which knows of no task."""
        return give_up(self.tenancy, c.GiveUp(run_id, "the process died"), stamp=STAMP)

    # -- what operators and reconcilers do

    def record_commands(self, *commands: c.Command) -> Saga:
        with self.tenancy.ledger.open("test") as ledger:
            return ledger.record(self.tenant_id, *commands, stamp=STAMP)

    def unwind(self, *, last_try: bool = True) -> Saga:
        """One try of a compensation run."""
        saga = self.saga
        return unwind(self.tenancy, saga.tenant_id, saga.generation, stamp=STAMP, last_try=last_try)

    def reconcile_later(self, elapsed: timedelta = LATER) -> str:
        """One pass of a reconciler whose clock is ahead, so that every tenant has been silent for long."""
        later = Ledger(self.ledger, clock=lambda: utc_now() + elapsed)
        return reconcile(replace(self.tenancy, ledger=later))

    # -- what can be seen

    @property
    def tenant_id(self) -> TenantId:
        with self.tenancy.ledger.open("test") as ledger:
            found = ledger.tenant_of_slug("acme") or ledger.predecessor_of_slug("acme")
        assert found is not None
        return found

    @property
    def saga(self) -> Saga:
        tenant_id = self.tenant_id
        with self.tenancy.ledger.open("test") as ledger:
            saga = ledger.saga(tenant_id)
        assert saga is not None
        return saga

    @property
    def envelopes(self) -> list[Envelope]:
        tenant_id = self.tenant_id
        with self.tenancy.ledger.open("test") as ledger:
            return ledger.envelopes(tenant_id)

    def facts(self, kind: type[Any]) -> list[Any]:
        """The tenant's facts of one kind, oldest first."""
        return [envelope.fact for envelope in self.envelopes if isinstance(envelope.fact, kind)]

    @property
    def refusals(self) -> list[Any]:
        """What the audit log has of requests that concern no tenant."""
        with self.tenancy.ledger.open("test") as ledger:
            facts = [envelope.fact for envelope in ledger.envelopes(PLATFORM_STREAM)]
        return [fact for fact in facts if not isinstance(fact, EngineRecorded)]

    @property
    def external_objects(self) -> dict[str, list[str]]:
        """Names of all that this platform has outside, seen by SQL and by looking into the workflow engine."""
        roles, databases = real_systems.owned_objects(self.server, self.tenancy.platform.name)
        namespaces = self.kubernetes.namespaces(proof_of(self.tenancy.platform.name, ""))
        return {
            "role": roles,
            "database": databases,
            "connection": sorted(self.handles.stored),
            "namespace": namespaces,
        }


NO_OBJECTS: dict[str, list[str]] = {"role": [], "database": [], "connection": [], "namespace": []}


def lease(activity: ActivityName, number: int = 1, run_id: RunId = RUN) -> Lease:
    return Lease(run_id, activity, TaskInstanceId(f"ti-{number:06}"))
