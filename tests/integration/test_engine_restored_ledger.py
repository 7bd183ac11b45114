"""A ledger that was restored from a backup is older than the world: nothing that was made since is destroyed."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tenancy.engine.workflow import COMPENSATION_DAG
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import Ledger, utc_now
from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.causes import Cause, Evidence
from tenancy.saga.errors import TransientError
from tenancy.saga.names import ActivityName, RunId
from tenancy.saga.product import PROVISIONING_DAG
from tenancy.saga.stalls import Stall, StallKind
from tests.integration.engine_harness import (
    DEPLOY,
    LATER,
    MARK_ACTIVE,
    ORDER,
    RUN,
    SCHEMA,
    SECOND_RUN,
    WAIT,
    EngineHarness,
)
from tests.integration.forbidding_cluster import forbidden
from tests.integration.ledger_backup import backup

LONG_AFTER = timedelta(hours=30)
THIRD_RUN = RunId("manual__third")


def became_active(harness: EngineHarness, restore: Callable[[], None], at: ActivityName) -> None:
    """It continues to Active, and then the ledger is that of the backup again, in which it was at this activity."""
    for activity in ORDER[ORDER.index(at) :]:
        harness.run(activity)
    harness.runs.end(PROVISIONING_DAG, RUN, "success")
    assert harness.saga.phase == "Active"
    restore()
    assert harness.saga.phase == "Provisioning"


@pytest.mark.parametrize("at", [SCHEMA, DEPLOY, WAIT, MARK_ACTIVE])
def test_a_customers_tenant_outlives_a_restored_ledger_and_a_cluster_that_forbids(
    harness: EngineHarness, at: ActivityName
):
    harness.runs.start(PROVISIONING_DAG, RUN, {})
    harness.run_until(at)
    with backup(harness) as restore:
        became_active(harness, restore, at)
        before = harness.external_objects
        assert harness.reconcile_later() == "1 resume"
        with forbidden(harness):
            for activity in ORDER[: ORDER.index(DEPLOY)]:
                harness.run(activity, 2)
            harness.fail_for_good(DEPLOY, 2)
            harness.reconcile_later()
        assert harness.saga.phase == "Failed retained"
        assert harness.external_objects == before
        assert harness.saga.failures[-1].message
        assert harness.runs.of(COMPENSATION_DAG) == []


def test_a_resumed_tenant_becomes_active_again_once_the_cluster_is_back(harness: EngineHarness):
    harness.runs.start(PROVISIONING_DAG, RUN, {})
    harness.run_until(SCHEMA)
    with backup(harness) as restore:
        became_active(harness, restore, SCHEMA)
        before = harness.external_objects
        harness.reconcile_later()
        with forbidden(harness):
            for activity in ORDER[: ORDER.index(DEPLOY)]:
                harness.run(activity, 2)
            harness.fail_for_good(DEPLOY, 2)
        harness.record_commands(c.Reset())
        assert harness.run_all(3, SECOND_RUN).phase == "Active"
        assert harness.external_objects == before


def test_it_is_resumed_again_when_the_same_backup_is_restored_again(harness: EngineHarness):
    harness.runs.start(PROVISIONING_DAG, RUN, {})
    harness.run_until(SCHEMA)
    with backup(harness) as restore:
        became_active(harness, restore, SCHEMA)
        assert harness.reconcile_later() == "1 resume"
        harness.runs.end(PROVISIONING_DAG, RUN, "success")
        restore()
        assert harness.reconcile_later() == "1 resume"
        assert harness.saga.past_no_return


def test_that_it_is_resumed_is_recorded_before_its_run_is_cleared(harness: EngineHarness):
    harness.runs.start(PROVISIONING_DAG, RUN, {})
    harness.run_until(SCHEMA)
    harness.runs.end(PROVISIONING_DAG, RUN, "success")

    def dies_after(dag_id: str, run_id: str) -> None:
        assert harness.saga.past_no_return
        raise TransientError("The workflow engine does not respond.")

    harness.runs.rerun = dies_after  # type: ignore[method-assign]
    harness.reconcile_later()
    assert harness.saga.past_no_return
    del harness.runs.rerun
    assert harness.reconcile_later(2 * LATER) == "1 resume"


def lived_on(harness: EngineHarness, phase: str) -> dict[str, list[str]]:
    """After the backup, in which it was in this phase, the tenant became Active by a run of its own."""
    if phase in {"Cancelling", "Failed unwinding", "Failed stuck"}:
        if phase == "Failed stuck":
            harness.record_commands(c.Cancel())
        harness.unwind()
    if phase != "Failed ready" and harness.saga.phase != "Failed ready":
        if harness.saga.state == "Provisioning":
            harness.give_up(SCHEMA, 1)
        harness.record_commands(c.Reset())
    harness.runs.start(PROVISIONING_DAG, SECOND_RUN, {"slug": "acme"})
    assert harness.run_all(2, SECOND_RUN).phase == "Active"
    harness.runs.end(PROVISIONING_DAG, SECOND_RUN, "success")
    return harness.external_objects


def brought_into(harness: EngineHarness, phase: str) -> None:
    harness.runs.start(PROVISIONING_DAG, RUN, {"slug": "acme"})
    harness.fail_at(SCHEMA)
    harness.runs.end(PROVISIONING_DAG, RUN, "failed")
    if phase == "Cancelling":
        harness.record_commands(c.Cancel())
    elif phase == "Failed unwinding":
        harness.record_commands(c.GiveUp(RUN, "out of tries"))


@pytest.mark.parametrize(
    ("phase", "kept_as"),
    [("Provisioning", "Failed retained"), ("Cancelling", "Failed stuck"), ("Failed unwinding", "Failed stuck")],
)
def test_what_a_restored_ledger_would_undo_is_kept_when_airflow_knows_of_a_later_run(
    harness: EngineHarness, phase: str, kept_as: str
):
    brought_into(harness, phase)
    with backup(harness) as restore:
        before = lived_on(harness, phase)
        restore()
        assert harness.saga.phase == phase
        assert "1 keep" in harness.reconcile_later()
        harness.reconcile_later(2 * LATER)
        assert harness.saga.phase == kept_as
        assert harness.external_objects == before
        assert harness.runs.of(COMPENSATION_DAG) == []
        recorded = " ".join(str(vars(envelope.fact)) for envelope in harness.envelopes)
        assert f"Airflow's run {SECOND_RUN} of the slug acme succeeded" in recorded


@pytest.mark.parametrize(
    ("phase", "kept_as"),
    [("Provisioning", "Failed retained"), ("Cancelling", "Failed stuck"), ("Failed unwinding", "Failed stuck")],
)
def test_what_a_restored_ledger_would_undo_is_kept_when_airflow_has_deleted_its_runs_since(
    harness: EngineHarness, phase: str, kept_as: str
):
    brought_into(harness, phase)
    with backup(harness) as restore:
        before = lived_on(harness, phase)
        restore()
        harness.runs.stored.clear()
        assert "1 keep" in harness.reconcile_later(LONG_AFTER)
        harness.reconcile_later(LONG_AFTER + LATER)
        assert harness.saga.phase == kept_as
        assert harness.external_objects == before
        assert harness.runs.of(COMPENSATION_DAG) == []
        recorded = " ".join(str(vars(envelope.fact)) for envelope in harness.envelopes)
        assert f"Airflow no longer has the run {RUN} of the slug acme" in recorded


def test_a_stall_that_is_recorded_first_does_not_hide_how_old_a_restored_ledger_is(harness: EngineHarness):
    brought_into(harness, "Provisioning")
    stall = Stall(StallKind.PROVISIONING, SCHEMA, utc_now(), timedelta(minutes=15))
    with Ledger(harness.ledger, clock=lambda: utc_now() + LONG_AFTER).open("test") as ledger:
        ledger.record(harness.tenant_id, c.RecordStall(stall, Evidence(Cause.UNKNOWN, "?")), stamp=Stamp("reconciler"))
    harness.runs.stored.clear()
    assert "1 keep" in harness.reconcile_later(LONG_AFTER + LATER)


def test_a_persons_note_does_not_hide_it_either(harness: EngineHarness):
    brought_into(harness, "Provisioning")
    with Ledger(harness.ledger, clock=lambda: utc_now() + LONG_AFTER).open("test") as ledger:
        ledger.append_notice(harness.tenant_id, f.NoteAdded("Airflow has lost its run"), stamp=Stamp("ada"))
    harness.runs.stored.clear()
    assert "1 keep" in harness.reconcile_later(LONG_AFTER + LATER)


@pytest.mark.parametrize("phase", ["Provisioning", "Cancelling", "Failed unwinding"])
def test_a_run_that_was_deleted_a_moment_ago_keeps_nothing(harness: EngineHarness, phase: str):
    brought_into(harness, phase)
    harness.runs.stored.clear()
    assert "keep" not in harness.reconcile_later(timedelta(minutes=29))
    assert harness.unwind().phase == "Failed settled"


def test_a_decommission_goes_on_however_long_it_has_waited(harness: EngineHarness):
    """A person has confirmed by the slug that everything is to be destroyed."""
    brought_into(harness, "Failed unwinding")
    harness.unwind()
    harness.record_commands(c.Reset(), c.Decommission())
    assert "keep" not in harness.reconcile_later(LONG_AFTER)


def test_a_person_may_undo_it_after_a_warning(harness: EngineHarness):
    brought_into(harness, "Failed unwinding")
    with backup(harness) as restore:
        lived_on(harness, "Failed unwinding")
        restore()
        harness.reconcile_later()
        harness.record_commands(c.Cancel())
        harness.reconcile_later()
        assert len(harness.runs.of(COMPENSATION_DAG)) == 1
        assert harness.unwind().phase == "Failed settled"
        assert (harness.external_objects["database"], harness.external_objects["role"]) == ([], []), (
            "what the ledger knows of"
        )


@pytest.mark.parametrize("phase", ["Cancelling", "Failed unwinding"])
def test_a_forced_reset_and_a_retry_lead_a_kept_tenant_back_to_active(harness: EngineHarness, phase: str):
    """The way back for a tenant that was Active: a Cancel would destroy its customer's data."""
    brought_into(harness, phase)
    with backup(harness) as restore:
        before = lived_on(harness, phase)
        restore()
        harness.reconcile_later()
        assert harness.saga.phase == "Failed stuck"
        harness.record_commands(c.Reset(force=True, platform_role=True, reason="it was Active before the restore"))
        assert harness.run_all(2, THIRD_RUN).phase == "Active"
        assert harness.external_objects == before


def test_a_cleared_run_that_ended_well_says_so_too(harness: EngineHarness):
    """A run that is cleared as a whole keeps its id."""
    brought_into(harness, "Cancelling")
    with backup(harness) as restore:
        harness.unwind()
        harness.clear_number = 1
        assert harness.run_all(2, RUN).phase == "Active"
        harness.runs.end(PROVISIONING_DAG, RUN, "success")
        before = harness.external_objects
        restore()
        assert "1 keep" in harness.reconcile_later()
        assert harness.saga.phase == "Failed stuck"
        assert harness.external_objects == before


def test_a_run_of_an_earlier_tenant_of_the_slug_keeps_nothing(harness: EngineHarness):
    harness.runs.start(PROVISIONING_DAG, RUN, {"slug": "acme"})
    harness.run_all()
    harness.runs.end(PROVISIONING_DAG, RUN, "success")
    harness.record_commands(c.Decommission())
    harness.unwind()
    harness.run_until(SCHEMA, 2, SECOND_RUN)
    harness.runs.start(PROVISIONING_DAG, SECOND_RUN, {"slug": "acme"})
    harness.runs.end(PROVISIONING_DAG, SECOND_RUN, "failed")
    assert harness.reconcile_later() == "1 missed"
    assert harness.saga.phase == "Failed unwinding"
