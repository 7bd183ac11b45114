"""One activity for one task instance: lease, intents, lock, effect, outcome, in that order."""

from dataclasses import replace

import pytest

from tenancy.adapters.dsn import Dsn
from tenancy.adapters.storage import StorageServer
from tenancy.engine.provisioning.retry_window import TURN_TRIES
from tenancy.ledger.envelope import find_chain_break
from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.errors import OutOfTurn, PermanentError, Refused, StaleLease, TransientError
from tenancy.saga.names import ActivityName, RunId
from tenancy.saga.states import ResourceState, StepStatus
from tests.integration.engine_harness import (
    HANDLE,
    MARK_ACTIVE,
    NO_OBJECTS,
    ORDER,
    SCHEMA,
    STORAGE,
    VALIDATE,
    EngineHarness,
    lease,
)

AFTER_FIRST = ORDER[1:]


def test_all_activities_in_order_make_the_tenant_active(harness: EngineHarness):
    assert harness.run_all().phase == "Active"
    assert [fact.activity for fact in harness.facts(f.ActivityCompleted)] == list(ORDER)
    assert isinstance(harness.envelopes[-1].fact, f.ProvisioningCompleted)
    assert find_chain_break(harness.envelopes) is None
    assert {len(names) for names in harness.external_objects.values()} == {1}
    assert all(resource.state is ResourceState.PRESENT for resource in harness.saga.resources)


def test_every_fact_of_a_task_carries_its_lease_and_who_triggered_it(harness: EngineHarness):
    harness.run_all(number=4)
    assert {(envelope.stamp.actor, envelope.stamp.lease) for envelope in harness.envelopes} == {("ada", "ti-000004")}


def test_what_will_be_made_is_recorded_before_it_is(harness: EngineHarness):
    harness.run_until(HANDLE)
    observed: list[tuple[list[str], list[str]]] = []

    def look() -> None:
        observed.append(
            ([fact.resource for fact in harness.facts(f.ResourceIntended)], harness.external_objects["connection"])
        )

    harness.handles.meanwhile = look
    harness.run(HANDLE)
    assert observed == [(["role", "database", "connection"], [])]


def test_a_try_that_failed_is_recorded_with_its_error_and_the_next_one_continues(harness: EngineHarness):
    harness.run_until(HANDLE)
    harness.handles.failing = 1
    with pytest.raises(TransientError):
        harness.run(HANDLE)
    (failed,) = harness.facts(f.ActivityFailed)
    assert (failed.activity, failed.error) == (HANDLE, "TransientError")
    assert failed.message == "The workflow engine does not respond."
    assert harness.saga.step(HANDLE).status is StepStatus.FAILED
    assert harness.run(HANDLE, 2).step(HANDLE).status is StepStatus.DONE


@pytest.mark.parametrize("error", [KeyboardInterrupt("stop"), SystemExit(143), RuntimeError("a bug\0 with a NUL")])
def test_whatever_ends_a_task_is_reported_in_the_error_log(harness: EngineHarness, error: BaseException):
    harness.run_until(HANDLE)

    def die() -> None:
        raise error

    harness.handles.meanwhile = die
    with pytest.raises(type(error)):
        harness.run(HANDLE)
    (failed,) = harness.facts(f.ActivityFailed)
    assert failed.error == type(error).__name__
    assert failed.message == f"{type(error).__name__}: {error}".replace("\0", "")


def test_an_error_as_long_as_a_book_is_cut(harness: EngineHarness):
    harness.run_until(HANDLE)

    def die() -> None:
        raise PermanentError("x" * 100_000)

    harness.handles.meanwhile = die
    with pytest.raises(PermanentError):
        harness.run(HANDLE)
    assert len(harness.facts(f.ActivityFailed)[0].message) == 2000


@pytest.mark.parametrize("activity", ORDER)
def test_a_done_activity_that_is_run_again_passes_and_makes_nothing_new(harness: EngineHarness, activity: ActivityName):
    harness.run_until(MARK_ACTIVE)
    if activity == MARK_ACTIVE:
        harness.handles.failing = 1
        with pytest.raises(TransientError):
            harness.run(MARK_ACTIVE)
    before = harness.external_objects
    assert harness.run(activity, 2).step(activity).status is StepStatus.DONE
    assert harness.external_objects == before


def test_the_same_task_instance_may_begin_twice(harness: EngineHarness):
    """Airflow starts a task again under its old id after a lost worker that had not begun its first heartbeat."""
    harness.run_until(HANDLE)
    harness.handles.meanwhile = lambda: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        harness.run(HANDLE)
    assert harness.run(HANDLE).step(HANDLE).status is StepStatus.DONE


@pytest.mark.parametrize("activity", AFTER_FIRST)
def test_an_activity_of_a_run_without_a_tenant_is_refused(harness: EngineHarness, activity: ActivityName):
    with pytest.raises(Refused, match="This run provisions no tenant: its validate_request is not done"):
        harness.run(activity)
    assert harness.external_objects == NO_OBJECTS


@pytest.mark.parametrize("activity", ORDER[2:])
def test_an_activity_before_its_turn_is_refused_whatever_airflows_marks_say(
    harness: EngineHarness, activity: ActivityName
):
    harness.run_until(STORAGE)
    with pytest.raises(Refused, match="allocate_storage is not done, whatever state Airflow shows"):
        harness.run(activity)
    assert harness.external_objects == NO_OBJECTS
    (refused,) = harness.facts(f.ActivityRefused)
    assert refused.activity == activity
    assert harness.saga.phase == "Provisioning"


def test_an_activity_waits_for_one_before_it_that_was_cleared_and_then_continues(harness: EngineHarness):
    harness.run_until(MARK_ACTIVE)
    harness.record_commands(c.BeginActivity(lease(HANDLE, 2)))
    with pytest.raises(OutOfTurn, match="mark_active must wait: allocate_workflow_handle is not done"):
        harness.run(MARK_ACTIVE)
    harness.run(HANDLE, 2)
    assert harness.run(MARK_ACTIVE, 2).phase == "Active"


def test_an_activity_whose_turn_never_comes_is_refused_for_good_in_the_end(harness: EngineHarness):
    """Airflow's mark may have ended the task before it, of which the ledger has no end."""
    harness.run_until(MARK_ACTIVE)
    harness.record_commands(c.BeginActivity(lease(HANDLE, 2)))
    for number in range(1, TURN_TRIES):
        with pytest.raises(OutOfTurn):
            harness.run(MARK_ACTIVE, number)
    with pytest.raises(Refused, match=r"It was asked 4 times\.$") as last:
        harness.run(MARK_ACTIVE, TURN_TRIES)
    assert not isinstance(last.value, OutOfTurn)
    assert harness.saga.phase == "Provisioning"
    harness.run(HANDLE, 3)
    harness.record_commands(c.BeginActivity(lease(HANDLE, 4)))
    with pytest.raises(OutOfTurn):  # what was cleared again has its own turns
        harness.run(MARK_ACTIVE, 9)


@pytest.mark.parametrize("activity", ORDER)
def test_a_task_of_an_active_tenant_verifies_and_changes_nothing(harness: EngineHarness, activity: ActivityName):
    harness.run_all()
    facts, outside = harness.envelopes, harness.external_objects
    assert harness.run(activity, 2).phase == "Active"
    assert (harness.envelopes, harness.external_objects) == (facts, outside)


def test_a_task_of_a_damaged_active_tenant_reports_it_and_repairs_nothing(harness: EngineHarness):
    harness.run_all()
    name = harness.saga.resources[2].name
    harness.handles.delete_handle(name)
    with pytest.raises(PermanentError, match=rf"Active, but: no Airflow connection {name}\. Nothing was changed"):
        harness.run(HANDLE, 2)
    assert harness.external_objects["connection"] == []


def test_a_platform_that_stopped_offering_the_plan_fails_the_check_for_good(harness: EngineHarness):
    harness.run(VALIDATE)
    offered = {name: plan for name, plan in harness.tenancy.platform.plans.items() if name != "starter"}
    harness.tenancy = replace(harness.tenancy, platform=replace(harness.tenancy.platform, plans=offered))
    with pytest.raises(Refused, match="'starter' is not offered"):
        harness.run(VALIDATE, 2)


def test_a_run_of_another_attempt_is_refused(harness: EngineHarness):
    harness.run_until(STORAGE)
    with pytest.raises(Refused, match=r"being provisioned by run run-1 \(attempt 1\)"):
        harness.run(VALIDATE, 9, RunId("run-2"))
    with pytest.raises(Refused, match="This run provisions no tenant"):
        harness.run(STORAGE, 9, RunId("run-2"))


def test_storage_that_does_not_answer_is_reported_with_region_and_system(harness: EngineHarness, storage_dsn: Dsn):
    harness.run(VALIDATE)
    nowhere = StorageServer(replace(storage_dsn, port=9))
    clients = replace(harness.tenancy.clients, storage=lambda region: nowhere)
    harness.tenancy = replace(harness.tenancy, clients=clients)
    with pytest.raises(TransientError, match=r"The storage of region eu-central does not respond at 127\.0\.0\.1:9"):
        harness.run(STORAGE)
    assert "The storage of region eu-central" in harness.facts(f.ActivityFailed)[0].message


def test_an_older_task_instance_is_refused_and_changes_nothing(harness: EngineHarness):
    harness.run_until(STORAGE)
    harness.run(STORAGE, 2)
    before = harness.external_objects
    with pytest.raises(StaleLease, match="A newer task instance"):
        harness.run(STORAGE, 1)
    assert harness.external_objects == before
    assert harness.saga.step(STORAGE).status is StepStatus.DONE


def test_schema_is_applied_to_the_version_the_attempt_started_with(harness: EngineHarness):
    harness.run_until(MARK_ACTIVE)
    assert harness.saga.current_attempt.schema_version == harness.facts(f.AttemptStarted)[0].schema_version
    assert harness.saga.step(SCHEMA).status is StepStatus.DONE
