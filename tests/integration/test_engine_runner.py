"""One activity for one task instance: lease, intents, lock, effect, outcome, in that order."""

from dataclasses import replace

import pytest

from tenancy.adapters.dsn import Dsn
from tenancy.adapters.storage import StorageServer
from tenancy.engine.retry_window import TURN_TRIES
from tenancy.ledger.envelope import find_chain_break
from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.errors import OutOfTurn, PermanentError, Refused, StaleLease, TransientError
from tenancy.saga.names import ActivityName, RunId
from tenancy.saga.states import ResourceState, StepStatus
from tests.integration.engine_harness import FLIP, HANDLE, NOTHING, ORDER, SCHEMA, STORAGE, VALIDATE, Stage, lease

AFTER_FIRST = ORDER[1:]


def test_all_activities_in_order_make_the_tenant_active(stage: Stage):
    assert stage.run_all().phase == "Active"
    assert [fact.activity for fact in stage.facts(f.ActivityCompleted)] == list(ORDER)
    assert isinstance(stage.envelopes[-1].fact, f.ProvisioningCompleted)
    assert find_chain_break(stage.envelopes) is None
    assert {len(names) for names in stage.outside.values()} == {1}
    assert all(resource.state is ResourceState.PRESENT for resource in stage.saga.resources)


def test_every_fact_of_a_task_carries_its_lease_and_who_triggered_it(stage: Stage):
    stage.run_all(number=4)
    assert {(envelope.stamp.actor, envelope.stamp.lease) for envelope in stage.envelopes} == {("ada", "ti-000004")}


def test_what_will_be_made_is_recorded_before_it_is(stage: Stage):
    stage.run_until(HANDLE)
    seen: list[tuple[list[str], list[str]]] = []

    def look() -> None:
        seen.append(([fact.resource for fact in stage.facts(f.ResourceIntended)], stage.outside["connection"]))

    stage.handles.meanwhile = look
    stage.run(HANDLE)
    assert seen == [(["role", "database", "connection"], [])]


def test_a_try_that_failed_is_recorded_with_its_error_and_the_next_one_goes_on(stage: Stage):
    stage.run_until(HANDLE)
    stage.handles.failing = 1
    with pytest.raises(TransientError):
        stage.run(HANDLE)
    (failed,) = stage.facts(f.ActivityFailed)
    assert (failed.activity, failed.error) == (HANDLE, "TransientError")
    assert failed.message == "The workflow engine does not answer."
    assert stage.saga.step(HANDLE).status is StepStatus.FAILED
    assert stage.run(HANDLE, 2).step(HANDLE).status is StepStatus.DONE


@pytest.mark.parametrize("error", [KeyboardInterrupt("stop"), SystemExit(143), RuntimeError("a bug\0 with a NUL")])
def test_whatever_ends_a_task_is_told_in_the_error_log(stage: Stage, error: BaseException):
    stage.run_until(HANDLE)

    def die() -> None:
        raise error

    stage.handles.meanwhile = die
    with pytest.raises(type(error)):
        stage.run(HANDLE)
    (failed,) = stage.facts(f.ActivityFailed)
    assert failed.error == type(error).__name__
    assert failed.message == f"{type(error).__name__}: {error}".replace("\0", "")


def test_an_error_as_long_as_a_book_is_cut(stage: Stage):
    stage.run_until(HANDLE)

    def die() -> None:
        raise PermanentError("x" * 100_000)

    stage.handles.meanwhile = die
    with pytest.raises(PermanentError):
        stage.run(HANDLE)
    assert len(stage.facts(f.ActivityFailed)[0].message) == 2000


@pytest.mark.parametrize("activity", ORDER)
def test_a_done_activity_that_is_run_again_passes_and_makes_nothing_new(stage: Stage, activity: ActivityName):
    stage.run_until(FLIP)
    if activity == FLIP:
        stage.handles.failing = 1
        with pytest.raises(TransientError):
            stage.run(FLIP)
    before = stage.outside
    assert stage.run(activity, 2).step(activity).status is StepStatus.DONE
    assert stage.outside == before


def test_the_same_task_instance_may_begin_twice(stage: Stage):
    """Airflow starts a task again under its old id after a lost worker that had not begun its first heartbeat."""
    stage.run_until(HANDLE)
    stage.handles.meanwhile = lambda: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        stage.run(HANDLE)
    assert stage.run(HANDLE).step(HANDLE).status is StepStatus.DONE


@pytest.mark.parametrize("activity", AFTER_FIRST)
def test_an_activity_of_a_run_without_a_tenant_is_refused(stage: Stage, activity: ActivityName):
    with pytest.raises(Refused, match="This run provisions no tenant: its validate_request is not done"):
        stage.run(activity)
    assert stage.outside == NOTHING


@pytest.mark.parametrize("activity", ORDER[2:])
def test_an_activity_before_its_turn_is_refused_whatever_airflows_marks_say(stage: Stage, activity: ActivityName):
    stage.run_until(STORAGE)
    with pytest.raises(Refused, match="allocate_storage is not done, whatever Airflow's marks say"):
        stage.run(activity)
    assert stage.outside == NOTHING
    (refused,) = stage.facts(f.ActivityRefused)
    assert refused.activity == activity
    assert stage.saga.phase == "Provisioning"


def test_an_activity_waits_for_one_before_it_that_was_cleared_and_then_goes_on(stage: Stage):
    stage.run_until(FLIP)
    stage.ask(c.BeginActivity(lease(HANDLE, 2)))
    with pytest.raises(OutOfTurn, match="mark_active must wait: allocate_workflow_handle is not done"):
        stage.run(FLIP)
    stage.run(HANDLE, 2)
    assert stage.run(FLIP, 2).phase == "Active"


def test_an_activity_whose_turn_never_comes_is_refused_for_good_in_the_end(stage: Stage):
    """Airflow's mark may have ended the task before it, of which the ledger has no end."""
    stage.run_until(FLIP)
    stage.ask(c.BeginActivity(lease(HANDLE, 2)))
    for number in range(1, TURN_TRIES):
        with pytest.raises(OutOfTurn):
            stage.run(FLIP, number)
    with pytest.raises(Refused, match=r"It was asked 4 times\.$") as last:
        stage.run(FLIP, TURN_TRIES)
    assert not isinstance(last.value, OutOfTurn)
    assert stage.saga.phase == "Provisioning"
    stage.run(HANDLE, 3)
    stage.ask(c.BeginActivity(lease(HANDLE, 4)))
    with pytest.raises(OutOfTurn):  # what was cleared again has its own turns
        stage.run(FLIP, 9)


@pytest.mark.parametrize("activity", ORDER)
def test_a_task_of_an_active_tenant_verifies_and_changes_nothing(stage: Stage, activity: ActivityName):
    stage.run_all()
    facts, outside = stage.envelopes, stage.outside
    assert stage.run(activity, 2).phase == "Active"
    assert (stage.envelopes, stage.outside) == (facts, outside)


def test_a_task_of_an_active_tenant_that_is_damaged_says_so_and_mends_nothing(stage: Stage):
    stage.run_all()
    name = stage.saga.resources[2].name
    stage.handles.delete_handle(name)
    with pytest.raises(PermanentError, match=rf"Active, but: no Airflow connection {name}\. Nothing was changed"):
        stage.run(HANDLE, 2)
    assert stage.outside["connection"] == []


def test_a_platform_that_stopped_offering_the_plan_fails_the_check_for_good(stage: Stage):
    stage.run(VALIDATE)
    offered = {name: plan for name, plan in stage.tenancy.platform.plans.items() if name != "starter"}
    stage.tenancy = replace(stage.tenancy, platform=replace(stage.tenancy.platform, plans=offered))
    with pytest.raises(Refused, match="'starter' is not offered"):
        stage.run(VALIDATE, 2)


def test_a_run_of_another_attempt_is_refused(stage: Stage):
    stage.run_until(STORAGE)
    with pytest.raises(Refused, match=r"being provisioned by run run-1 \(attempt 1\)"):
        stage.run(VALIDATE, 9, RunId("run-2"))
    with pytest.raises(Refused, match="This run provisions no tenant"):
        stage.run(STORAGE, 9, RunId("run-2"))


def test_storage_that_does_not_answer_is_told_with_region_and_system(stage: Stage, storage_dsn: Dsn):
    stage.run(VALIDATE)
    nowhere = StorageServer(replace(storage_dsn, port=9))
    clients = replace(stage.tenancy.clients, storage=lambda region: nowhere)
    stage.tenancy = replace(stage.tenancy, clients=clients)
    with pytest.raises(TransientError, match=r"The storage of region eu-central does not answer at 127\.0\.0\.1:9"):
        stage.run(STORAGE)
    assert "The storage of region eu-central" in stage.facts(f.ActivityFailed)[0].message


def test_an_older_task_instance_is_refused_and_changes_nothing(stage: Stage):
    stage.run_until(STORAGE)
    stage.run(STORAGE, 2)
    before = stage.outside
    with pytest.raises(StaleLease, match="A newer task instance"):
        stage.run(STORAGE, 1)
    assert stage.outside == before
    assert stage.saga.step(STORAGE).status is StepStatus.DONE


def test_schema_is_applied_to_the_version_the_attempt_started_with(stage: Stage):
    stage.run_until(FLIP)
    assert stage.saga.schema_version == stage.facts(f.AttemptStarted)[0].schema_version
    assert stage.saga.step(SCHEMA).status is StepStatus.DONE
