"""One enum says where a tenant can be: it fits the states, its twin in the command line, and what people read."""

import json

import pytest

from tenancy.saga.states import Phase, State, Substate
from tenantctl.phases import Phase as CommandLinePhase


def test_every_state_and_every_substate_of_failed_is_a_phase():
    whole = [Phase.of(state, None) for state in State if state is not State.FAILED]
    failed = [Phase.of(State.FAILED, substate) for substate in Substate]
    assert {*whole, *failed} == set(Phase)


@pytest.mark.parametrize(("state", "substate"), [(State.FAILED, None), (State.ACTIVE, Substate.SETTLED)])
def test_a_state_with_a_substate_that_it_cannot_have_is_no_phase(state: State, substate: Substate | None):
    with pytest.raises(ValueError, match="is not a valid Phase"):
        Phase.of(state, substate)


def test_the_command_line_knows_the_same_phases():
    assert list(map(str, CommandLinePhase)) == list(map(str, Phase))


def test_a_phase_is_its_text_wherever_it_is_shown():
    assert f"{Phase.FAILED_SETTLED}" == "Failed settled"
    assert json.dumps({"state": Phase.FAILED_SETTLED}) == '{"state": "Failed settled"}'
