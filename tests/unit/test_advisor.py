"""What the console knows of the platform, as advice weighs it: the age of each look, and patience with the engine."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tenancy.console.advisor import Advisor
from tenancy.console.engine_watch import EngineWatch
from tenancy.console.pages.platform_view import platform_lines
from tenancy.engine.engine_report import EngineReport
from tenancy.engine.engine_status import EngineStatus
from tenancy.engine.health.check_results import CheckResult, Condition, Health, System
from tenancy.saga.causes import Cause
from tenancy.saga.states import State
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
