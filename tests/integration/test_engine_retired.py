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
from tests.integration.engine_harness import DEPLOY, FLIP, HANDLE, NOTHING, SCHEMA, STAMP, STORAGE, WAIT, Stage

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


def _failed(stage: Stage) -> None:
    stage.fail_at(WAIT)
    stage.ask(c.GiveUp(RunId("run-1"), "out of tries"))


def _cancelling(stage: Stage) -> None:
    stage.run_until(DEPLOY)
    stage.ask(c.Cancel())


def _stuck(stage: Stage) -> None:
    _failed(stage)
    stage.handles.failing = 10_000
    stage.unwind()
    stage.handles.failing = 0
    stage.ask(c.Cancel())


def _retained(stage: Stage) -> None:
    stage.run_until(FLIP)
    stage.handles.failing = 1
    with pytest.raises(Exception, match="does not answer"):
        stage.run(FLIP)
    stage.give_up(FLIP)
    stage.ask(c.Cancel())


def _decommissioning(stage: Stage) -> None:
    stage.run_all()
    stage.ask(c.Decommission())


STATES = (_failed, _cancelling, _stuck, _retained, _decommissioning)


@each_retirement
@pytest.mark.parametrize("arrive", STATES, ids=lambda arrive: arrive.__name__.strip("_"))
def test_a_tenant_of_a_retired_plan_or_region_is_undone(stage: Stage, arrive, retire):
    arrive(stage)
    entered: list[Region] = []
    clients = stage.tenancy.clients
    noting = replace(clients, storage=lambda region: entered.append(region) or clients.storage(region))
    stage.tenancy = replace(stage.tenancy, platform=retire(stage.tenancy.platform), clients=noting)
    assert stage.unwind().phase in {"Failed settled", "Decommissioned"}
    assert stage.outside == NOTHING
    assert {region.storage_connection for region in entered} == {"s"}  # the recorded one


@each_retirement
def test_an_active_tenant_of_a_retired_plan_or_region_is_still_observed(stage: Stage, retire):
    stage.run_all()
    platform = retire(stage.tenancy.platform)
    stage.tenancy = replace(stage.tenancy, platform=platform)
    with stage.tenancy.ledger.open("test") as ledger:
        wanted = c.StartUnwinding(1)
        work = stage.tenancy.activity_context(ledger, stage.saga, application="test", stamp=STAMP, wanted=wanted)
        observations = observe_all(work)
    assert {observation.kind for observation in observations if observation.present} == {
        kind for kinds in KINDS.values() for kind in kinds
    }
    known = "starter" in platform.plans and "eu-central" in platform.regions
    assert all(o.healthy for o in observations if o.kind != "schema") is known
    assert known or any("the platform file has no" in observation.why for observation in observations)


def test_a_tenant_of_the_previous_version_names_the_region_to_put_back(stage: Stage):
    """Its facts record no connection; nothing else of it is lost."""
    stage.run_until(HANDLE)
    saga = stage.saga
    resources = tuple(replace(each, system="", region="", connection="") for each in saga.resources)
    platform = _without_region(stage.tenancy.platform)
    with stage.tenancy.ledger.open("test") as ledger:
        work = replace(stage.tenancy, platform=platform).activity_context(
            ledger, replace(saga, resources=resources), application="test", stamp=STAMP, wanted=c.Cancel()
        )
        with pytest.raises(PlatformError, match="no region eu-central any more, and a tenant has it: put it back"):
            activity_of(STORAGE).compensate(work, resources[-1])


def _installed_without(name: ActivityName):
    return tuple(activity for activity in registry.INSTALLED if activity.name != name)


@pytest.mark.parametrize("name", MAKERS)
def test_what_an_uninstalled_activity_made_is_named_and_everything_else_is_released(
    stage: Stage, name: ActivityName, monkeypatch: pytest.MonkeyPatch
):
    _failed(stage)
    with monkeypatch.context() as patched:
        patched.setattr(registry, "INSTALLED", _installed_without(name))
        after = stage.unwind()
        left = {resource.kind for resource in after.live_resources}
        assert set(KINDS[name]) <= left
        assert left <= set(KINDS[name]) | ({"schema"} if name == STORAGE else set())  # it goes with its database
        messages = [fact.message for fact in stage.facts(f.CompensationFailed) if fact.resource in KINDS[name]]
        assert messages
        assert all(f"The activity {name}, which made the " in message for message in messages)
    stage.ask(c.Cancel())
    assert stage.unwind().phase == "Failed settled"
    assert stage.outside == NOTHING


def test_what_an_uninstalled_activity_made_and_released_keeps_nobody_from_settling(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    _failed(stage)
    stage.unwind()
    stage.ask(c.Reset())
    stage.run_until(SCHEMA, 5, RunId("run-2"))
    stage.ask(c.Cancel())
    monkeypatch.setattr(registry, "INSTALLED", _installed_without(DEPLOY))
    assert stage.unwind().phase == "Failed settled"


def test_a_new_tenant_may_not_have_what_is_retired(stage: Stage):
    platform = stage.tenancy.platform
    for retire, field in ((_with_retired_plan, "plan"), (_with_retired_region, "region")):
        stage.tenancy = replace(stage.tenancy, platform=retire(platform))
        with pytest.raises(Refused, match=f"{field}: .* is not offered") as refusal:
            stage.run(ActivityName("validate_request"))
        assert refusal.value.field == field


def test_a_tenant_that_has_a_retired_plan_is_provisioned_to_its_end(stage: Stage):
    stage.run_until(HANDLE)
    stage.tenancy = replace(stage.tenancy, platform=_with_retired_plan(stage.tenancy.platform))
    assert stage.run_all(2).phase == "Active"


def test_what_was_in_a_system_that_is_declared_lost_counts_as_released(stage: Stage):
    """The cluster burnt down; what other systems have is undone as ever, and nobody asks the cluster."""
    _failed(stage)
    lost = next(each.system for each in stage.saga.resources if each.kind == "namespace")

    def nobody(_region: Region):
        raise AssertionError("the lost cluster was asked")

    platform = replace(stage.tenancy.platform, replaced_systems={lost: "lost"})
    clients = replace(stage.tenancy.clients, cluster=nobody)
    stage.tenancy = replace(stage.tenancy, platform=platform, clients=clients)
    assert stage.unwind().phase == "Failed settled"
    assert {kind: names for kind, names in stage.outside.items() if kind != "namespace"} == {
        kind: [] for kind in NOTHING if kind != "namespace"
    }
