"""The workflow engine's vitals: asked seldom, by one of those who look; what they say to whom."""

import pytest

from tenancy.console.pulse import FRESH_SECONDS, Pulse
from tenancy.engine.vitals import Vitals
from tests.unit.sagas import PHASES, tenant_in

AWAY = Vitals(("scheduler",))
"""As a dead scheduler shows."""
MOVING = {"Provisioning", "Cancelling", "Failed unwinding", "Decommissioning"}


class Engine:
    """It counts how often it is asked, and does something meanwhile."""

    def __init__(self) -> None:
        self.asked = 0
        self.now = 0.0
        self.meanwhile = lambda: None

    def look(self) -> Vitals:
        self.asked += 1
        self.meanwhile()
        return AWAY


def test_many_watchers_ask_once():
    engine = Engine()
    pulse = Pulse(engine.look, lambda: engine.now)
    assert [pulse() for _ in range(5)] == [AWAY] * 5
    assert engine.asked == 1
    engine.now = FRESH_SECONDS
    pulse()
    assert engine.asked == 2


def test_while_one_asks_the_others_do_not_wait():
    engine = Engine()
    pulse = Pulse(engine.look, lambda: engine.now)
    others: list[Vitals] = []
    engine.meanwhile = lambda: others.append(pulse())
    assert pulse() == AWAY
    assert others == [Vitals()]
    assert engine.asked == 1


@pytest.mark.parametrize("phase", PHASES)
def test_a_dead_scheduler_holds_whoever_goes_on_by_itself(phase: str):
    saga = tenant_in(phase)
    assert saga is not None
    assert bool(AWAY.holds(saga)) is (phase in MOVING)
    assert Vitals().holds(saga) == Vitals(("dag_processor", "triggerer")).holds(saga) == ""
    assert Vitals(trouble="It does not answer.").holds(saga) == ("It does not answer." if phase in MOVING else "")


def test_all_that_is_silent_is_told_in_one_sentence():
    assert Vitals().said == ""
    assert "scheduler gives no sign of life" in AWAY.said
    assert "scheduler and triggerer give no sign of life" in Vitals(("scheduler", "triggerer")).said
