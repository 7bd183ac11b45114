"""How the workflow engine is: asked seldom, by one thread for all; what its vitals say to whom."""

import threading

import pytest

from tenancy.console.engine_watch import FRESH_SECONDS, EngineWatch
from tenancy.engine.engine_report import EngineReport
from tenancy.engine.engine_status import EngineStatus
from tests.acceptance.runs import wait_until
from tests.unit.sagas import PHASES, tenant_in

AWAY = EngineReport(silent=("scheduler",))
"""As a dead scheduler shows."""
MOVING = {"Provisioning", "Cancelling", "Failed unwinding", "Decommissioning"}


class FakeEngine:
    """It counts how often it is asked, and answers when it may."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_answer = threading.Event()

    def look(self) -> EngineReport:
        self.asked += 1
        assert self.may_answer.wait(60)
        return AWAY


class Clock:
    """It stands still until the test moves it."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_many_watchers_ask_once():
    engine = FakeEngine()
    engine.may_answer.set()
    watch = EngineWatch(engine.look)
    wait_until(lambda: watch() == AWAY, "the first answer")
    assert [watch() for _ in range(5)] == [AWAY] * 5
    assert engine.asked == 1


def test_nobody_waits_for_an_engine_that_does_not_answer_and_it_is_reported():
    engine = FakeEngine()
    watch = EngineWatch(engine.look)
    assert watch() == EngineReport()
    wait_until(lambda: "has not responded for" in watch().trouble, "its silence to be told")
    engine.may_answer.set()
    wait_until(lambda: watch() == AWAY, "its answer")
    assert engine.asked == 1


@pytest.mark.parametrize("phase", PHASES)
def test_a_dead_scheduler_holds_tenants_that_continue_by_themselves(phase: str):
    saga = tenant_in(phase)
    assert saga is not None
    assert bool(AWAY.holds(saga)) is (phase in MOVING)
    assert EngineStatus().holds(saga) == EngineStatus(("dag_processor", "triggerer")).holds(saga) == ""
    assert EngineStatus(trouble="It does not respond.").holds(saga) == (
        "It does not respond." if phase in MOVING else ""
    )


def test_all_that_is_silent_is_reported_in_one_sentence():
    assert EngineStatus().sentence == ""
    assert "scheduler sends no heartbeat" in AWAY.sentence
    assert "scheduler and triggerer send no heartbeat" in EngineStatus(("scheduler", "triggerer")).sentence


def test_how_long_the_engine_has_not_answered_counts_from_the_first_question_without_an_answer():
    answers = [
        EngineReport(trouble="It does not respond."),
        EngineReport(trouble="It still does not respond."),
        EngineReport(),
    ]
    clock = Clock()
    watch = EngineWatch(lambda: answers.pop(0), clock)
    watch.start_refresh()
    wait_until(lambda: bool(watch.latest.trouble), "the first trouble")
    assert watch.latest.trouble_seconds == 0.0
    assert not watch.latest.is_away
    clock.now += FRESH_SECONDS
    watch.start_refresh()
    wait_until(lambda: watch.latest.trouble.startswith("It still"), "the second trouble")
    assert watch.latest.trouble_seconds == FRESH_SECONDS
    clock.now += FRESH_SECONDS
    watch.start_refresh()
    wait_until(lambda: not watch.latest.trouble, "its answer")
    assert watch.latest.trouble_seconds == 0.0


@pytest.mark.parametrize("phase", sorted(MOVING))
def test_an_engine_that_has_not_answered_for_a_moment_holds_nobody(phase: str):
    assert EngineStatus(trouble="It does not respond.", trouble_seconds=29.0).holds(tenant_in(phase)) == ""
