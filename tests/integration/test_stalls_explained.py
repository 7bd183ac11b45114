"""What keeps an activity that hangs without an error: the reconciler finds it out, and says so when it is over."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from tenancy.adapters.storage import LockPolicy, StorageServer
from tenancy.engine.actions import actions
from tenancy.engine.reconciliation.hold_detection import HoldDetector
from tenancy.engine.reconciliation.stalls import record_stalls
from tenancy.engine.tenancy import unwinder_name
from tenancy.engine.workflow import COMPENSATION_DAG, compensation_run_id
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import Ledger, utc_now
from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.causes import Cause
from tenancy.saga.names import ActivityName, RunId
from tenancy.saga.platform import Region
from tests import real_systems
from tests.conformance.server import eventually
from tests.contract.fake_handles import FakeHandles
from tests.integration.engine_harness import DEPLOY, HANDLE, SCHEMA, STORAGE, EngineHarness, lease

STALLED = timedelta(minutes=6)


@pytest.fixture
def run(harness: EngineHarness) -> RunId:
    """Of a tenant whose task is at work all the time."""
    run_id: RunId = actions.create(harness.tenancy, real_systems.request(), by=Stamp("grace")).saga.run_id
    harness.runs.states[run_id] = ("running",)
    return run_id


def stalls_only(harness: EngineHarness) -> None:
    """What the reconciler does about stalls, so much later."""
    ledger = Ledger(harness.ledger, clock=lambda: utc_now() + STALLED)
    with ledger.open("tenancy reconcile") as opened:
        record_stalls(
            harness.tenancy, opened, HoldDetector(lambda: harness.runs, opened.now, harness.tenancy.product_of)
        )


@contextmanager
def _held_by(harness: EngineHarness, who: str) -> Iterator[None]:
    """Somebody of this name holds the tenant's lock."""
    with (
        harness.tenancy.ledger.open(who) as session,
        session.hold_lock(harness.tenant_id, patience_seconds=1, may_evict=lambda _: False),
    ):
        yield


def passes(harness: EngineHarness, elapsed: timedelta = STALLED) -> None:
    """One pass of the reconciler so much later."""
    harness.reconcile_later(elapsed)


def assert_stalled(harness: EngineHarness, activity: ActivityName, cause: Cause, message: str) -> None:
    """Recorded once, however often it is looked at."""
    passes(harness)
    passes(harness)
    (stalled,) = harness.facts(f.ProvisioningStalled)
    assert (stalled.activity, stalled.cause) == (activity, cause)
    assert message in stalled.message


def assert_over(harness: EngineHarness) -> None:
    passes(harness, timedelta())
    assert len(harness.facts(f.StallCleared)) == 1
    assert harness.saga.stall is None


def namespace_of(harness: EngineHarness) -> str:
    return f"acme-{harness.tenant_id.hex[-10:]}"


def await_end(harness: EngineHarness, namespace: str) -> None:
    """Until the namespace is gone."""

    def is_gone() -> bool:
        return namespace not in [each["metadata"]["name"] for each in harness.kubernetes.items("/api/v1/namespaces")]

    eventually(is_gone)


def test_the_holder_of_the_tenants_lock_is_named(harness: EngineHarness, run: RunId):
    harness.run_until(SCHEMA, run_id=run)
    with _held_by(harness, "a stranger"):
        assert_stalled(harness, SCHEMA, Cause.LOCK_HELD, "The tenant's lock is held by")
        assert "a stranger" in harness.facts(f.ProvisioningStalled)[0].message
    harness.run(SCHEMA, run_id=run)
    assert_over(harness)


def test_what_waited_in_a_queue_has_its_whole_time_when_its_turn_has_come(harness: EngineHarness, run: RunId):
    harness.run_until(SCHEMA, run_id=run)
    harness.runs.states[run] = ("queued",)
    passes(harness, 4 * STALLED)
    assert harness.saga.hold.cause is Cause.ENGINE_QUEUE
    harness.runs.states[run] = ("running",)
    passes(harness, 4 * STALLED + timedelta(minutes=1))
    assert (harness.saga.hold.cause, harness.facts(f.ProvisioningStalled)) == (None, [])
    passes(harness, 5 * STALLED)
    assert len(harness.facts(f.ProvisioningStalled)) == 1


@pytest.mark.parametrize("by_a_callback", [True, False])
def test_a_process_that_unwinds_a_tenant_is_no_stranger_to_it(harness: EngineHarness, run: RunId, by_a_callback: bool):
    harness.run_until(SCHEMA, run_id=run)
    generation = harness.record_commands(c.Cancel()).generation
    if not by_a_callback:
        harness.runs.start(COMPENSATION_DAG, compensation_run_id(harness.saga), {})
        harness.runs.states[compensation_run_id(harness.saga)] = ("running",)
    harness.record_commands(c.CheckUnwinding(generation))
    with _held_by(harness, unwinder_name(generation, "a task")):
        stalls_only(harness)
    (stalled,) = harness.facts(f.ProvisioningStalled)
    message = "Its compensations have not ended yet, and none of them has failed."
    assert (stalled.cause, stalled.message) == (Cause.UNKNOWN, message)


def test_a_process_that_unwinds_for_an_older_generation_is_a_stranger(harness: EngineHarness, run: RunId):
    harness.run_until(SCHEMA, run_id=run)
    generation = harness.record_commands(c.Cancel()).generation
    with _held_by(harness, unwinder_name(generation - 1, "a task")):
        stalls_only(harness)
    assert harness.facts(f.ProvisioningStalled)[0].cause == Cause.LOCK_HELD


def test_a_stall_keeps_its_cause_while_the_next_try_waits_for_a_moment(harness: EngineHarness, run: RunId):
    harness.run_until(SCHEMA, run_id=run)
    with _held_by(harness, "a stranger"):
        passes(harness)
        harness.runs.states[run], harness.runs.moved_at = ("success", "queued"), utc_now() + STALLED
        passes(harness, STALLED + timedelta(seconds=15))
        assert (harness.saga.stall and harness.saga.stall.cause, harness.saga.hold.reason) == (Cause.LOCK_HELD, "")
        passes(harness, STALLED + timedelta(seconds=25))
    assert harness.saga.hold.cause is Cause.ENGINE_QUEUE


def test_a_pool_that_there_is_not_is_named(harness: EngineHarness, run: RunId):
    harness.run_until(HANDLE, run_id=run)
    usual, harness.handles = harness.handles, FakeHandles()
    assert_stalled(harness, HANDLE, Cause.ENGINE_NO_POOL, f"There is no Airflow pool {real_systems.POOL}.")
    harness.handles = usual
    harness.run(HANDLE, run_id=run)
    assert_over(harness)


def test_what_keeps_an_old_namespace_from_ending_is_named(harness: EngineHarness, run: RunId):
    harness.run_until(DEPLOY, run_id=run)
    name, kubernetes = namespace_of(harness), harness.kubernetes
    kubernetes.ask("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    held = {"metadata": {"name": "held", "finalizers": ["example.com/backup"]}}
    kubernetes.ask("POST", f"/api/v1/namespaces/{name}/configmaps", held)
    kubernetes.ask("DELETE", f"/api/v1/namespaces/{name}")
    eventually(lambda: kubernetes.ask("GET", f"/api/v1/namespaces/{name}")["status"].get("conditions"))  # it has begun
    assert_stalled(harness, DEPLOY, Cause.CLUSTER_ENDING, "example.com/backup")
    kubernetes.merge(f"/api/v1/namespaces/{name}/configmaps/held", {"metadata": {"finalizers": []}})
    await_end(harness, name)
    harness.run(DEPLOY, run_id=run)
    assert_over(harness)


@pytest.mark.parametrize(
    ("status", "cause"), [("pending-install", Cause.HELM_PENDING), ("failed", Cause.HELM_FAILED)], ids=str
)
def test_the_state_in_which_helm_left_a_release_is_reported(
    harness: EngineHarness, run: RunId, status: str, cause: Cause
):
    """As Helm stores it: a Secret with a label."""
    harness.run_until(DEPLOY, run_id=run)
    name = namespace_of(harness)
    labels = {"owner": "helm", "name": name, "status": status, "version": "1"}
    secret = {"metadata": {"name": f"sh.helm.release.v1.{name}.v1", "labels": labels}, "type": "helm.sh/release.v1"}
    harness.kubernetes.ask("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    harness.kubernetes.ask("POST", f"/api/v1/namespaces/{name}/secrets", secret)
    assert_stalled(harness, DEPLOY, cause, f"The release {name} is {status}.")
    harness.kubernetes.ask("DELETE", f"/api/v1/namespaces/{name}")
    await_end(harness, name)
    harness.run(DEPLOY, run_id=run)
    assert_over(harness)


@pytest.mark.parametrize("moves", ["to its next try", "to its next activity", "to its undoing"])
def test_its_own_task_that_took_the_lock_during_the_check_is_no_stranger(
    harness: EngineHarness, run: RunId, moves: str
):
    """A look at a busy system takes seconds, and the tenant continues meanwhile."""
    harness.run_until(STORAGE, run_id=run)
    harness.record_commands(c.BeginActivity(lease(STORAGE, 1, run)))
    real, holders, went_on = harness.tenancy.clients.storage, ExitStack(), list[str]()

    def slow(region: Region) -> StorageServer:
        if not went_on:
            went_on.append(moves)
            holders.enter_context(_held_by(harness, go_on(harness, run, moves)))
        return real(region)

    with holders:
        slowly = replace(harness.tenancy, clients=replace(harness.tenancy.clients, storage=slow))
        ledger = Ledger(harness.ledger, clock=lambda: utc_now() + STALLED)
        with ledger.open("tenancy reconcile") as opened:
            record_stalls(slowly, opened, HoldDetector(lambda: harness.runs, opened.now, harness.tenancy.product_of))
    assert all(stalled.cause is not Cause.LOCK_HELD for stalled in harness.facts(f.ProvisioningStalled))


def go_on(harness: EngineHarness, run: RunId, how: str) -> str:
    """What its own next process records, and that process's name."""
    if how == "to its undoing":
        return unwinder_name(harness.record_commands(c.Cancel()).generation, "a task")
    if how == "to its next try":
        harness.record_commands(c.BeginActivity(lease(STORAGE, 2, run)))
        return "tenancy run ti-000002"
    harness.record_commands(c.CompleteActivity(lease(STORAGE, 1, run)), c.BeginActivity(lease(HANDLE, 2, run)))
    return "tenancy run ti-000002"


def test_a_session_that_blocks_unwinding_on_the_storage_server_is_named(harness: EngineHarness, run: RunId):
    """As a backend that is stopped in the middle of CREATE DATABASE, and cannot be ended."""
    harness.run_until(SCHEMA, run_id=run)
    harness.record_commands(c.Cancel())
    policy = LockPolicy("tenancy run ti-000001", 1.0, lambda _: False, lambda *_: None)
    region = harness.tenancy.platform.regions[real_systems.REGION]
    with harness.tenancy.clients.storage(region).locked_session(harness.tenant_id, policy):
        stalls_only(harness)
    (stalled,) = harness.facts(f.ProvisioningStalled)
    assert stalled.cause == Cause.STORAGE_BLOCKED
    assert "tenancy run ti-000001 (backend " in stalled.message
