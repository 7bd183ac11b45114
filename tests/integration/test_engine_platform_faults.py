"""The platform's faults, each met by every activity that it concerns: the tenant is held, nothing is undone because of
it, and it continues by itself to Active when the platform is repaired.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest
from kubernetes.client import Configuration

from tenancy.adapters.airflow_api import AirflowApi
from tenancy.adapters.cluster import Cluster, open_cluster
from tenancy.adapters.storage import StorageServer
from tenancy.engine.actions import actions
from tenancy.engine.recovery.failure import give_up
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.migrations import LEDGER_VERSION
from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.causes import Cause
from tenancy.saga.credentials import Keyring
from tenancy.saga.errors import PlatformError
from tenancy.saga.names import ActivityName
from tenancy.saga.platform import Region
from tenancy.saga.product import PROVISIONING_DAG
from tests import clusters
from tests.contract.test_odd_answers import SOMEBODY_ELSE, Impostor, client_of, message
from tests.integration.engine_harness import (
    DEPLOY,
    HANDLE,
    MARK_ACTIVE,
    ORDER,
    RUN,
    SCHEMA,
    STORAGE,
    VALIDATE,
    WAIT,
    EngineHarness,
    lease,
)
from tests.integration.test_engine_reconcile import mark

Fault = Callable[[EngineHarness], Any]


@dataclass(frozen=True)
class PlatformFaultKind:
    """A fault of the platform: a context in which it is there, what is said of it, and the activities that meet it."""

    fault: Fault
    sentence: str
    cause: Cause
    activities: tuple[ActivityName, ...]

    def __str__(self) -> str:
        return self.fault.__name__


@contextmanager
def _with(harness: EngineHarness, **changes: Any) -> Iterator[None]:
    before, harness.tenancy = harness.tenancy, replace(harness.tenancy, **changes)
    yield
    harness.tenancy = before


def _clients(harness: EngineHarness, **systems: Callable[..., Any]) -> Any:
    return _with(harness, clients=replace(harness.tenancy.clients, **systems))


def _no_connection(*_: Any) -> Any:
    raise PlatformError("The Airflow connection tenancy_x does not exist.", cause=Cause.PLATFORM_CONNECTION)


def region_gone_from_the_platform_file(harness: EngineHarness) -> Any:
    return _with(harness, platform=replace(harness.tenancy.platform, regions={}))


def plan_gone_from_the_platform_file(harness: EngineHarness) -> Any:
    return _with(harness, platform=replace(harness.tenancy.platform, plans={}))


def key_gone_from_the_key_ring(harness: EngineHarness) -> Any:
    return _with(harness, keyring=Keyring("k9", {"k9": b"x" * 32}))


def no_storage_connection(harness: EngineHarness) -> Any:
    return _clients(harness, storage=_no_connection)


def no_airflow_connection(harness: EngineHarness) -> Any:
    return _clients(harness, handles=_no_connection)


def no_cluster_connection(harness: EngineHarness) -> Any:
    return _clients(harness, cluster=_no_connection)


def storage_password_rotated(harness: EngineHarness) -> Any:
    """The server is the real one: SQLSTATE 28P01."""
    right = harness.tenancy.clients.storage

    def wrong(region: Region) -> StorageServer:
        return StorageServer(replace(right(region).dsn, password="the-old-one"))

    return _clients(harness, storage=wrong)


def cluster_token_replaced(harness: EngineHarness) -> Any:
    """The API server is the emulator: 401."""
    host, authority = harness.kubernetes._server.url, harness.kubernetes._server.ca_file

    def wrong(_: Region) -> Cluster:
        entered = Configuration(host=host, api_key={"BearerToken": "Bearer the-old-one"})
        entered.ssl_ca_cert = authority
        return open_cluster(entered, clusters.LABEL, connection="tenancy_cluster_eu")

    return _clients(harness, cluster=wrong)


@contextmanager
def airflow_login_refused(harness: EngineHarness) -> Iterator[None]:
    impostor = Impostor()
    impostor.lets_in = False
    impostor.says = message("401 Unauthorized", b'{"detail": "Invalid credentials"}')
    with impostor.serving() as url, _clients(harness, handles=lambda: AirflowApi(client_of(url))):
        yield


@contextmanager
def login_page_before_airflow(harness: EngineHarness) -> Iterator[None]:
    impostor = Impostor()
    impostor.says = SOMEBODY_ELSE["login page"]
    with impostor.serving() as url, _clients(harness, handles=lambda: AirflowApi(client_of(url))):
        yield


@contextmanager
def no_pool(harness: EngineHarness) -> Iterator[None]:
    pools, harness.handles.pools = harness.handles.pools, set()
    yield
    harness.handles.pools = pools


KINDS = [
    PlatformFaultKind(
        region_gone_from_the_platform_file,
        "The platform file has no region",
        Cause.PLATFORM_FILE,
        (STORAGE, DEPLOY),
    ),
    PlatformFaultKind(
        plan_gone_from_the_platform_file,
        "The platform file has no plan",
        Cause.PLATFORM_FILE,
        (STORAGE, HANDLE, DEPLOY),
    ),
    PlatformFaultKind(
        key_gone_from_the_key_ring, "The credential key", Cause.PLATFORM_CREDENTIALS, (HANDLE, SCHEMA, DEPLOY)
    ),
    PlatformFaultKind(no_storage_connection, "The Airflow connection", Cause.PLATFORM_CONNECTION, (STORAGE, SCHEMA)),
    PlatformFaultKind(
        no_airflow_connection, "The Airflow connection", Cause.PLATFORM_CONNECTION, (HANDLE, MARK_ACTIVE)
    ),
    PlatformFaultKind(
        no_cluster_connection, "The Airflow connection", Cause.PLATFORM_CONNECTION, (DEPLOY, WAIT, MARK_ACTIVE)
    ),
    PlatformFaultKind(
        storage_password_rotated, "password authentication failed", Cause.STORAGE_CREDENTIALS, (STORAGE, MARK_ACTIVE)
    ),
    PlatformFaultKind(
        cluster_token_replaced, "tenancy_cluster_eu", Cause.CLUSTER_CREDENTIALS, (DEPLOY, WAIT, MARK_ACTIVE)
    ),
    PlatformFaultKind(airflow_login_refused, "tenancy_airflow_api", Cause.PLATFORM_CREDENTIALS, (HANDLE, MARK_ACTIVE)),
    PlatformFaultKind(login_page_before_airflow, "tenancy_airflow_api", Cause.ENGINE_REFUSES, (HANDLE, MARK_ACTIVE)),
    PlatformFaultKind(no_pool, "wants the Airflow pool", Cause.ENGINE_NO_POOL, (HANDLE,)),
]
ROWS = [pytest.param(kind, activity, id=f"{kind}-{activity}") for kind in KINDS for activity in kind.activities]


@pytest.mark.parametrize(("kind", "activity"), ROWS)
def test_the_tenant_is_held_and_continues_when_the_platform_is_repaired(
    harness: EngineHarness, kind: PlatformFaultKind, activity: ActivityName
):
    harness.run_until(activity)
    made = harness.external_objects
    with kind.fault(harness):
        for number in (1, 2, 3, 4, 5, 6):
            with pytest.raises(PlatformError, match=kind.sentence):
                harness.run(activity, number)
        _assert_held(harness, kind)
        harness.give_up(activity, 6)
        harness.run_failed()
        _assert_held(harness, kind)
        assert all(set(names) <= set(harness.external_objects[kind]) for kind, names in made.items())

        _end(harness)
        assert "try_again" in harness.reconcile_later()
        assert harness.runs.stored[PROVISIONING_DAG, RUN].is_live
        _assert_held(harness, kind)
    for each in ORDER[ORDER.index(activity) :]:
        harness.run(each, 7)
    assert (harness.saga.phase, harness.saga.hold.reason) == ("Active", "")
    assert {len(names) for names in harness.external_objects.values()} == {1}


def _assert_held(harness: EngineHarness, kind: PlatformFaultKind) -> None:
    saga = harness.saga
    assert (saga.phase, saga.hold.cause) == ("Provisioning", kind.cause)
    assert kind.sentence in saga.hold.reason
    assert not any(harness.facts(each) for each in (f.ProvisioningFailed, f.UnwindingStarted, f.ResourceReleasing))


def _end(harness: EngineHarness) -> None:
    """Airflow has no tries left, or somebody's version of it had fewer."""
    harness.runs.start(PROVISIONING_DAG, RUN, {})
    harness.runs.end(PROVISIONING_DAG, RUN, "failed")


def test_a_person_may_cancel_what_the_platform_holds(harness: EngineHarness):
    harness.run_until(SCHEMA)
    with no_storage_connection(harness), pytest.raises(PlatformError):
        harness.run(SCHEMA)
    actions.cancel(harness.tenancy, harness.tenant_id, by=Stamp("grace"))
    assert harness.unwind().phase == "Failed settled"


def test_a_run_that_a_person_ended_meanwhile_is_cancelled(harness: EngineHarness):
    harness.run_until(SCHEMA)
    with no_storage_connection(harness), pytest.raises(PlatformError):
        harness.run(SCHEMA)
    harness.runs.start(PROVISIONING_DAG, RUN, {})
    mark(harness, RUN, "grace")
    harness.reconcile_later()
    assert harness.saga.phase == "Cancelling"


def test_a_check_of_the_reconciler_does_not_end_the_hold(harness: EngineHarness):
    harness.run_until(SCHEMA)
    with no_storage_connection(harness), pytest.raises(PlatformError):
        harness.run(SCHEMA)
    harness.runs.start(PROVISIONING_DAG, RUN, {})
    harness.runs.states[RUN] = ("up_for_retry",)
    harness.reconcile_later()
    assert harness.saga.hold.cause is Cause.PLATFORM_CONNECTION


@pytest.mark.parametrize(
    "fault",
    [
        no_storage_connection,
        no_cluster_connection,
        no_airflow_connection,
        storage_password_rotated,
        cluster_token_replaced,
        airflow_login_refused,
    ],
)
def test_unwinding_waits_for_the_platform_and_is_never_stuck_because_of_it(harness: EngineHarness, fault: Fault):
    harness.fail_at(MARK_ACTIVE)
    harness.record_commands(c.Cancel())
    with fault(harness):
        for _ in range(5):
            assert harness.unwind().phase == "Cancelling"
            harness.record_commands(c.RenewUnwinding(harness.saga.generation))
        harness.unwind()
        assert harness.saga.hold.cause in {
            Cause.PLATFORM_CONNECTION,
            Cause.STORAGE_CREDENTIALS,
            Cause.CLUSTER_CREDENTIALS,
            Cause.PLATFORM_CREDENTIALS,
        }
    assert harness.unwind().phase == "Failed settled"
    assert harness.saga.hold.reason == ""


# -- versions


@contextmanager
def newer_ledger(harness: EngineHarness) -> Iterator[None]:
    """Its schema is the next version's already."""
    change = "update ledger.alembic_version set version_num = %s"
    with psycopg.connect(harness.server.superuser_dsn(harness.ledger.dbname), autocommit=True) as connection:
        connection.execute(change, ("9999",))
        yield
        connection.execute(change, (LEDGER_VERSION,))


@pytest.mark.parametrize("activity", [VALIDATE, STORAGE, MARK_ACTIVE])
def test_an_older_worker_beside_a_newer_ledger_leaves_the_tenant_alone(harness: EngineHarness, activity: ActivityName):
    harness.run_until(activity)
    before = harness.external_objects
    with newer_ledger(harness):
        with pytest.raises(PlatformError, match="schema is 9999"):
            harness.run(activity)
        with pytest.raises(PlatformError):
            harness.give_up(activity)
        with pytest.raises(PlatformError):
            harness.reconcile_later()
    assert harness.external_objects == before
    for each in ORDER[ORDER.index(activity) :]:
        harness.run(each, 2)
    assert harness.saga.phase == "Active"


def test_a_callback_that_could_not_record_the_fault_earlier_records_it_now(harness: EngineHarness):
    harness.run_until(SCHEMA)
    harness.record_commands(c.BeginActivity(lease(SCHEMA)))
    command = c.GiveUp(RUN, "The ledger's schema is 9999.", SCHEMA, lease(SCHEMA).holder, Cause.PLATFORM_VERSION)
    give_up(harness.tenancy, command, stamp=Stamp("saga"))
    assert (harness.saga.phase, harness.saga.hold.reason) == ("Provisioning", "The ledger's schema is 9999.")
