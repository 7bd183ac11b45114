"""Another Airflow answers than the one that has the tenants' runs: nothing is believed, undone or started there."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import pytest

from tenancy.adapters.airflow_runs import UserMark
from tenancy.engine.actions import actions
from tenancy.engine.actions.dry_run import for_dry_run
from tenancy.engine.reconciliation.pruning import prune
from tenancy.engine.reconciliation.reconcile import reconcile
from tenancy.engine.recovery.failure import start_compensation_run
from tenancy.engine.workflow import COMPENSATION_DAG
from tenancy.ledger import heartbeats, pokes
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import utc_now
from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.causes import Cause
from tenancy.saga.errors import OtherSystemError
from tenancy.saga.names import PLATFORM_STREAM, RunId
from tenancy.saga.product import PROVISIONING_DAG
from tests import real_systems
from tests.contract.fake_runs import FakeRuns
from tests.integration.engine_harness import HANDLE, LATER, SCHEMA, EngineHarness

BY = Stamp("grace", reason="INC-7")
ANOTHER, UNMARKED = "airflow:another", ""
INFORMATION = (f.ProvisioningStalled, f.StallExplained, f.StallCleared)
"""Facts that say what is wrong and change nothing."""

foreign_systems = pytest.mark.parametrize("foreign", [ANOTHER, UNMARKED], ids=["another", "unmarked"])


@pytest.fixture
def created(harness: EngineHarness) -> RunId:
    return actions.create(harness.tenancy, real_systems.request(), by=BY).saga.run_id


def _lost(harness: EngineHarness, run_id: RunId) -> None:
    harness.run_until(SCHEMA, run_id=run_id)
    del harness.runs.stored[PROVISIONING_DAG, run_id]


def _missed(harness: EngineHarness, run_id: RunId) -> None:
    harness.run_until(SCHEMA, run_id=run_id)
    harness.runs.end(PROVISIONING_DAG, run_id, "failed")


def _resume(harness: EngineHarness, run_id: RunId) -> None:
    harness.run_until(SCHEMA, run_id=run_id)
    harness.runs.end(PROVISIONING_DAG, run_id, "success")


def _try_again(harness: EngineHarness, run_id: RunId) -> None:
    harness.run_until(SCHEMA, run_id=run_id)
    harness.record_commands(c.RecordHold("The platform file is wrong.", Cause.PLATFORM_FILE, platform=True))
    harness.runs.end(PROVISIONING_DAG, run_id, "failed")


def _start(harness: EngineHarness, run_id: RunId) -> None:
    del harness.runs.stored[PROVISIONING_DAG, run_id]


def _undo(harness: EngineHarness, run_id: RunId) -> None:
    harness.run_until(SCHEMA, run_id=run_id)
    harness.record_commands(c.Cancel())


def _clear(harness: EngineHarness, run_id: RunId) -> None:
    _undo(harness, run_id)
    harness.unwind()
    harness.record_commands(c.Reset())


def _renew(harness: EngineHarness, run_id: RunId) -> None:
    harness.run_until(SCHEMA, run_id=run_id)
    actions.cancel(harness.tenancy, harness.tenant_id, by=BY)
    harness.runs.end(COMPENSATION_DAG, harness.runs.of(COMPENSATION_DAG)[0], "failed")


def _mark(harness: EngineHarness, run_id: RunId) -> None:
    _missed(harness, run_id)
    with harness.tenancy.ledger.open("listener") as ledger:
        pokes.record_poke(ledger, run_id, "mark run failed")
    harness.runs.made_marks[run_id] = (UserMark("patch_dag_run", "ada", utc_now()),)


def _deadline(harness: EngineHarness, run_id: RunId) -> None:
    _lost(harness, run_id)
    with harness.tenancy.ledger.open("triggerer") as ledger:
        pokes.record_poke(ledger, run_id, pokes.DEADLINE_PASSED)


def _hold(harness: EngineHarness, run_id: RunId) -> None:
    harness.run_until(SCHEMA, run_id=run_id)
    harness.runs.paused.add(PROVISIONING_DAG)


CORRECTIONS: dict[str, tuple[Callable[[EngineHarness, RunId], None], str]] = {
    "lost": (_lost, "1 lost"),
    "missed": (_missed, "1 missed"),
    "resume": (_resume, "1 resume"),
    "try again": (_try_again, "1 try_again"),
    "pursue a start": (_start, "1 pursue"),
    "pursue an unwinding": (_undo, "1 pursue"),
    "pursue a reset": (_clear, "1 pursue"),
    "renew": (_renew, "1 renew"),
    "look": (_hold, "1 look"),
    "mark": (_mark, "1 pokes"),
    "deadline": (_deadline, "1 deadlines"),
}
"""Each correction: what makes it due, and what a pass says of it."""


def enter_foreign(harness: EngineHarness, system: str) -> tuple[FakeRuns, FakeRuns]:
    """The connection leads to an Airflow in which the correction would be due as well. Returns it, and the own one."""
    own, foreign = harness.runs, deepcopy(harness.runs)
    foreign.system, foreign.asked_for_identity = system, 0
    harness.runs = foreign
    return foreign, own


def changes_of(harness: EngineHarness) -> list[f.Fact]:
    return [each.fact for each in harness.envelopes if not isinstance(each.fact, INFORMATION)]


def content(runs: FakeRuns) -> dict[str, object]:
    return {key: value for key, value in deepcopy(vars(runs)).items() if key != "asked_for_identity"}


@foreign_systems
@pytest.mark.parametrize("correction", CORRECTIONS)
def test_no_correction_is_made_until_the_own_airflow_is_back(
    harness: EngineHarness, created: RunId, correction: str, foreign: str
):
    make_due, summarized = CORRECTIONS[correction]
    make_due(harness, created)
    facts, objects = changes_of(harness), harness.external_objects
    entered, own = enter_foreign(harness, foreign)
    before = content(entered)
    for _ in range(2):
        entered.asked_for_identity = 0
        summary = harness.reconcile_later()
        assert f"recorded airflow:fake, found {foreign or 'none'}" in summary
        assert "tenancy_airflow_api" in summary
        assert summarized not in summary
        assert entered.asked_for_identity == 1
    assert changes_of(harness) == facts
    assert content(entered) == before
    assert harness.external_objects == objects
    harness.runs = own
    assert summarized in harness.reconcile_later(2 * LATER)


@foreign_systems
def test_a_tenant_whose_run_goes_on_elsewhere_becomes_active(harness: EngineHarness, created: RunId, foreign: str):
    """The reproduction: the tenant's run lives, and the Airflow that answers is empty."""
    harness.run_until(SCHEMA, run_id=created)
    own, harness.runs = harness.runs, FakeRuns(foreign)
    harness.reconcile_later()
    assert not harness.runs.stored
    assert harness.saga.phase == "Provisioning"
    assert harness.run_all(2, created).phase == "Active"
    harness.runs = own
    assert "lost" not in harness.reconcile_later()


@foreign_systems
def test_an_operators_action_is_recorded_and_continues_when_the_own_airflow_is_back(
    harness: EngineHarness, created: RunId, foreign: str
):
    harness.run_until(SCHEMA, run_id=created)
    entered, own = enter_foreign(harness, foreign)
    before = content(entered)
    answer = actions.cancel(harness.tenancy, harness.tenant_id, by=BY)
    assert answer.saga.phase == "Cancelling"
    assert "It is recorded, but the workflow engine does not follow" in answer.warnings[0]
    assert "tenancy_airflow_api" in answer.warnings[0]
    assert (content(entered), entered.asked_for_identity) == (before, 1)
    harness.runs = own
    assert "1 pursue" in harness.reconcile_later()
    assert len(own.of(COMPENSATION_DAG)) == 1


@foreign_systems
def test_a_new_tenant_is_not_started_in_another_airflow(harness: EngineHarness, created: RunId, foreign: str):
    own, harness.runs = harness.runs, FakeRuns(foreign)
    answer = actions.create(harness.tenancy, real_systems.request(slug="other"), by=BY)
    assert "does not follow" in answer.warnings[0]
    assert not harness.runs.stored
    harness.runs = own
    harness.reconcile_later()
    assert answer.saga.run_id in own.of(PROVISIONING_DAG)


@foreign_systems
def test_neither_a_callback_nor_pruning_touches_another_airflow(harness: EngineHarness, created: RunId, foreign: str):
    harness.run_until(SCHEMA, run_id=created)
    harness.record_commands(c.Cancel())
    entered, own = enter_foreign(harness, foreign)
    before = content(entered)
    start_compensation_run(harness.tenancy, harness.saga)
    with pytest.raises(OtherSystemError):
        prune(harness.tenancy)
    assert content(entered) == before
    harness.runs = own
    start_compensation_run(harness.tenancy, harness.saga)
    assert len(own.of(COMPENSATION_DAG)) == 1


def test_the_beat_of_the_pass_says_what_is_wrong(harness: EngineHarness, created: RunId):
    enter_foreign(harness, ANOTHER)
    summary = harness.reconcile_later()
    with harness.tenancy.ledger.open("test") as ledger:
        (beat,) = heartbeats.load_heartbeats(ledger)
    assert beat.summary == summary
    assert "not the one that has the runs of the tenants" in summary


def test_the_first_engine_is_recorded_once(harness: EngineHarness, created: RunId):
    harness.reconcile_later()
    assert _recorded(harness) == ["airflow:fake"]


def test_an_engine_without_an_identity_gets_one_for_the_first_tenant(harness: EngineHarness):
    harness.runs = FakeRuns(UNMARKED)
    assert reconcile(harness.tenancy) == "nothing to do"
    assert _recorded(harness) == []
    actions.create(harness.tenancy, real_systems.request(), by=BY)
    assert _recorded(harness) == [harness.runs.system] == ["airflow:made"]


def test_a_ledger_of_before_has_the_system_of_its_connections(harness: EngineHarness):
    harness.run_until(SCHEMA)
    assert _recorded(harness) == []
    own, harness.runs = harness.runs, FakeRuns(ANOTHER)
    assert "found airflow:another" in harness.reconcile_later()
    assert _recorded(harness) == []
    harness.runs = own
    harness.reconcile_later()
    assert _recorded(harness) == ["airflow:fake"]


def test_a_declared_successor_is_recorded_and_the_old_one_is_another_system_then(
    harness: EngineHarness, created: RunId
):
    own = harness.runs
    harness.runs = FakeRuns(ANOTHER)
    _declare(harness, {"airflow:fake": ANOTHER})
    assert "1 pursue" in harness.reconcile_later()
    assert harness.runs.of(PROVISIONING_DAG) == [created]
    assert _recorded(harness) == ["airflow:fake", ANOTHER]
    harness.runs = own
    assert "recorded airflow:another, found airflow:fake" in harness.reconcile_later()


def test_an_engine_that_is_lost_gives_way_to_the_one_that_answers(harness: EngineHarness, created: RunId):
    harness.runs = FakeRuns(UNMARKED)
    _declare(harness, {"airflow:fake": "lost"})
    assert "1 pursue" in harness.reconcile_later()
    assert _recorded(harness) == ["airflow:fake", "airflow:made"]


def test_a_dry_run_asks_no_engine(harness: EngineHarness, created: RunId):
    entered, _ = enter_foreign(harness, ANOTHER)
    answer = actions.cancel(for_dry_run(harness.tenancy), harness.tenant_id, by=BY)
    assert (answer.warnings, entered.asked_for_identity) == ((), 0)


def _declare(harness: EngineHarness, replaced: dict[str, str]) -> None:
    platform = replace(harness.tenancy.platform, replaced_systems=replaced)
    harness.tenancy = replace(harness.tenancy, platform=platform)


def _recorded(harness: EngineHarness) -> list[str]:
    with harness.tenancy.ledger.open("test") as ledger:
        facts = [each.fact for each in ledger.envelopes(PLATFORM_STREAM)]
    return [fact.system for fact in facts if isinstance(fact, f.EngineRecorded)]


@foreign_systems
def test_a_new_tenant_gets_no_connection_there_and_is_held(harness: EngineHarness, created: RunId, foreign: str):
    right, harness.handles.system = harness.handles.system, foreign
    harness.run_until(HANDLE, run_id=created)
    with pytest.raises(OtherSystemError, match="the system that answers is not the one that has the runs"):
        harness.run(HANDLE, run_id=created)
    assert harness.saga.hold.platform_fault
    assert harness.handles.system == foreign  # no marker was made
    assert harness.external_objects["connection"] == []
    harness.handles.system = right
    harness.run(HANDLE, 2, run_id=created)
    assert len(harness.external_objects["connection"]) == 1
