"""Runs one attempt at a tenant in this process, on the sandbox's real servers, without Airflow.

The parts are connected as in bootstrap.py, with the sandbox's addresses instead of Airflow's connections.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from kubernetes.config import new_client_from_config

from installation.contents import CREDENTIAL_KEY_ID
from sandbox import secrets
from sandbox.access import SERVICE_USER, Access
from tenancy.activities.context import SystemClients
from tenancy.adapters.airflow_api import AirflowApi
from tenancy.adapters.airflow_client import AirflowClient
from tenancy.adapters.airflow_runs import AirflowRuns
from tenancy.adapters.cluster import Cluster
from tenancy.adapters.helm import Helm
from tenancy.adapters.helm_kubeconfig import kubeconfig
from tenancy.adapters.kubernetes_api import KubernetesApi
from tenancy.adapters.storage import StorageServer
from tenancy.bootstrap import platform, products
from tenancy.engine.provisioning.runner import Task, Waiting, run_activity
from tenancy.engine.recovery.failure import give_up
from tenancy.engine.recovery.unwind import unwind
from tenancy.engine.tenancy import Tenancy, Timings
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import Ledger, utc_now
from tenancy.saga import commands as c
from tenancy.saga.credentials import Keyring
from tenancy.saga.names import ActivityName, RunId, TaskInstanceId, TenantId
from tenancy.saga.platform import Region
from tenancy.saga.tenant import Lease, Saga
from tests.acceptance import runs
from tests.products import PLAN
from tests.real_systems import as_dsn

_STAMP = Stamp("ada")


def connect(access: Access, *, short_timeouts: bool = False) -> Tenancy:
    """The product's parts on the sandbox's servers. `short_timeouts`: a request without an answer fails after 1 s."""
    waits: dict[str, Any] = {"read_seconds": 1.0} if short_timeouts else {}
    deadline: dict[str, Any] = {"deadline": 1.0} if short_timeouts else {}

    def storage(region: Region) -> StorageServer:
        return StorageServer(as_dsn(access.storage_admin_dsn, f"the storage of region {region.name}"))

    def cluster(region: Region) -> Cluster:
        label = f"the cluster of region {region.name}"
        entered = new_client_from_config(str(access.layout.kubeconfig)).configuration
        helm = Helm(lambda: kubeconfig(entered), label, **deadline)
        return Cluster(KubernetesApi(entered, label, **waits), helm)

    def airflow() -> AirflowClient:
        return AirflowClient(access.api_url, user=SERVICE_USER, password=access.password(SERVICE_USER), **waits)

    key = bytes.fromhex(secrets.load(access.layout.secrets).credential_key_hex)
    return Tenancy(
        ledger=Ledger(as_dsn(access.ledger_dsn, "the ledger")),
        platform=platform(),
        keyring=Keyring(CREDENTIAL_KEY_ID, {CREDENTIAL_KEY_ID: key}),
        clients=SystemClients(storage, lambda: AirflowApi(airflow()), cluster),
        runs=lambda: AirflowRuns(airflow()),
        products=products(),
        timings=Timings(grace=0.1, compensation_backoff=0.1),
    )


def _long_after() -> datetime:
    """A time at which every limit has passed."""
    return utc_now() + timedelta(days=1)


class OnlyAttempt:
    """One tenant and its only run."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self.slug = runs.new_slug("f")
        self._tenancy = connect(access)
        self._with_short_timeouts = connect(access, short_timeouts=True)
        self._run = RunId(f"by-hand-{self.slug}")
        self._tries = 0

    def run(self, activity: str, *, may_wait: bool = True, short_timeouts: bool = False) -> Saga | Waiting:
        """Run one more try of the activity's task. A later try is a newer task instance."""
        self._tries += 1
        task = Task(self._lease(activity), self._tries, runs.request(self.slug), "ada")
        tenancy = self._with_short_timeouts if short_timeouts else self._tenancy
        return run_activity(tenancy if may_wait else replace(tenancy, now=_long_after), task)

    def run_before(self, activity: str) -> None:
        """Run all tasks before this one."""
        for each in PLAN:
            if each.name == activity:
                return
            runs.wait_until(lambda name=each.name: isinstance(self.run(name), Saga), f"{each.name} to be done")

    def run_all(self) -> Saga:
        """Run all tasks."""
        self.run_before(PLAN[-1].name)
        saga = self.run(PLAN[-1].name)
        assert isinstance(saga, Saga)
        return saga

    def give_up(self, activity: str) -> Saga:
        """Do what the failure callback does after the last try."""
        lease = self._lease(activity)
        command = c.GiveUp(lease.run_id, "out of tries", lease.activity, lease.holder)
        saga = give_up(self._tenancy, command, stamp=Stamp("saga", lease=lease.holder))
        assert saga is not None
        return saga

    def unwind_tenant(self, command: c.Command) -> Saga:
        """Unwind after an operator's Cancel or Decommission."""
        tenant_id = self._tenant_id()
        with self._tenancy.ledger.open("test") as ledger:
            generation = ledger.record(tenant_id, command, stamp=_STAMP).generation
        return unwind(self._tenancy, tenant_id, generation, stamp=_STAMP, last_try=True)

    def last_failure(self) -> dict[str, Any]:
        """The newest `step.failed` of the ledger, by plain SQL."""
        rows = runs.ledger(
            self.access,
            "select data from ledger.fact where stream = %s and kind = %s order by seq desc limit 1",
            self._tenant_id(),
            "tenant.provisioning.step.failed",
        )
        return dict(rows[0]["data"])

    def _tenant_id(self) -> TenantId:
        with self._tenancy.ledger.open("test") as ledger:
            tenant_id = ledger.tenant_of_run(self._run)
        assert tenant_id is not None
        return tenant_id

    def _lease(self, activity: str) -> Lease:
        return Lease(self._run, ActivityName(activity), TaskInstanceId(f"ti-{self._tries:06}"))
