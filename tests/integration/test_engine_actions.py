"""The operators' actions on a real ledger: recorded first, then Airflow follows, now or when it is back."""

from dataclasses import replace

import pytest

from tenancy.engine.actions import actions
from tenancy.engine.actions.dry_run import for_dry_run
from tenancy.engine.actions.preview import dry_run, preview
from tenancy.engine.recovery.progress import load_progress
from tenancy.engine.workflow import COMPENSATION_DAG, Runs
from tenancy.ledger.envelope import Stamp
from tenancy.saga import facts as f
from tenancy.saga.errors import Refused, TransientError
from tenancy.saga.names import RunId
from tenancy.saga.product import PROVISIONING_DAG
from tests import real_systems
from tests.integration.engine_harness import DEPLOY, MARK_ACTIVE, NO_OBJECTS, ORDER, SCHEMA, VALIDATE, EngineHarness

BY = Stamp("grace", reason="INC-7")


def created(harness: EngineHarness) -> RunId:
    return actions.create(harness.tenancy, real_systems.request(), by=BY).saga.run_id


def failed_at(harness: EngineHarness, activity: str = SCHEMA) -> None:
    harness.fail_at(activity)
    harness.give_up(activity)


def test_a_request_is_reserved_at_once_and_its_run_triggered_under_the_recorded_id(harness: EngineHarness):
    answer = actions.create(harness.tenancy, real_systems.request(), by=BY)
    assert (answer.saga.phase, answer.warnings) == ("Provisioning", ())
    assert harness.runs.of(PROVISIONING_DAG) == [answer.saga.run_id]
    assert harness.runs.confs[PROVISIONING_DAG, answer.saga.run_id] == real_systems.request()
    assert {envelope.stamp for envelope in harness.envelopes} == {BY}


def test_the_tasks_of_a_created_tenants_run_are_its_attempt(harness: EngineHarness):
    run_id = created(harness)
    assert harness.run_all(run_id=run_id).phase == "Active"
    assert len(harness.facts(f.AttemptStarted)) == 1


def test_a_wrong_request_is_refused_with_its_field_and_holds_nothing(harness: EngineHarness):
    with pytest.raises(Refused) as caught:
        actions.create(harness.tenancy, real_systems.request(plan="golden"), by=BY)
    assert caught.value.field == "plan"
    assert harness.runs.stored == {}


def test_while_airflow_is_away_an_action_is_recorded_and_says_what_will_follow(harness: EngineHarness):
    harness.runs.away = True
    answer = actions.create(harness.tenancy, real_systems.request(), by=BY)
    assert answer.saga.phase == "Provisioning"
    assert "recorded" in answer.warnings[0]
    assert "does not respond" in answer.warnings[0]


def test_an_action_is_recorded_although_airflows_address_cannot_be_found(harness: EngineHarness):
    def nowhere() -> Runs:
        raise TransientError("The Airflow connection tenancy_airflow_api cannot be read.")

    answer = actions.create(replace(harness.tenancy, runs=nowhere), real_systems.request(), by=BY)
    assert harness.saga.phase == "Provisioning"
    (warning,) = answer.warnings
    assert warning.startswith("It is recorded, and continues by itself")
    assert warning.endswith("The Airflow connection tenancy_airflow_api cannot be read.")


def test_an_action_while_nothing_is_scheduled_returns_a_warning(harness: EngineHarness):
    harness.runs.silent = ("scheduler", "dag_processor")
    (warning,) = actions.create(harness.tenancy, real_systems.request(), by=BY).warnings
    assert warning.startswith("It is recorded, and continues by itself when the engine does.")
    assert "The workflow engine's scheduler sends no heartbeat" in warning
    harness.runs.silent = ("dag_processor", "triggerer")
    assert actions.cancel(harness.tenancy, harness.tenant_id, by=BY).warnings == ()


def test_cancel_ends_the_run_starts_a_compensation_run_and_reports_three_facts(harness: EngineHarness):
    run_id = created(harness)
    harness.run_until(DEPLOY, run_id=run_id)
    answer = actions.cancel(harness.tenancy, harness.tenant_id, by=BY)
    run = harness.runs.find(PROVISIONING_DAG, run_id)
    assert run is not None
    assert (answer.saga.phase, run.state) == ("Cancelling", "failed")
    assert harness.runs.of(COMPENSATION_DAG) == [f"compensate__{harness.tenant_id}__1__1"]
    assert (answer.progress.in_flight, answer.progress.undone, answer.progress.to_undo) == ("", 0, 4)
    assert [resource.kind for resource in answer.progress.left] == ["connection", "database", "schema", "role"]


def test_a_process_that_still_runs_is_reported(harness: EngineHarness):
    run_id = created(harness)
    harness.run_until(SCHEMA, run_id=run_id)
    with (
        harness.tenancy.ledger.open("tenancy run ti-000001") as ledger,
        ledger.hold_lock(harness.tenant_id, patience_seconds=1, may_evict=lambda _: False),
    ):
        assert "tenancy run ti-000001" in actions.cancel(harness.tenancy, harness.tenant_id, by=BY).progress.in_flight


def test_compensations_are_counted_as_they_are_done(harness: EngineHarness):
    run_id = created(harness)
    harness.run_until(DEPLOY, run_id=run_id)
    actions.cancel(harness.tenancy, harness.tenant_id, by=BY)
    harness.unwind()
    with harness.tenancy.ledger.open("test") as ledger:
        after = load_progress(ledger, harness.saga)
    assert (after.undone, after.to_undo, after.left) == (4, 4, ())


def test_a_second_cancel_starts_the_next_generation(harness: EngineHarness):
    created(harness)
    for _ in range(2):
        actions.cancel(harness.tenancy, harness.tenant_id, by=BY)
    assert [run[-1] for run in harness.runs.of(COMPENSATION_DAG)] == ["1", "2"]


def test_reset_clears_airflows_history_and_says_so_in_the_ledger(harness: EngineHarness):
    failed_at(harness)
    answer = actions.reset(harness.tenancy, harness.tenant_id, by=BY)
    assert (answer.saga.phase, answer.saga.current_attempt.history_cleared) == ("Failed ready", True)
    assert harness.runs.cleared == [harness.saga.run_id]


def test_a_refused_reset_is_in_the_audit_log_with_who_and_says_when_to_try_again(harness: EngineHarness):
    created(harness)
    with pytest.raises(Refused, match="Cancel first") as caught:
        actions.reset(harness.tenancy, harness.tenant_id, by=BY)
    assert caught.value.retry_after == 120
    noted = harness.envelopes[-1]
    assert noted.fact == f.ActionRefused("reset", str(caught.value))
    assert noted.stamp == BY


def test_a_forced_reset_needs_the_role_and_a_reason(harness: EngineHarness):
    created(harness)
    with pytest.raises(Refused, match="platform engineer's role"):
        actions.reset(harness.tenancy, harness.tenant_id, by=BY, force=True)
    with pytest.raises(Refused, match="needs a reason"):
        actions.reset(harness.tenancy, harness.tenant_id, by=Stamp("grace"), force=True, platform_role=True)
    forced = actions.reset(harness.tenancy, harness.tenant_id, by=BY, force=True, platform_role=True)
    assert forced.saga.phase == "Failed ready"


def test_cancel_reset_retry_leads_to_active(harness: EngineHarness):
    created(harness)
    actions.cancel(harness.tenancy, harness.tenant_id, by=BY)
    harness.unwind()
    actions.reset(harness.tenancy, harness.tenant_id, by=BY)
    answer = actions.retry(harness.tenancy, harness.tenant_id, by=BY)
    assert (answer.saga.phase, answer.saga.attempt) == ("Provisioning", 2)
    assert harness.run_all(5, answer.saga.run_id).phase == "Active"


def test_a_retry_may_correct_what_was_asked_for(harness: EngineHarness):
    failed_at(harness)
    actions.reset(harness.tenancy, harness.tenant_id, by=BY)
    answer = actions.retry(harness.tenancy, harness.tenant_id, by=BY, corrections={"plan": "business"})
    assert answer.saga.parameters.plan == "business"
    assert harness.runs.confs[PROVISIONING_DAG, answer.saga.run_id]["plan"] == "business"


@pytest.mark.parametrize(("correction", "field"), [({"plan": "golden"}, "plan"), ({"slug": "other"}, "slug")])
def test_a_wrong_correction_is_refused_with_its_field(harness: EngineHarness, correction: dict[str, str], field: str):
    failed_at(harness)
    actions.reset(harness.tenancy, harness.tenant_id, by=BY)
    with pytest.raises(Refused) as caught:
        actions.retry(harness.tenancy, harness.tenant_id, by=BY, corrections=correction)
    assert caught.value.field == field


def test_a_retry_before_the_reset_is_refused(harness: EngineHarness):
    failed_at(harness)
    with pytest.raises(Refused, match="Reset the tenant first, then retry"):
        actions.retry(harness.tenancy, harness.tenant_id, by=BY)


def test_from_the_fourth_attempt_on_the_slug_is_typed_and_the_number_of_attempts_shown(harness: EngineHarness):
    failed_at(harness)
    for number in (2, 3):
        actions.reset(harness.tenancy, harness.tenant_id, by=BY)
        run_id = actions.retry(harness.tenancy, harness.tenant_id, by=BY).saga.run_id
        harness.run_until(SCHEMA, number, run_id)
        harness.handles.failing = 0
        harness.run_failed(run_id)
    answer = actions.reset(harness.tenancy, harness.tenant_id, by=BY)
    assert "3 attempts did not end Active" in answer.warnings[-1]
    with pytest.raises(Refused, match="Type the slug acme to retry it once more") as caught:
        actions.retry(harness.tenancy, harness.tenant_id, by=BY)
    assert caught.value.field == "confirm_slug"
    assert actions.retry(harness.tenancy, harness.tenant_id, by=BY, confirm_slug="acme").saga.attempt == 4


def test_a_decommission_of_what_exists_wants_the_slug_typed_and_releases_all(harness: EngineHarness):
    harness.run_all()
    with pytest.raises(Refused, match="Type the slug acme"):
        actions.decommission(harness.tenancy, harness.tenant_id, by=BY)
    assert actions.decommission(harness.tenancy, harness.tenant_id, by=BY, confirm_slug="acme").saga.phase == (
        "Decommissioning"
    )
    assert harness.unwind().phase == "Decommissioned"
    assert harness.external_objects == NO_OBJECTS


def test_a_decommission_before_the_cancel_is_refused_before_anything_is_asked(harness: EngineHarness):
    created(harness)
    with pytest.raises(Refused, match="Cancel first"):
        actions.decommission(harness.tenancy, harness.tenant_id, by=BY)


def test_a_failed_request_is_corrected_and_sent_again_without_waiting(harness: EngineHarness):
    failed_at(harness)
    former = harness.tenant_id
    answer = actions.recreate(harness.tenancy, former, by=BY, corrections={"plan": "business"})
    assert (answer.saga.predecessor, answer.saga.parameters.plan) == (former, "business")
    with harness.tenancy.ledger.open("test") as ledger:
        before = ledger.saga(former)
    assert before is not None
    assert before.phase == "Decommissioned"


def test_a_wrong_recreate_leaves_the_tenant_as_it_was(harness: EngineHarness):
    failed_at(harness)
    former = harness.tenant_id
    for corrections in ({"plan": "golden"}, {"region": "nowhere"}, {"slug": "other"}):
        with pytest.raises(Refused):
            actions.recreate(harness.tenancy, former, by=BY, corrections=corrections)
    assert (harness.tenant_id, harness.saga.phase) == (former, "Failed settled")


def test_a_recreate_of_what_still_lives_is_refused(harness: EngineHarness):
    harness.run_all()
    with pytest.raises(Refused, match="Recreate is refused while the tenant is Active"):
        actions.recreate(harness.tenancy, harness.tenant_id, by=BY)


def test_a_dry_run_of_cancel_names_what_would_be_undone_in_order_and_changes_nothing(harness: EngineHarness):
    harness.run_until(MARK_ACTIVE)
    facts = len(harness.envelopes)
    shown = preview(harness.saga, "cancel")
    assert [resource.kind for resource in shown.undone] == [
        "release",
        "namespace",
        "connection",
        "database",
        "schema",
        "role",
    ]
    assert shown.allowed
    assert len(harness.envelopes) == facts


@pytest.mark.parametrize("action", actions.ACTIONS)
def test_a_dry_run_says_what_the_action_itself_would_say(harness: EngineHarness, action: str):
    harness.run(VALIDATE)
    shown = preview(harness.saga, action)
    doing = getattr(actions, action)
    if shown.allowed:
        doing(harness.tenancy, harness.tenant_id, by=BY)
        return
    with pytest.raises(Refused) as caught:
        doing(harness.tenancy, harness.tenant_id, by=BY)
    assert (str(caught.value), caught.value.retry_after) == (shown.refusal, shown.retry_after)


def test_a_dry_run_of_create_is_refused_like_the_real_one(harness: EngineHarness):
    def create() -> object:
        return actions.create(for_dry_run(harness.tenancy), real_systems.request(), by=BY)

    assert dry_run(None, "create", create).allowed
    assert harness.runs.stored == {}
    created(harness)
    assert "is being provisioned by run" in dry_run(None, "create", create).refusal


def test_every_activity_may_be_cancelled(harness: EngineHarness):
    run_id = created(harness)
    for activity in ORDER[:-1]:
        harness.run(activity, run_id=run_id)
    actions.cancel(harness.tenancy, harness.tenant_id, by=BY, confirm_slug="acme")  # behind the point of no return
    assert harness.unwind().phase == "Failed settled"
    assert harness.external_objects == NO_OBJECTS
