"""A plan, region or activity that is retired while a tenant has it: undone and observed by the ledger's records."""

from dataclasses import replace

import pytest

from tenancy.activities import registry
from tenancy.activities.registry import activity_of
from tenancy.engine.tenancy import observe_all
from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.errors import PlatformError, Refused
from tenancy.saga.names import ActivityName, RunId
from tenancy.saga.platform import Platform, Region
from tests.integration.engine_harness import (
    DEPLOY,
    HANDLE,
    MARK_ACTIVE,
    NO_OBJECTS,
    SCHEMA,
    STAMP,
    STORAGE,
    WAIT,
    EngineHarness,
)

MAKERS = (STORAGE, HANDLE, SCHEMA, DEPLOY)
KINDS = {name: activity_of(name).resources for name in MAKERS}


def _without_plan(platform: Platform) -> Platform:
    return replace(platform, plans={"business": platform.plans["business"]})


def _with_retired_plan(platform: Platform) -> Platform:
    return replace(platform, plans={**platform.plans, "starter": replace(platform.plans["starter"], offered=False)})


def _without_region(platform: Platform) -> Platform:
    elsewhere = Region("us-east", "other-s", "other-c", "us.test", 10)
    return replace(platform, regions={elsewhere.name: elsewhere})


def _with_retired_region(platform: Platform) -> Platform:
    elsewhere = Region("us-east", "other-s", "other-c", "us.test", 10)
    retired = {name: replace(region, offered=False) for name, region in platform.regions.items()}
    return replace(platform, regions={**retired, elsewhere.name: elsewhere})


RETIREMENTS = (_without_plan, _with_retired_plan, _without_region, _with_retired_region)
each_retirement = pytest.mark.parametrize("retire", RETIREMENTS, ids=lambda retire: retire.__name__.strip("_"))


def _failed(harness: EngineHarness) -> None:
    harness.fail_at(WAIT)
    harness.record_commands(c.GiveUp(RunId("run-1"), "out of tries"))


def _cancelling(harness: EngineHarness) -> None:
    harness.run_until(DEPLOY)
    harness.record_commands(c.Cancel())


def _stuck(harness: EngineHarness) -> None:
    _failed(harness)
    harness.handles.failing = 10_000
    harness.unwind()
    harness.handles.failing = 0
    harness.record_commands(c.Cancel())


def _retained(harness: EngineHarness) -> None:
    harness.run_until(MARK_ACTIVE)
    harness.handles.failing = 1
    with pytest.raises(Exception, match="does not respond"):
        harness.run(MARK_ACTIVE)
    harness.give_up(MARK_ACTIVE)
    harness.record_commands(c.Cancel())


def _decommissioning(harness: EngineHarness) -> None:
    harness.run_all()
    harness.record_commands(c.Decommission())


STATES = (_failed, _cancelling, _stuck, _retained, _decommissioning)


@each_retirement
@pytest.mark.parametrize("arrive", STATES, ids=lambda arrive: arrive.__name__.strip("_"))
def test_a_tenant_of_a_retired_plan_or_region_is_undone(harness: EngineHarness, arrive, retire):
    arrive(harness)
    entered: list[Region] = []
    clients = harness.tenancy.clients
    noting = replace(clients, storage=lambda region: entered.append(region) or clients.storage(region))
    harness.tenancy = replace(harness.tenancy, platform=retire(harness.tenancy.platform), clients=noting)
    assert harness.unwind().phase in {"Failed settled", "Decommissioned"}
    assert harness.external_objects == NO_OBJECTS
    assert {region.storage_connection for region in entered} == {"s"}  # the recorded one


@each_retirement
def test_an_active_tenant_of_a_retired_plan_or_region_is_still_observed(harness: EngineHarness, retire):
    harness.run_all()
    platform = retire(harness.tenancy.platform)
    harness.tenancy = replace(harness.tenancy, platform=platform)
    with harness.tenancy.ledger.open("test") as ledger:
        fence_command = c.CheckUnwinding(1)
        work = harness.tenancy.activity_context(
            ledger, harness.saga, application="test", stamp=STAMP, fence_command=fence_command
        )
        observations = observe_all(work)
    assert {observation.kind for observation in observations if observation.present} == {
        kind for kinds in KINDS.values() for kind in kinds
    }
    known = "starter" in platform.plans and "eu-central" in platform.regions
    assert all(o.healthy for o in observations if o.kind != "schema") is known
    assert known or any("the platform file has no" in observation.why for observation in observations)


def test_a_tenant_of_the_previous_version_names_the_region_to_put_back(harness: EngineHarness):
    """Its facts record no connection; nothing else of it is lost."""
    harness.run_until(HANDLE)
    saga = harness.saga
    resources = tuple(replace(each, system="", region="", connection="") for each in saga.resources)
    platform = _without_region(harness.tenancy.platform)
    with harness.tenancy.ledger.open("test") as ledger:
        work = replace(harness.tenancy, platform=platform).activity_context(
            ledger, replace(saga, resources=resources), application="test", stamp=STAMP, fence_command=c.Cancel()
        )
        with pytest.raises(PlatformError, match="no region eu-central any more, and a tenant has it: put it back"):
            activity_of(STORAGE).compensate(work, resources[-1])


def _installed_without(name: ActivityName):
    return tuple(activity for activity in registry.BUILT_IN if activity.name != name)


@pytest.mark.parametrize("name", MAKERS)
def test_what_an_uninstalled_activity_made_is_named_and_everything_else_is_released(
    harness: EngineHarness, name: ActivityName, monkeypatch: pytest.MonkeyPatch
):
    _failed(harness)
    with monkeypatch.context() as patched:
        patched.setattr(registry, "installed", lambda: _installed_without(name))
        after = harness.unwind()
        left = {resource.kind for resource in after.live_resources}
        assert set(KINDS[name]) <= left
        assert left <= set(KINDS[name]) | ({"schema"} if name == STORAGE else set())  # it goes with its database
        messages = [fact.message for fact in harness.facts(f.CompensationFailed) if fact.resource in KINDS[name]]
        assert messages
        assert all(f"The activity {name}, which made the " in message for message in messages)
    harness.record_commands(c.Cancel())
    assert harness.unwind().phase == "Failed settled"
    assert harness.external_objects == NO_OBJECTS


def test_what_an_uninstalled_activity_made_and_released_keeps_nobody_from_settling(
    harness: EngineHarness, monkeypatch: pytest.MonkeyPatch
):
    _failed(harness)
    harness.unwind()
    harness.record_commands(c.Reset())
    harness.run_until(SCHEMA, 5, RunId("run-2"))
    harness.record_commands(c.Cancel())
    monkeypatch.setattr(registry, "installed", lambda: _installed_without(DEPLOY))
    assert harness.unwind().phase == "Failed settled"


def test_a_new_tenant_may_not_have_what_is_retired(harness: EngineHarness):
    platform = harness.tenancy.platform
    for retire, field in ((_with_retired_plan, "plan"), (_with_retired_region, "region")):
        harness.tenancy = replace(harness.tenancy, platform=retire(platform))
        with pytest.raises(Refused, match=f"{field}: .* is not offered") as refusal:
            harness.run(ActivityName("validate_request"))
        assert refusal.value.field == field


def test_a_tenant_that_has_a_retired_plan_is_provisioned_to_its_end(harness: EngineHarness):
    harness.run_until(HANDLE)
    harness.tenancy = replace(harness.tenancy, platform=_with_retired_plan(harness.tenancy.platform))
    assert harness.run_all(2).phase == "Active"


def test_what_was_in_a_system_that_is_declared_lost_counts_as_released(harness: EngineHarness):
    """The cluster burnt down; what other systems have is undone as ever, and nobody asks the cluster."""
    _failed(harness)
    lost = next(each.system for each in harness.saga.resources if each.kind == "namespace")

    def nobody(_region: Region):
        raise AssertionError("the lost cluster was asked")

    platform = replace(harness.tenancy.platform, replaced_systems={lost: "lost"})
    clients = replace(harness.tenancy.clients, cluster=nobody)
    harness.tenancy = replace(harness.tenancy, platform=platform, clients=clients)
    assert harness.unwind().phase == "Failed settled"
    assert {kind: names for kind, names in harness.external_objects.items() if kind != "namespace"} == {
        kind: [] for kind in NO_OBJECTS if kind != "namespace"
    }
