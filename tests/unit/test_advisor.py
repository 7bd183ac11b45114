"""What the console knows of the platform, as advice weighs it: the age of each look, and patience with the engine."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tenancy.activities.remedies import REMEDIES
from tenancy.console.advisor import Advisor
from tenancy.console.engine_watch import EngineWatch
from tenancy.console.pages.platform_view import platform_lines
from tenancy.engine.engine_report import EngineReport
from tenancy.engine.engine_status import EngineStatus
from tenancy.engine.health.check_results import CheckResult, Condition, Health, System
from tenancy.saga.causes import Cause
from tenancy.saga.stalls import StallKind
from tenancy.saga.states import State
from tenancy.saga.tenant import OpenStall
from tests.unit.sagas import ACME, WAIT
from tests.unit.test_console_views import ADVISOR, LINE, NOW, WELL

REGIONAL = (System.STORAGE, System.CLUSTER, System.INGRESS)


def health(
    state: Condition, *, ago: float = 5, systems: tuple[System, ...] = REGIONAL, region: str = ACME.region
) -> Health:
    at = NOW - timedelta(seconds=ago)
    return Health(tuple(CheckResult(each, state, "It says so.", region, checked_at=at) for each in systems), at)


def waiting(advisor: Advisor) -> str:
    """The advice for a tenant that has just begun to wait for its workloads."""
    tenant = replace(LINE.standing, state=State.PROVISIONING, activity=WAIT, state_since=NOW, activity_since=NOW)
    return advisor.advice(replace(LINE, state=State.PROVISIONING, activity=WAIT, standing=tenant)).sentence


@pytest.mark.parametrize("system", REGIONAL)
def test_an_active_tenants_advice_names_what_is_down_in_its_region(system: System):
    advisor = replace(ADVISOR, health=health(Condition.DOWN, systems=(system,)))
    advice = advisor.advice(LINE)
    assert f"The {system} of {ACME.region} is down" in advice.sentence
    assert (advice.not_its_fault, advice.warning) == (True, True)
    assert [check.system for check in advisor.checks(LINE)] == [system]


@pytest.mark.parametrize("changes", [{"ago": 90}, {"region": "elsewhere"}])
def test_an_old_check_or_one_of_another_region_is_no_problem_of_the_tenant(changes: dict[str, Any]):
    advisor = replace(ADVISOR, health=health(Condition.DOWN, **changes))
    assert (advisor.advice(LINE).warning, advisor.checks(LINE)) == (False, ())


def test_an_engine_that_has_not_answered_for_a_moment_is_no_reason_yet():
    moment, long = (EngineStatus(trouble="It does not respond.", trouble_seconds=seconds) for seconds in (16.0, 31.0))
    assert "the workflow engine must answer first" not in waiting(replace(ADVISOR, engine=moment))
    assert "the workflow engine must answer first" in waiting(replace(ADVISOR, engine=long))


def test_the_regions_trouble_is_reported_with_an_unavailable_engine():
    advisor = replace(ADVISOR, engine=EngineStatus(trouble="It does not respond."), health=health(Condition.DOWN))
    sentence = waiting(advisor)
    assert sentence.startswith(f"The cluster of {ACME.region} is down")
    assert sentence.endswith("the workflow engine must answer first.")


@pytest.mark.parametrize(("age", "is_reported"), [(2.0, True), (61.0, False), (None, False)])
def test_a_report_of_the_engine_counts_while_it_is_fresh(age: float | None, is_reported: bool):
    silent = EngineStatus(("triggerer",), age_seconds=age)
    assert ("until the triggerer is back" in waiting(replace(ADVISOR, engine=silent))) == is_reported


def test_before_the_first_check_nothing_is_known():
    assert EngineWatch(EngineReport).latest.age_seconds is None


@pytest.mark.parametrize(
    ("part", "expected", "unexpected"),
    [
        ("scheduler", "Nothing new is started.", "Tasks start"),
        (
            "triggerer",
            "Tasks start, but tenants that wait for their workloads do not continue.",
            "Nothing new is started",
        ),
        ("dag_processor", "Tasks start", "Nothing new is started"),
    ],
)
def test_a_silent_part_of_the_engine_is_reported_with_what_it_does_not_do(part: str, expected: str, unexpected: str):
    (line,) = platform_lines(EngineReport(silent=(part,)), WELL, NOW)
    assert line.meaning.startswith(expected)
    assert unexpected not in line.meaning


@pytest.mark.parametrize(
    ("cause", "expected", "unexpected"),
    [
        (Cause.UNKNOWN, "Tenants continue when it answers", "read-only"),
        (Cause.STORAGE_READ_ONLY, "changed to the primary server", "Tenants continue when it answers"),
        (Cause.STORAGE_PERMISSION, "Have the statement in the error", "Tenants continue when it answers"),
    ],
)
def test_a_system_that_answers_and_refuses_is_reported_with_what_it_needs(cause: Cause, expected: str, unexpected: str):
    checks = (CheckResult(System.STORAGE, Condition.DOWN, "It says so.", ACME.region, checked_at=NOW, cause=cause),)
    sentence = replace(ADVISOR, health=Health(checks, NOW)).advice(LINE).sentence
    assert expected in sentence
    assert unexpected not in sentence


SPEAKS_OF_A_TEXT = [
    cause
    for cause in Cause
    if any(word in REMEDIES[cause].sentence.lower() for word in ("message", "the error", "error log", "quotes"))
]
LATE = replace(
    LINE.standing, state=State.PROVISIONING, activity=WAIT, activity_since=NOW - timedelta(minutes=12), held=None
)
WORDS = "It names the right, the statement and the object."


def unexplained(cause: Cause = Cause.UNKNOWN, message: str = "Nothing was found.") -> OpenStall:
    return OpenStall(StallKind.ACTIVITY, WAIT, cause, message, NOW - timedelta(minutes=1))


@pytest.mark.parametrize("cause", SPEAKS_OF_A_TEXT)
@pytest.mark.parametrize("way", ["stall", "hold", "last try", "last try in time", "last try with a stall"])
def test_the_text_that_the_advice_speaks_of_is_shown_with_it(way: str, cause: Cause):
    met = {"activity_cause": cause, "activity_message": WORDS, "activity_cause_since": NOW - timedelta(minutes=1)}
    summary = {
        "stall": replace(LINE, standing=LATE, stall=unexplained(cause, WORDS)),
        "hold": replace(LINE, held=WORDS, standing=replace(LATE, held=cause), stall=unexplained()),
        "last try": replace(LINE, standing=replace(LATE, **met)),
        "last try in time": replace(LINE, standing=replace(LATE, **met, activity_since=NOW - timedelta(minutes=5))),
        "last try with a stall": replace(LINE, standing=replace(LATE, **met), stall=unexplained()),
    }[way]
    at_it = replace(summary, state=State.PROVISIONING, activity=WAIT)
    assert REMEDIES[cause].sentence in ADVISOR.advice(at_it).sentence
    assert ADVISOR.evidence(at_it) == WORDS


def test_no_remedy_speaks_of_evidence_which_no_view_shows_by_that_name():
    assert [cause for cause in Cause if "evidence" in REMEDIES[cause].sentence] == []
