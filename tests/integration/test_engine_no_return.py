"""A failure past the point of no return destroys nothing: not in a retry, not by a mark in Airflow."""

from dataclasses import replace

import pytest

from tenancy.adapters.airflow_runs import UserMark
from tenancy.engine.reconciliation.reconcile import reconcile
from tenancy.engine.workflow import COMPENSATION_DAG
from tenancy.ledger import pokes
from tenancy.ledger.ledger import utc_now
from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.errors import TransientError
from tenancy.saga.names import RunId
from tenancy.saga.product import PROVISIONING_DAG
from tests.integration.engine_harness import (
    MARK_ACTIVE,
    RUN,
    SCHEMA,
    SECOND_RUN,
    STORAGE,
    VALIDATE,
    EngineHarness,
)


def refuse_storage(harness: EngineHarness) -> None:
    def refuse(region: object) -> object:
        raise TransientError("The storage does not respond.")

    harness.tenancy = replace(harness.tenancy, clients=replace(harness.tenancy.clients, storage=refuse))  # type: ignore[arg-type]


def retained(harness: EngineHarness) -> dict[str, list[str]]:
    harness.runs.start(PROVISIONING_DAG, RUN, {})
    harness.run_until(MARK_ACTIVE)
    harness.handles.failing = 1
    harness.fail_for_good(MARK_ACTIVE, 1)
    assert harness.saga.phase == "Failed retained"
    return harness.external_objects


def test_a_retry_of_a_retained_tenant_keeps_everything_when_its_storage_fails(harness: EngineHarness):
    before = retained(harness)
    harness.record_commands(c.Reset())
    harness.run(VALIDATE, 2, SECOND_RUN)
    well = harness.tenancy
    refuse_storage(harness)
    harness.fail_for_good(STORAGE, 2, SECOND_RUN)
    harness.tenancy = well
    assert harness.saga.phase == "Failed retained"
    assert harness.external_objects == before
    harness.record_commands(c.Reset())
    assert harness.run_all(3, RunId("run-3")).phase == "Active"


def test_a_retry_whose_run_is_lost_keeps_everything(harness: EngineHarness):
    before = retained(harness)
    harness.record_commands(c.Reset(), c.RecordHistoryCleared())
    harness.run(VALIDATE, 2, SECOND_RUN)
    assert harness.reconcile_later() == "1 lost"
    assert harness.saga.phase == "Failed retained"
    assert harness.external_objects == before
    assert harness.runs.of(COMPENSATION_DAG) == []


@pytest.mark.parametrize("state", ["failed", "success"])
def test_a_retry_whose_run_ended_without_an_outcome_keeps_everything(harness: EngineHarness, state: str):
    before = retained(harness)
    harness.record_commands(c.Reset(), c.RecordHistoryCleared())
    harness.run(VALIDATE, 2, SECOND_RUN)
    harness.runs.start(PROVISIONING_DAG, SECOND_RUN, {})
    harness.runs.end(PROVISIONING_DAG, SECOND_RUN, state)
    harness.runs.made_marks[SECOND_RUN] = (UserMark("patch_task_instance", "ada", utc_now()),)
    assert harness.reconcile_later() == "1 missed"
    assert harness.saga.phase == "Failed retained"
    assert harness.external_objects == before


def marked(harness: EngineHarness, *marks: UserMark) -> None:
    harness.runs.end(PROVISIONING_DAG, RUN, "failed")
    with harness.tenancy.ledger.open("listener") as ledger:
        pokes.record_poke(ledger, RUN, "mark run failed")
    harness.runs.made_marks[RUN] = marks


@pytest.mark.parametrize("user", ["ada", "grace"])
def test_a_named_person_who_marks_the_run_failed_cancels_it(harness: EngineHarness, user: str):
    harness.runs.start(PROVISIONING_DAG, RUN, {})
    harness.run_until(MARK_ACTIVE)
    marked(harness, UserMark("patch_dag_run", user, utc_now()))
    reconcile(harness.tenancy)
    assert harness.saga.phase == "Cancelling"
    assert harness.facts(f.CancelRequested)
    assert harness.envelopes[-1].stamp.actor == user


@pytest.mark.parametrize("marks", [(), (UserMark("patch_dag_run", "somebody", utc_now()),)])
def test_a_mark_of_nobody_who_can_be_named_keeps_everything(harness: EngineHarness, marks: tuple[UserMark, ...]):
    harness.runs.start(PROVISIONING_DAG, RUN, {})
    harness.run_until(MARK_ACTIVE)
    before = harness.external_objects
    marked(harness, *marks)
    reconcile(harness.tenancy)
    assert harness.saga.phase == "Failed retained"
    assert "by a user whom its event log does not name" in harness.saga.failures[-1].message
    assert harness.external_objects == before


def test_an_old_mark_of_a_run_that_was_cleared_since_is_no_cancel_of_its_new_attempt(harness: EngineHarness):
    """A run that is cleared as a whole keeps its id, and Airflow its event log."""
    harness.runs.start(PROVISIONING_DAG, RUN, {})
    harness.run_until(SCHEMA)
    harness.runs.made_marks[RUN] = (UserMark("patch_dag_run", "ada", utc_now()),)
    harness.record_commands(c.Cancel())
    harness.unwind()
    harness.clear_number = 1
    harness.run_until(MARK_ACTIVE, 2)
    before = harness.external_objects
    harness.runs.end(PROVISIONING_DAG, RUN, "failed")
    assert harness.reconcile_later() == "1 missed"
    assert harness.saga.phase == "Failed retained"
    assert harness.external_objects == before
