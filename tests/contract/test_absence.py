"""Absence counts only when the system states it, in its own format, in which the object was made.

For every activity whose system these tests can replace, and every odd system in the place of the real one: neither a
compensation that ends well nor an observation ever says "gone", and nothing is made there.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from kubernetes.client import Configuration
from psycopg import sql

from sandbox import postgres
from sandbox.ports import any_free
from sandbox.postgres import PostgresServer
from tenancy.activities.activity import Activity
from tenancy.activities.context import SystemClients
from tenancy.adapters.airflow_api import AirflowApi
from tenancy.adapters.airflow_client import AirflowClient
from tenancy.adapters.cluster import Cluster, open_cluster
from tenancy.adapters.dsn import Dsn
from tenancy.adapters.storage import StorageServer
from tenancy.saga.errors import OtherSystemError, TenancyError, TransientError
from tenancy.saga.systems import ExpectedSystem
from tenancy.saga.tenant import Saga
from tests import clusters
from tests.conformance.server import EmulatorProcess, Server
from tests.contract import unexpected_servers as odd
from tests.contract.fake_handles import FakeHandles
from tests.contract.workbench import Workbench
from tests.postgres_servers import embedded_server
from tests.products import PLAN
from tests.real_systems import POOL, as_dsn, make_owned_database, superuser

REPLACEABLE = {"storage", "workflow engine", "cluster"}
"""The kinds of system that these tests can replace: PostgreSQL, Airflow and the cluster (`SystemClients`). An activity
with a system of another kind needs such tests of its own (docs/extending/adding-an-activity.md)."""
MAKERS = [activity for activity in PLAN if activity.system in REPLACEABLE]
each_maker = pytest.mark.parametrize("activity", MAKERS, ids=lambda activity: activity.name)
SHORT = 0.5
"""Seconds for which a silent system is waited for here."""


@pytest.fixture(scope="module")
def other_storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dsn]:
    """Another PostgreSQL server, entered by an admin of the same name, with nothing of ours."""
    with embedded_server(tmp_path_factory.mktemp("other")) as server:
        yield as_dsn(
            make_owned_database(server, "storage_admin", "createdb createrole"), "the storage of region eu-central"
        )


@pytest.fixture(scope="module")
def other_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    sandbox = EmulatorProcess(tmp_path_factory.mktemp("other-cluster"), ("--speed", "20"))
    try:
        yield sandbox.start()
    finally:
        sandbox.stop()


def _cluster_at(url: str) -> Cluster:
    return open_cluster(Configuration(host=url), clusters.LABEL)


def _engine_at(url: str) -> AirflowApi:
    return AirflowApi(AirflowClient(url, user="tenancy-service", password="secret", read_seconds=SHORT))


def _storage_at(dsn: Dsn, port: int) -> StorageServer:
    return StorageServer(replace(dsn, host="127.0.0.1", port=port))


ODD_HTTP = (
    odd.router,
    odd.other_json,
    odd.fastapi_without_the_route,
    odd.status_without_details,
    odd.login_page,
    odd.empty_json,
    odd.gone_for_good,
)


@contextmanager
def _odd_http(bench: Workbench, answer: Callable[[str, str], odd.Answer]) -> Iterator[SystemClients]:
    """HTTP where HTTP is spoken; PostgreSQL's protocol is not, so its server is the right one and says so."""
    with odd.serving(answer) as url:
        storage = StorageServer(bench.line.dsn)
        yield SystemClients(lambda _: storage, lambda: _engine_at(url), lambda _: _cluster_at(url))


@contextmanager
def _silent(bench: Workbench) -> Iterator[SystemClients]:
    with odd.silent() as port:
        yield SystemClients(
            lambda _: _storage_at(bench.line.dsn, port),
            lambda: _engine_at(f"http://127.0.0.1:{port}"),
            lambda _: _cluster_at(f"http://127.0.0.1:{port}"),
        )


def _made(bench: Workbench, activity: Activity) -> None:
    bench.prepare(activity)
    bench.run(activity)


def _require_never_gone(bench: Workbench, activity: Activity, clients: SystemClients) -> None:
    """Every resource of the activity, compensated and observed in this world."""
    context = replace(bench.context, clients=clients, timeout_seconds=SHORT)
    for resource in bench.own(activity):
        with pytest.raises(TenancyError):
            activity.compensate(context, resource)
    try:
        observations = activity.observe(context)
    except TenancyError:
        return
    assert all(observation.present for observation in observations)


@pytest.mark.parametrize("answer", ODD_HTTP, ids=lambda answer: answer.__name__)
@pytest.mark.parametrize("activity", [a for a in MAKERS if a.name in {"allocate_workflow_handle", "deploy_workloads"}])
def test_no_answer_in_a_foreign_format_says_that_something_is_gone(
    bench: Workbench, activity: Activity, answer: Callable[[str, str], odd.Answer]
):
    _made(bench, activity)
    before = bench.snapshot()
    with _odd_http(bench, answer) as clients:
        _require_never_gone(bench, activity, clients)
        bench.saga = _as_of_the_previous_version(bench)
        _require_never_gone(bench, activity, clients)
    assert bench.snapshot() == before


def _as_of_the_previous_version(bench: Workbench) -> Saga:
    """The same tenant with facts that have neither systems nor connections."""
    resources = tuple(replace(each, system="", region="", connection="") for each in bench.saga.resources)
    return replace(bench.saga, resources=resources)


@each_maker
def test_a_silent_system_proves_nothing_about_what_exists(bench: Workbench, activity: Activity):
    _made(bench, activity)
    with _silent(bench) as clients:
        _require_never_gone(bench, activity, clients)


def _another(storage: Dsn, cluster: Server) -> SystemClients:
    """Real servers, all of them others, all of them empty."""
    engine = FakeHandles(POOL)
    engine.system = "airflow:another"
    return SystemClients(lambda _: StorageServer(storage), lambda: engine, lambda _: clusters.cluster(cluster))


@each_maker
def test_another_server_proves_nothing_about_objects_of_the_recorded_one(
    bench: Workbench, activity: Activity, other_storage: Dsn, other_cluster: Server
):
    _made(bench, activity)
    before, clients = bench.snapshot(), _another(other_storage, other_cluster)
    context = replace(bench.context, clients=clients)
    for resource in bench.own(activity):
        with pytest.raises(OtherSystemError, match="is not the one in which the tenant acme was created") as error:
            activity.compensate(context, resource)
        assert f"recorded {resource.system}" in str(error.value)
        assert f"connection {resource.connection}" in str(error.value)
    with pytest.raises(OtherSystemError):
        activity.observe(context)
    assert bench.snapshot() == before


@each_maker
def test_nothing_is_made_in_another_server_than_the_recorded_one(
    bench: Workbench, activity: Activity, other_storage: Dsn, other_cluster: Server
):
    _made(bench, activity)
    clients = _another(other_storage, other_cluster)
    with pytest.raises(OtherSystemError):
        activity.run(replace(bench.context, clients=clients))
    assert activity.discover(clients, bench.platform) == ()


def test_what_carries_our_mark_in_another_cluster_is_not_deleted_there(
    bench: Workbench, other_storage: Dsn, other_cluster: Server
):
    """A cluster that was restored from a backup of ours has the same namespaces with the same annotations."""
    activity = next(each for each in MAKERS if each.name == "deploy_workloads")
    _made(bench, activity)
    copy = Workbench(bench.server, bench.line, bench.handles, bench.platform, other_cluster)
    copy.saga = replace(bench.saga, resources=bench.saga.resources[:-2])
    copy.run(activity)
    context = replace(bench.context, clients=_another(other_storage, other_cluster))
    for resource in bench.own(activity):
        with pytest.raises(OtherSystemError):
            activity.compensate(context, resource)
    assert clusters.Kubernetes(other_cluster).namespaces(bench.context.proof)


@each_maker
def test_what_a_platform_engineer_accepted_in_its_place_is_believed(
    bench: Workbench, activity: Activity, other_storage: Dsn, other_cluster: Server
):
    _made(bench, activity)
    clients = _another(other_storage, other_cluster)
    new = {
        "allocate_workflow_handle": lambda: clients.handles().identity(),
        "deploy_workloads": lambda: clients.cluster(bench.context.region).identity(),
    }.get(activity.name, lambda: clients.storage(bench.context.region).identity())()
    successors = {resource.system: new for resource in bench.saga.resources}
    platform = replace(bench.platform, replaced_systems=successors)
    context = replace(bench.context, clients=clients, platform=platform)
    for resource in bench.own(activity):
        activity.compensate(context, resource)
    assert not any(observation.present for observation in activity.observe(context))


@pytest.mark.parametrize("activity", [a for a in MAKERS if a.name != "allocate_workflow_handle"], ids=lambda a: a.name)
def test_a_server_that_takes_no_writes_releases_nothing(bench: Workbench, activity: Activity):
    _made(bench, activity)
    before = bench.snapshot()
    with ExitStack() as stack:
        _make_read_only(bench, stack)
        for resource in bench.own(activity):
            with pytest.raises(TenancyError):
                activity.compensate(bench.context, resource)
        assert all(observation.present for observation in activity.observe(bench.context))
    assert bench.snapshot() == before


def _make_read_only(bench: Workbench, stack: ExitStack) -> None:
    admin = sql.Identifier(bench.line.dsn.user)
    with superuser(bench.server) as connection:
        connection.execute(sql.SQL("alter role {} set default_transaction_read_only = on").format(admin))
    stack.callback(partial(_writable_again, bench.server, admin))
    stack.callback(clusters.Kubernetes(bench.cluster_server).fault(kind="http-500", on=["write"]))


def _writable_again(server: PostgresServer, admin: sql.Identifier) -> None:
    with superuser(server) as connection:
        connection.execute(sql.SQL("alter role {} reset default_transaction_read_only").format(admin))


@each_maker
def test_every_resource_records_the_system_region_and_connection_of_its_making(bench: Workbench, activity: Activity):
    _made(bench, activity)
    expected = {
        "allocate_workflow_handle": ("airflow:fake", "", "tenancy_airflow_api"),
        "deploy_workloads": (bench.cluster.identity(), "eu-central", "c"),
    }.get(activity.name, (StorageServer(bench.line.dsn).identity(), "eu-central", "s"))
    assert {(r.system, r.region, r.connection) for r in bench.own(activity)} == {expected}


# -- how systems state who they are


def test_a_server_is_known_by_its_system_identifier(storage_dsn: Dsn, fast_server: PostgresServer):
    with superuser(fast_server) as connection:
        row = connection.execute("select system_identifier as it from pg_control_system()").fetchone()
    assert row is not None
    assert StorageServer(storage_dsn).identity() == f"postgresql:{row['it']}"


def test_a_server_that_hides_its_identifier_is_known_by_a_marker_of_ours(tmp_path: Path):
    with embedded_server(tmp_path) as server:
        dsn = as_dsn(
            make_owned_database(server, "storage_admin", "createdb createrole"), "the storage of region eu-central"
        )
        with superuser(server, "storage_admin") as connection:
            connection.execute("revoke execute on function pg_control_system() from public")
        first = StorageServer(dsn).identity()
        assert first.startswith("postgresql-marker:")
        assert StorageServer(dsn).identity() == first
        with superuser(server) as connection:
            connection.execute("drop role tenancy_system_marker")
        assert StorageServer(dsn).identity() != first


def test_a_cluster_is_known_by_the_uid_of_kube_system(cluster_server: Server):
    uid = clusters.Kubernetes(cluster_server).ask("GET", "/api/v1/namespaces/kube-system")["metadata"]["uid"]
    assert clusters.cluster(cluster_server).identity() == f"kubernetes:{uid}"


def test_a_standby_is_not_believed(tmp_path: Path):
    """It may lag: what it does not have may exist on its primary. Its identifier is its primary's."""
    server = PostgresServer("standby", tmp_path / "server", any_free(), tmp_path / "log", "a password of tests")
    server.create()
    daemon = server.start()
    try:
        dsn = as_dsn(
            make_owned_database(server, "storage_admin", "createdb createrole"), "the storage of region eu-central"
        )
        expected = ExpectedSystem((StorageServer(dsn).identity(),), "s", "acme")
        postgres.stop(daemon)
        server._write_for_owner(server.data / "standby.signal", "")
        daemon = server.start()
        with (
            pytest.raises(TransientError, match="is a standby"),
            StorageServer(dsn, expected).read_session("tenancy test"),
        ):
            pass
    finally:
        postgres.stop(daemon)
