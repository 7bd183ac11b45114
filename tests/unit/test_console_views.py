"""The console's words and views: durations, what is wrong with the platform, lines of the list."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tenancy.adapters.airflow_runs import QueuedRun
from tenancy.console.advisor import Advisor
from tenancy.console.api import actions as api_actions
from tenancy.console.pages import assets, words
from tenancy.console.pages.action_view import BUTTONS
from tenancy.console.pages.list_view import ListSnapshot, list_view, query_of, tenant_row_view
from tenancy.console.pages.platform_view import platform_lines
from tenancy.console.pages.timeline_view import bar_percent
from tenancy.engine.actions.actions import ACTIONS
from tenancy.engine.engine_report import EngineReport, load_engine_report
from tenancy.engine.engine_status import EngineStatus
from tenancy.engine.health.check_results import CheckResult, Condition, Health, System
from tenancy.ledger.heartbeats import Heartbeat
from tenancy.ledger.tenant_summaries import TenantFilter, TenantSummary
from tenancy.saga.causes import Cause
from tenancy.saga.platform import Platform
from tenancy.saga.stalls import TenantStatus
from tenancy.saga.states import State, Substate
from tests.contract.fake_runs import FakeRuns
from tests.products import SAMPLE_ONLY
from tests.unit.sagas import ACME, MARK_ACTIVE, PHASES, RUN, TENANT

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
WELL = (Heartbeat("reconciliation", NOW - timedelta(seconds=20), 0.5, "nothing to do"),)
LINE = TenantSummary(
    tenant_id=TENANT, parameters=ACME, state=State.ACTIVE, substate=None, attempt=2, generation=0, run_id=RUN,
    activity=None, seq=9, predecessor=None, created_at=NOW - timedelta(days=2), state_since=NOW - timedelta(minutes=4),
    needs_attention=False, held="",
    standing=TenantStatus(State.ACTIVE, None, None, NOW - timedelta(minutes=4), NOW - timedelta(minutes=4)),
)  # fmt: skip
ADVISOR = Advisor(Platform("test", {}, {}, {}), EngineStatus(), NOW)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-3, "0.0 s"), (0.04, "0.0 s"), (0.4, "0.4 s"), (9.94, "9.9 s"), (9.96, "9 s"), (59.9, "59 s"), (60, "1 min"),
        (61, "1 min 1 s"), (599, "9 min 59 s"), (601, "10 min"), (3600, "1 h"), (3900, "1 h 5 min"), (40000, "11 h"),
        (90000, "1 d 1 h"), (10_000_000, "115 d"),
    ],
)  # fmt: skip
def test_a_duration_is_written_shortly(seconds: float, expected: str):
    assert words.duration(seconds) == expected


def test_every_phase_has_its_words_and_its_colour():
    assert set(words.PHASE_HEADINGS) == set(words.TONES) == set(PHASES)
    assert set(words.SUBSTATE_TEXTS) <= set(PHASES)


def test_a_bar_shows_tenths_of_seconds_and_minutes():
    assert bar_percent(0, 390) == 0
    assert (
        5
        < bar_percent(0.2, 390)
        < bar_percent(2, 390)
        < bar_percent(60, 390)
        < bar_percent(300, 390)
        < bar_percent(390, 390)
        == 100
    )
    assert bar_percent(10_000, 390) == 100


def test_a_platform_that_is_well_has_nothing_to_say():
    assert platform_lines(EngineReport(), WELL, NOW) == ()


@pytest.mark.parametrize(
    ("snapshot", "tone", "what"),
    [
        (EngineReport(trouble="no"), "bad", "The workflow engine does not respond."),
        (EngineReport(silent=("scheduler",)), "bad", "The workflow engine's scheduler sends no heartbeat."),
        (EngineReport(paused=("tenant_provisioning",)), "warn", "The DAG tenant_provisioning is paused:"),
        (EngineReport(paused=("tenant_reconciliation",)), "warn", "The DAG tenant_reconciliation is paused:"),
    ],
)
def test_what_is_wrong_with_the_engine_is_not_the_tenants_fault(snapshot: EngineReport, tone: str, what: str):
    (line,) = platform_lines(snapshot, WELL, NOW)
    assert (line.tone, line.what) == (tone, what)
    assert line.meaning


def test_a_late_reconciler_is_reported():
    (late,) = platform_lines(EngineReport(), (replace(WELL[0], at=NOW - timedelta(minutes=9)),), NOW)
    (never,) = platform_lines(EngineReport(), (), NOW)
    assert (late.what, never.what) == ("The reconciler last ran 9 min ago.", "The reconciler has never run.")
    world = Heartbeat("reality check", NOW - timedelta(hours=3), 1, "all alike")
    (line,) = platform_lines(EngineReport(), (*WELL, world), NOW)
    assert line.what == "The reality check last ran 3 h ago."


def test_the_report_is_what_the_engine_says():
    runs = FakeRuns()
    runs.paused, runs.silent = {"tenant_provisioning"}, ("triggerer",)
    runs.start("tenant_provisioning", "r1", {"slug": "acme"})
    snapshot = load_engine_report(runs, SAMPLE_ONLY)
    assert (snapshot.paused, snapshot.silent) == (("tenant_provisioning",), ("triggerer",))
    assert [(run.run_id, run.slug) for run in snapshot.queued] == [("r1", "acme")]
    runs.away = True
    assert load_engine_report(runs, SAMPLE_ONLY).trouble


@pytest.mark.parametrize(
    ("state", "region", "checked_ago", "is_reported"),
    [
        (Condition.DOWN, ACME.region, 10, True),
        (Condition.UNKNOWN, ACME.region, 10, False),
        (Condition.DOWN, "elsewhere", 10, False),
        (Condition.DOWN, ACME.region, 90, False),
    ],
)
def test_an_active_tenant_is_not_to_be_verified_before_its_ingress_answers(
    state: Condition, region: str, checked_ago: int, is_reported: bool
):
    at = NOW - timedelta(seconds=checked_ago)
    health = Health((CheckResult(System.INGRESS, state, "Nobody answers.", region, checked_at=at),), at)
    advisor = replace(ADVISOR, health=health)
    advice = advisor.advice(LINE)
    assert advice.sentence.endswith("erify that it answers at its address and that the tenant's admin has signed in.")
    assert ("Have the region's ingress checked" in advice.sentence) == advice.not_its_fault == is_reported
    assert [check.system for check in advisor.checks(LINE)] == ([System.INGRESS] if is_reported else [])
    assert advisor.stall(LINE) is None


def test_a_line_names_the_wedged_activity_and_the_next_action():
    standing = replace(LINE.standing, state=State.FAILED, substate=Substate.STUCK)
    stuck = replace(LINE, state=State.FAILED, substate=Substate.STUCK, activity=MARK_ACTIVE, standing=standing)
    shown = tenant_row_view(stuck, ADVISOR)
    assert (shown.phase, shown.tone, shown.activity, shown.age_seconds) == (
        "Failed stuck",
        "bad",
        "Mark active",
        172800,
    )
    assert (shown.attention, "cancel again" in shown.next) == (True, True)
    assert tenant_row_view(LINE, ADVISOR).next == ""


STORAGE_IS_DOWN = CheckResult(System.STORAGE, Condition.DOWN, "It does not respond.", region=ACME.region)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"failure_cause": Cause.STORAGE_UNREACHABLE}, ["storage of eu"]),
        ({"failure_cause": Cause.CLUSTER_UNREACHABLE}, ["storage of eu"]),
        ({"failure_cause": Cause.SCHEMA_MIGRATION, "error_repeated": True}, ["storage of eu"]),
    ],
)
def test_a_fault_of_the_platform_is_shown_with_every_tenant_that_needs_the_system(
    changes: dict[str, Any], expected: list[str]
):
    standing = replace(LINE.standing, state=State.FAILED, substate=Substate.SETTLED, failures=2, **changes)
    failed = replace(LINE, state=State.FAILED, substate=Substate.SETTLED, standing=standing)
    advisor = replace(ADVISOR, health=Health((STORAGE_IS_DOWN,), NOW))
    assert [check.name for check in advisor.checks(failed)] == expected


def test_a_decommissioned_tenant_is_linked_by_its_id():
    assert tenant_row_view(replace(LINE, state=State.DECOMMISSIONED), ADVISOR).ref == str(TENANT)
    assert tenant_row_view(LINE, ADVISOR).ref == "acme"


def test_what_is_shown_on_top_is_not_shown_again():
    queued = (QueuedRun("r1", "beta", NOW, "tenant_provisioning"),)
    snapshot = ListSnapshot((LINE,), (LINE,), dict.fromkeys(State, 0), 1, queued, (), ADVISOR)
    view = list_view(snapshot, TenantFilter(), cursor=None, more="abc")
    assert (len(view.urgent), len(view.others), view.next_query) == (1, 0, "cursor=abc")
    assert [count.label for count in view.counts if count.chosen] == ["all"]


def test_a_wish_survives_as_a_query():
    filters = TenantFilter(state=State.FAILED, region="eu & co", text="a=b", attention=True)
    assert query_of(filters) == "q=a%3Db&state=Failed&region=eu+%26+co&attention=true"


@pytest.mark.parametrize("action", ACTIONS)
def test_a_page_offers_an_action_to_whom_the_api_allows_it(action: str):
    assert BUTTONS[action].rights[0] is getattr(api_actions, action).right


def test_an_asset_is_named_by_its_content():
    found = assets.assets()
    assert set(found) == {"connection.js", "console.css", "console.js", "dialog.js", "htmx.min.js", "theme.js"}
    assert assets.address("console.css") == f"static/{found['console.css'].version}/console.css"
