"""A system that accepts every connection and says nothing: it costs its budget, and keeps nothing of other systems."""

import time
from contextlib import ExitStack
from dataclasses import replace

import pytest
from kubernetes.client import Configuration

from tenancy.activities.allocate_storage import AllocateStorage
from tenancy.activities.context import ActivityContext
from tenancy.adapters.airflow_api import AirflowApi
from tenancy.adapters.airflow_client import AirflowClient
from tenancy.adapters.cluster import open_cluster
from tenancy.adapters.storage import StorageServer
from tenancy.engine.recovery.budgets import SystemBudgets
from tenancy.engine.recovery.unwind import unwind
from tenancy.engine.tenancy import Tenancy
from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.causes import UNREACHABLE
from tenancy.saga.errors import TransientError
from tenancy.saga.tenant import Resource
from tenancy.saga.unwinding_rules import RENEWALS
from tests import clusters, real_systems
from tests.contract.unexpected_servers import silent
from tests.integration.engine_harness import NO_OBJECTS, RUN, STAMP, WAIT, EngineHarness

STORAGE, ENGINE, CLUSTER = {"role", "database", "schema"}, {"connection"}, {"namespace", "release"}
KINDS = {"storage": STORAGE, "engine": ENGINE, "cluster": CLUSTER}
BUDGET = 4.0
CONNECTING = 5.0
"""adapters/dsn.py: how long libpq waits for a server, whatever budget is left."""


def _with_silent(harness: EngineHarness, stack: ExitStack, systems: set[str]) -> Tenancy:
    """The harness's platform on a real clock, with these systems replaced by silent ones."""
    url = f"http://127.0.0.1:{(port := stack.enter_context(silent()))}"
    clients, usual = harness.tenancy.clients, harness.tenancy.clients
    if "storage" in systems:
        dsn = replace(
            real_systems.as_dsn(harness.server.superuser_dsn(), "the storage of region eu-central"), port=port
        )
        clients = replace(clients, storage=lambda _: StorageServer(dsn))
    if "engine" in systems:
        client = AirflowClient(url, user="u", password="p", read_seconds=1.0)
        clients = replace(clients, handles=lambda: AirflowApi(client))
    if "cluster" in systems:
        clients = replace(clients, cluster=lambda _: open_cluster(Configuration(host=url), clusters.LABEL))
    assert clients is not usual
    timings = replace(harness.tenancy.timings, system_budget=BUDGET, grace=0.0)
    return replace(harness.tenancy, clients=clients, timings=timings, monotonic=time.monotonic, sleep=lambda _: None)


@pytest.mark.parametrize(
    "systems",
    [{"cluster"}, {"storage"}, {"engine"}, {"cluster", "storage"}, {"cluster", "engine"}, {"storage", "engine"}],
    ids=lambda systems: " and ".join(sorted(systems)),
)
def test_what_other_systems_have_is_released_first_and_the_rest_once_the_system_responds(
    harness: EngineHarness, systems: set[str]
):
    harness.fail_at(WAIT)
    harness.record_commands(c.GiveUp(RUN, "out of tries"))
    silent_kinds = set().union(*(KINDS[system] for system in systems))
    with ExitStack() as stack:
        tenancy = _with_silent(harness, stack, systems)
        began = time.monotonic()
        with pytest.raises(TransientError, match="Not undone yet"):
            unwind(tenancy, harness.tenant_id, harness.saga.generation, stamp=STAMP, last_try=False)
        took = time.monotonic() - began
        assert {resource.kind for resource in harness.saga.live_resources} == silent_kinds
        assert {fact.resource for fact in harness.facts(f.CompensationFailed)} <= silent_kinds
        after = unwind(tenancy, harness.tenant_id, harness.saga.generation, stamp=STAMP, last_try=True)
    assert took < len(systems) * (BUDGET + CONNECTING) + 10  # what answers needs some seconds on a busy machine
    assert after.phase == "Failed unwinding"
    assert after.hold.platform_fault is not None
    assert after.hold.platform_fault.cause in UNREACHABLE
    assert not harness.facts(f.UnwindingExhausted)
    assert harness.unwind().phase == "Failed settled"
    assert harness.external_objects == NO_OBJECTS


def test_a_system_that_responds_at_the_end_of_its_time_makes_nobody_stuck(harness: EngineHarness):
    """Found by a chaos trial (seed 1281): the database was released in the last round of the last try, and its role had
    no time left."""
    harness.fail_at(WAIT)
    harness.record_commands(c.GiveUp(RUN, "out of tries"))
    budget = harness.tenancy.timings.system_budget
    original = AllocateStorage.compensate

    def slow(activity: AllocateStorage, context: ActivityContext, resource: Resource) -> None:
        original(activity, context, resource)
        harness.now += budget

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(AllocateStorage, "compensate", slow)
        with pytest.raises(TransientError, match="Not undone yet: "):
            harness.unwind(last_try=True)
    assert harness.saga.phase == "Failed unwinding"
    assert {resource.kind for resource in harness.saga.live_resources} == {"role", "schema"}
    assert not harness.facts(f.UnwindingExhausted)
    assert harness.unwind().phase == "Failed settled"
    assert harness.external_objects == NO_OBJECTS


def test_runs_in_which_a_turn_never_comes_end_all_the_same(harness: EngineHarness):
    harness.fail_at(WAIT)
    harness.record_commands(c.GiveUp(RUN, "out of tries"))
    nobody_has_time = replace(harness.tenancy.timings, system_budget=0.0)
    harness.tenancy = replace(harness.tenancy, timings=nobody_has_time)
    for _ in range(RENEWALS + 1):
        with pytest.raises(TransientError, match="Not undone yet: "):
            harness.unwind(last_try=True)
        harness.record_commands(c.RenewUnwinding(harness.saga.generation))
    assert harness.saga.phase == "Failed stuck"


def test_a_silent_system_is_asked_within_its_budget_only():
    now = 0.0
    budgets = SystemBudgets(12.0, lambda: now)
    with budgets.spending("cluster") as seconds:
        assert seconds == 12.0
        now += 10.0
    with budgets.spending("cluster") as seconds:
        assert seconds == 2.0
        now += 3.0
    assert (budgets.left("cluster"), budgets.left("storage")) == (0.0, 12.0)
    assert not budgets.may_try_again("cluster")


def test_a_system_that_asks_to_wait_is_tried_in_the_next_pass_only():
    budgets = SystemBudgets(12.0, lambda: 0.0)
    assert budgets.longest_wait is None
    budgets.leave_alone("cluster", 7)
    budgets.leave_alone("cluster", 3)
    assert (budgets.may_try_again("cluster"), budgets.may_try_again("storage")) == (False, True)
    assert budgets.longest_wait == 7


def test_a_dependency_that_a_server_refuses_is_tried_again_in_the_next_round(harness: EngineHarness):
    """A role cannot be dropped before its database; the database is released one round later here."""
    harness.fail_at(WAIT)
    harness.handles.failing = 1
    harness.record_commands(c.GiveUp(RUN, "out of tries"))
    assert harness.unwind().phase == "Failed settled"
    assert [fact.resource for fact in harness.facts(f.CompensationFailed)] == ["connection"]
    released = [fact.resource for fact in harness.facts(f.ResourceReleased)]
    assert released == ["release", "namespace", "database", "schema", "role", "connection"]
