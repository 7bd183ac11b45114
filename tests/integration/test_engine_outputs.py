"""Outputs: what an activity returns is recorded, and later activities and the values template have it."""

import pytest

from tenancy.activities.activity import Activity
from tenancy.activities.allocate_workflow_handle import AllocateWorkflowHandle
from tenancy.activities.context import ActivityContext
from tenancy.activities.registry import activity_of
from tenancy.activities.workload_values import variables_of
from tenancy.ledger.envelope import find_chain_break
from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.errors import PlatformError
from tenancy.saga.outputs import Outputs
from tests.integration.engine_harness import DEPLOY, HANDLE, EngineHarness

OUTPUTS: Outputs = {"url": "https://jobs.example/acme", "slots": 3, "share": 0.5, "shared": False}


@pytest.fixture
def returning(monkeypatch: pytest.MonkeyPatch) -> None:
    """The workflow handle is made as usual, and its activity returns outputs."""
    original = AllocateWorkflowHandle.run

    def run(activity: AllocateWorkflowHandle, context: ActivityContext) -> Outputs:
        original(activity, context)
        return OUTPUTS

    monkeypatch.setattr(AllocateWorkflowHandle, "run", run)
    monkeypatch.setattr(AllocateWorkflowHandle, "example_outputs", OUTPUTS)


@pytest.mark.usefixtures("returning")
def test_outputs_are_recorded_with_the_completion(harness: EngineHarness):
    harness.run_until(DEPLOY)
    assert harness.facts(f.ActivityCompleted)[-2].outputs == OUTPUTS
    assert harness.saga.outputs == {HANDLE: OUTPUTS}
    assert find_chain_break(harness.envelopes) is None


@pytest.mark.usefixtures("returning")
def test_later_activities_and_the_template_have_them(harness: EngineHarness, monkeypatch: pytest.MonkeyPatch):
    found: list[object] = []
    deploy: Activity = activity_of(DEPLOY)
    original = type(deploy).run

    def run(activity: Activity, context: ActivityContext) -> Outputs | None:
        found.extend([context.outputs[HANDLE], variables_of(context)["outputs"][HANDLE]])
        return original(activity, context)

    monkeypatch.setattr(type(deploy), "run", run)
    harness.run_until(DEPLOY)
    harness.run(DEPLOY)
    assert found == [OUTPUTS, OUTPUTS]


@pytest.mark.usefixtures("returning")
def test_a_task_that_runs_again_records_them_once_more(harness: EngineHarness):
    harness.run_until(DEPLOY)
    harness.run(HANDLE, number=2)
    assert harness.saga.outputs == {HANDLE: OUTPUTS}


@pytest.mark.usefixtures("returning")
def test_a_tenant_that_is_gone_has_none(harness: EngineHarness):
    harness.run_until(DEPLOY)
    harness.record_commands(c.Cancel())
    harness.unwind()
    assert harness.saga.outputs == {}


@pytest.mark.usefixtures("returning")
def test_outputs_that_are_not_the_declared_ones_hold_the_tenant(
    harness: EngineHarness, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(AllocateWorkflowHandle, "example_outputs", {"url": ""})
    harness.run_until(HANDLE)
    with pytest.raises(PlatformError, match="slots is not declared"):
        harness.run(HANDLE)
    assert harness.saga.hold.platform_fault
    monkeypatch.setattr(AllocateWorkflowHandle, "example_outputs", OUTPUTS)
    harness.run(HANDLE, number=2)
    assert harness.saga.outputs == {HANDLE: OUTPUTS}
