"""Every fault is set, listed, detected by its effect with psql and Kubernetes' own client, and cleared."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from kubernetes.client import ApiClient, CoreV1Api
from kubernetes.client.exceptions import ApiException
from kubernetes.config import new_client_from_config
from psycopg import sql
from urllib3.exceptions import HTTPError

from sandbox import lifecycle
from sandbox.access import Access
from sandbox.cli import main
from sandbox.faults import catalogue
from sandbox.faults.client import FaultClient
from sandbox.problems import SandboxError
from sandbox.processes import Register
from tests.acceptance import runs
from tests.acceptance.active_fault import active_fault
from tests.acceptance.manual_tenant import DATABASE, REGION, SLUG, ManualTenant, tenant
from tests.unit.tenants import ADMIN, INVITATION

QUICKLY = 1.0


@pytest.fixture(scope="module")
def api(sandbox: Access) -> Iterator[ApiClient]:
    with new_client_from_config(str(sandbox.layout.kubeconfig)) as client:
        client.configuration.retries = False
        yield client


@pytest.fixture(scope="module")
def manual_tenant(sandbox: Access, api: ApiClient) -> Iterator[ManualTenant]:
    with tenant(sandbox, api) as made:
        made.until(200)
        yield made


def admin(sandbox: Access, statement: str = "select 1", *, database: str = "storage_admin", seconds: int = 1) -> None:
    """A statement as the product's own storage role, which has so long."""
    with psycopg.connect(sandbox.storage_admin_dsn_of(database), autocommit=True, connect_timeout=2) as session:
        session.execute(f"set statement_timeout = '{seconds}s'; set createrole_self_grant = 'set,inherit'".encode())
        session.execute(statement.encode())


def test_a_tenants_pages_read_its_secret_and_its_database(manual_tenant: ManualTenant):
    assert manual_tenant.visit("/auth/token", "POST", email=ADMIN)[0] == 200
    assert manual_tenant.visit("/auth/token", "POST", email="nobody@acme.example")[0] == 401
    assert manual_tenant.visit("/admin/login", "POST", email=ADMIN, invitation=INVITATION)[0] == 200
    assert manual_tenant.visit("/admin/login", "POST", email=ADMIN, invitation=INVITATION)[0] == 401
    assert json.loads(manual_tenant.visit("/")[1])["name"] == "Acme"


def test_a_tenant_whose_secret_is_broken_says_so(manual_tenant: ManualTenant):
    for dsn, status in (("postgresql://x:y@127.0.0.1:1/z", 503), (manual_tenant.dsn, 200)):
        manual_tenant.core.patch_namespaced_secret("database", SLUG, {"stringData": {"dsn": dsn}})
        manual_tenant.until(status)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("image-pull-backoff", "ImagePullBackOff"),
        ("crash-loop-backoff", "CrashLoopBackOff"),
        ("unschedulable", "Unschedulable"),
        ("slow-start", "ContainerCreating"),
    ],
)
def test_a_fault_of_pods(fault_client: FaultClient, manual_tenant: ManualTenant, kind: str, reason: str):
    options = {"seconds": 60} if kind == "slow-start" else {}
    with active_fault(fault_client, kind, tenant=SLUG, **options):
        manual_tenant.restart()
        runs.wait_until(lambda: manual_tenant.waiting() == reason, f"{kind} to be seen", seconds=10)
        assert manual_tenant.visit()[0] == 503
    manual_tenant.restart()
    manual_tenant.until(200)


def _quota(core: CoreV1Api) -> None:
    with pytest.raises(ApiException, match="exceeded quota"):
        core.create_namespaced_config_map(SLUG, {"metadata": {"generateName": "a-"}})


def _answers(status: int) -> Callable[[CoreV1Api], None]:
    def look(core: CoreV1Api) -> None:
        with pytest.raises(ApiException) as caught:
            core.list_namespaced_pod(SLUG)
        assert caught.value.status == status

    return look


def _refused(words: str) -> Callable[[CoreV1Api], None]:
    def look(core: CoreV1Api) -> None:
        with pytest.raises(ApiException, match=words):
            core.create_namespaced_config_map(SLUG, {"metadata": {"generateName": "a-"}})

    return look


def _endless(core: CoreV1Api) -> None:
    """A pod that nobody ends."""
    name = core.list_namespaced_pod(SLUG).items[0].metadata.name
    core.delete_namespaced_pod(name, SLUG, grace_period_seconds=1)
    time.sleep(1.5)
    assert core.read_namespaced_pod(name, SLUG).metadata.deletion_timestamp


def _login_page(core: CoreV1Api) -> None:
    answer = core.list_namespaced_pod(SLUG, _preload_content=False)
    assert (answer.status, b"Sign in" in answer.data) == (200, True)


def _empty(core: CoreV1Api) -> None:
    assert core.list_namespaced_pod(SLUG).items == []


def _silent(core: CoreV1Api) -> None:
    with pytest.raises(HTTPError):
        core.list_namespaced_pod(SLUG, _request_timeout=0.5)


def _late(core: CoreV1Api) -> None:
    began = time.monotonic()
    core.list_namespaced_pod(SLUG)
    assert time.monotonic() - began > 0.4


@pytest.mark.parametrize(
    ("kind", "options", "look"),
    [
        ("quota-exceeded", {"resource": "configmaps"}, _quota),
        ("http-500", {}, _answers(500)),
        ("http-429", {"on": ["get"], "retry_after": 1}, _answers(429)),
        ("hang", {"on": ["get"]}, _silent),
        ("refuse", {}, _silent),
        ("router-404", {}, _answers(404)),
        ("login-page", {}, _login_page),
        ("other-cluster", {}, _empty),
        ("slow", {"milliseconds": 500}, _late),
        ("forbidden", {"resource": "pods", "verb": "list"}, _answers(403)),
        ("admission-denied", {"resource": "configmaps"}, _refused("denied the request: the cluster does not allow it")),
        ("webhook-down", {"resource": "configmaps"}, _refused("failed calling webhook")),
        ("node-silent", {}, _endless),
    ],
)
def test_a_fault_of_the_clusters_api(
    fault_client: FaultClient,
    manual_tenant: ManualTenant,
    kind: str,
    options: dict[str, object],
    look: Callable[[CoreV1Api], None],
):
    with active_fault(fault_client, kind, region=REGION, **options):
        look(manual_tenant.core)
        assert manual_tenant.core.list_namespaced_pod("default").items == []
    assert manual_tenant.core.list_namespaced_pod(SLUG, _request_timeout=2).items


def test_ingress_down(fault_client: FaultClient, manual_tenant: ManualTenant):
    with active_fault(fault_client, "ingress-down"):
        assert manual_tenant.visit()[0] == 0
    assert manual_tenant.visit()[0] == 200


def test_databases_locked(sandbox: Access, fault_client: FaultClient):
    refused = pytest.raises(psycopg.errors.LockNotAvailable)
    with (
        active_fault(fault_client, "databases-locked"),
        psycopg.connect(sandbox.storage_admin_dsn, autocommit=True, options="-c lock_timeout=500ms") as session,
        refused,
    ):
        session.execute("create database blocked")


def test_no_connection_slots(sandbox: Access, fault_client: FaultClient):
    with (
        active_fault(fault_client, "no-connection-slots"),
        pytest.raises(psycopg.OperationalError, match="too many connections"),
    ):
        admin(sandbox)
    admin(sandbox)


def test_no_createdb(sandbox: Access, fault_client: FaultClient):
    with active_fault(fault_client, "no-createdb"), pytest.raises(psycopg.errors.InsufficientPrivilege):
        admin(sandbox, "create database forbidden")


def test_disk_full(sandbox: Access, fault_client: FaultClient):
    with active_fault(fault_client, "disk-full"), pytest.raises(psycopg.errors.DiskFull, match="could not extend file"):
        admin(sandbox, "create database too_large template template0", seconds=30)
    # Each of them waits for a checkpoint, which takes seconds on a busy disk.
    admin(sandbox, "create database fits template template0", seconds=30)
    admin(sandbox, "drop database fits", seconds=30)


def test_storage_stopped(sandbox: Access, fault_client: FaultClient, manual_tenant: ManualTenant):
    with active_fault(fault_client, "storage-stopped"), pytest.raises(psycopg.OperationalError):
        admin(sandbox)
    manual_tenant.until(200)


def test_schema_locked(sandbox: Access, fault_client: FaultClient, manual_tenant: ManualTenant):
    with active_fault(fault_client, "schema-locked", tenant=SLUG):
        assert manual_tenant.visit("/")[0] == 503
        with pytest.raises(psycopg.errors.QueryCanceled):
            admin(sandbox, "create schema another", database=DATABASE)
    assert manual_tenant.visit("/")[0] == 200


def test_schema_locked_before_the_database_exists_and_without_keeping_it(sandbox: Access, fault_client: FaultClient):
    name = sql.Identifier("to_come_0123456789").as_string()
    with active_fault(fault_client, "schema-locked", tenant="to-come"):
        admin(sandbox, f"create role {name}")
        with psycopg.connect(sandbox.storage_admin_dsn, autocommit=True) as session:
            session.execute(f"create database {name} owner {name}".encode())
            time.sleep(QUICKLY)
            with pytest.raises(psycopg.errors.QueryCanceled):
                admin(sandbox, "create schema tenant", database="to_come_0123456789")
            session.execute(f"drop database {name} with (force)".encode())
            session.execute(f"drop role {name}".encode())


def test_a_failing_revision_in_databases_old_and_new(
    sandbox: Access, fault_client: FaultClient, manual_tenant: ManualTenant
):
    attempts = [(DATABASE, "create table tenant.more ()"), ("fresh_0123456789", "create table tenant.first ()")]
    with (
        active_fault(fault_client, "failing-revision"),
        psycopg.connect(sandbox.storage_admin_dsn, autocommit=True) as session,
    ):
        session.execute("create database fresh_0123456789 template template0")
        admin(sandbox, "create schema tenant", database="fresh_0123456789")
        admin(sandbox, "create table tenant.alembic_version (v text primary key)", database="fresh_0123456789")
        for database, statement in attempts:
            with pytest.raises(psycopg.errors.RaiseException, match="this revision fails"):
                admin(sandbox, statement, database=database)
    admin(sandbox, attempts[0][1], database=DATABASE)
    with psycopg.connect(sandbox.storage_admin_dsn, autocommit=True) as session:
        session.execute("drop database fresh_0123456789")


def test_handles_locked(sandbox: Access, fault_client: FaultClient):
    with active_fault(fault_client, "handles-locked"), psycopg.connect(sandbox.metadata_dsn) as session:
        assert session.execute("select count(*) from connection").fetchone()
        session.execute("set lock_timeout = '300ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            session.execute("delete from connection where conn_id = 'none'")


def test_api_server_stopped(sandbox: Access, fault_client: FaultClient):
    health = f"{sandbox.api_url}/api/v2/version"
    with active_fault(fault_client, "api-server-stopped"), pytest.raises(httpx.ReadTimeout):
        httpx.get(health, timeout=QUICKLY, trust_env=False)
    assert httpx.get(health, timeout=10, trust_env=False).status_code == 200


def test_one_of_a_kind_at_a_time(fault_client: FaultClient):
    fault_client.set("no-createdb")
    with pytest.raises(SandboxError, match="is set already"):
        fault_client.set("no-createdb")


def test_the_command_line_sets_lists_and_clears(
    sandbox: Access, fault_client: FaultClient, capsys: pytest.CaptureFixture[str]
):
    home = ["--home", str(sandbox.layout.home), "--json"]
    assert main(["fault", "set", "http-500", "--tenant", "nobody", "--on", "get,watch", *home]) == 0
    made = json.loads(capsys.readouterr().out)
    assert main(["fault", "list", *home]) == 0
    assert json.loads(capsys.readouterr().out) == made
    assert main(["fault", "clear", made[0]["id"], *home]) == 0
    assert main(["fault", "clear", made[0]["id"], *home]) == 1


def test_every_kind_of_fault_is_tried_here():
    tried = Path(__file__).read_text()
    assert [kind for kind in catalogue.BY_NAME if f'"{kind}"' not in tried] == []


def test_down_clears_what_is_set(sandbox: Access, sandbox_up: Callable[[], None]):
    fault_client = FaultClient(sandbox.layout)
    for kind in ("databases-locked", "storage-stopped", "api-server-stopped", "http-500"):
        fault_client.set(kind)
    holder = next(active_fault for active_fault in fault_client.list() if active_fault.kind == "databases-locked")
    daemon = Register(sandbox.layout.processes).get(f"fault-{holder.id}")
    assert daemon is not None
    assert daemon.alive

    lifecycle.down(sandbox.layout)

    assert not daemon.alive
    assert not sandbox.layout.faults.exists() or sandbox.layout.faults.read_text().strip() == "{}"
    sandbox_up()
    assert fault_client.list() == []
