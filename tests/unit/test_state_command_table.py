"""Every phase x every command: what the state machine returns. The table is the specification; read it as such.

A cell is the facts' classes that the command makes (none: it is already so), or words of the refusal's sentence.
"""

import pytest

from tenancy.saga import commands as c
from tenancy.saga.decide import decide
from tenancy.saga.errors import Refused, StaleLease
from tenancy.saga.evolve import fold
from tests.unit.attempt_commands import ATTEMPT_ROWS
from tests.unit.command_cells import Answer, Makes, Row
from tests.unit.operator_commands import OPERATOR_ROWS
from tests.unit.sagas import (
    HANDLE,
    MARK_ACTIVE,
    NO_SAGA,
    OTHER_RUN,
    PHASES,
    RUN,
    begin,
    fail,
    give_up,
    start,
    tenant_in,
)
from tests.unit.unwinding_commands import UNWINDING_ROWS

TABLE = [*ATTEMPT_ROWS, *UNWINDING_ROWS, *OPERATOR_ROWS]
CELLS = [
    pytest.param(phase, command, answer, id=f"{phase} - {name}")
    for name, command, cells in TABLE
    for phase, answer in cells.items()
]


@pytest.mark.parametrize(("phase", "command", "answer"), CELLS)
def test_the_state_machine_returns_what_the_table_says(phase: str, command: c.Command, answer: Answer) -> None:
    saga = None if phase == NO_SAGA else tenant_in(phase)
    if isinstance(answer, Makes):
        facts = decide(saga, command)
        assert tuple(type(fact) for fact in facts) == answer.facts
        return
    with pytest.raises(Refused) as refusal:
        decide(saga, command)
    sentence = str(refusal.value)
    assert [word for word in answer.words if word not in sentence] == [], sentence
    assert (refusal.value.field, refusal.value.retry_after) == (answer.field, answer.retry_after)
    assert isinstance(refusal.value, StaleLease) is answer.stale


def test_the_table_has_every_command() -> None:
    every = {*c.Command.__subclasses__(), *c.UnwindingCommand.__subclasses__()} - {c.UnwindingCommand}
    assert {type(command) for _, command, _ in TABLE} == every


@pytest.mark.parametrize(("name", "cells"), [(name, cells) for name, _, cells in TABLE])
def test_every_row_of_the_table_has_every_phase(name: str, cells: Row) -> None:
    assert set(cells) == {NO_SAGA, *PHASES}


@pytest.mark.parametrize("phase", PHASES)
def test_each_exemplar_is_in_its_phase(phase: str) -> None:
    assert tenant_in(phase).phase == phase


@pytest.mark.parametrize(
    ("phase", "command", "leads_to"),
    [
        ("Provisioning", c.Cancel(), "Cancelling"),
        ("Cancelling", c.Cancel(), "Cancelling"),
        ("Failed unwinding", c.Cancel(), "Cancelling"),
        ("Failed stuck", c.Cancel(), "Cancelling"),
        ("Failed retained", c.Cancel(), "Cancelling"),
        ("Failed settled", c.Reset(), "Failed ready"),
        ("Failed retained", c.Reset(), "Failed ready"),
        ("Provisioning", c.Reset(force=True, platform_role=True, reason="INC-7"), "Failed ready"),
        ("Failed ready", start(OTHER_RUN), "Provisioning"),
        ("Failed settled", start(RUN, cleared=1), "Provisioning"),
        ("Failed retained", start(RUN, cleared=1), "Provisioning"),
        ("Provisioning", give_up(), "Failed unwinding"),
        ("Provisioning", fail(HANDLE), "Provisioning"),
        ("Failed settled", c.Decommission(), "Decommissioned"),
        ("Failed ready", c.Decommission(), "Decommissioned"),
        ("Failed stuck", c.Decommission(), "Decommissioning"),
        ("Decommissioning", c.Decommission(), "Decommissioning"),
        ("Cancelling", c.ExhaustUnwinding(1), "Failed stuck"),
        ("Failed unwinding", c.ExhaustUnwinding(1), "Failed stuck"),
        ("Decommissioning", c.ExhaustUnwinding(1), "Decommissioning"),
        ("Active", c.Escalate(), "Active"),
        ("Active", begin(MARK_ACTIVE, 2), "Active"),
    ],
)
def test_an_accepted_command_leads_to_its_phase(phase: str, command: c.Command, leads_to: str) -> None:
    saga = fold(decide(tenant_in(phase), command), tenant_in(phase))
    assert saga is not None
    assert saga.phase == leads_to
