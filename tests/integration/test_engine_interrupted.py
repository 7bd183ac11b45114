"""A task or an unwinding whose process dies at any point, in the ledger or outside: the next one goes on."""

import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tenancy.adapters.dsn import Dsn
from tenancy.adapters.storage import StorageServer
from tenancy.ledger.envelope import find_chain_break
from tenancy.ledger.ledger import Ledger
from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.names import RunId
from tests.contract.connection_cuts import dies
from tests.contract.severable_connection import Line, severable_line
from tests.integration.engine_harness import FLIP, NOTHING, ORDER, STORAGE, VALIDATE, Stage

Lines = tuple[Line, Line]


@pytest.fixture
def lines(stage: Stage, ledger_dsn: Dsn, storage_dsn: Dsn) -> Iterator[Lines]:
    """The lines to the ledger and to the storage, put into the stage."""
    with severable_line(ledger_dsn) as to_ledger, severable_line(storage_dsn) as to_storage:
        clients = replace(stage.tenancy.clients, storage=lambda region: StorageServer(to_storage.dsn))
        stage.tenancy = replace(stage.tenancy, ledger=Ledger(to_ledger.dsn), clients=clients)
        yield to_ledger, to_storage


def test_unwinding_that_keeps_dying_later_and_later_ends_settled(stage: Stage, lines: Lines):
    stage.run_until(FLIP)
    stage.ask(c.Cancel())
    for statements in itertools.count(1, 2):
        if stage.saga.phase != "Cancelling":
            break
        dies(stage.unwind, *lines, stage.handles, after=statements)
        assert find_chain_break(stage.envelopes) is None
    assert stage.saga.phase == "Failed settled"
    assert stage.outside == NOTHING
    released = [fact.resource for fact in stage.facts(f.ResourceReleased)]
    assert released == ["release", "namespace", "connection", "database", "schema", "role"]


@pytest.mark.parametrize("first", [5, 15, 25])
def test_tasks_that_die_later_and_later_end_in_an_active_tenant(stage: Stage, lines: Lines, first: int):
    """Each activity's process three times, which is once less than what counts as a failure."""
    stage.run(VALIDATE)
    for activity in ORDER:
        for number, after in enumerate((first, first + 30, first + 60, 10_000), start=1):
            if not dies(lambda: stage.run(activity, number), *lines, stage.handles, after=after):  # noqa: B023
                break
    assert stage.saga.phase == "Active"
    assert {len(names) for names in stage.outside.values()} == {1}
    assert find_chain_break(stage.envelopes) is None
    assert len(stage.facts(f.ResourceIntended)) == len(stage.saga.resources)


def test_a_task_that_died_anywhere_and_was_given_up_leaves_nothing(stage: Stage, lines: Lines):
    for number in itertools.count(1):
        run = RunId(f"run-{number}")
        stage.run(VALIDATE, number, run)
        died = dies(lambda: stage.run(STORAGE, number, run), *lines, stage.handles, after=number * 7)  # noqa: B023
        after = stage.run_failed(run)
        assert after is not None
        assert (after.phase, stage.outside) == ("Failed settled", NOTHING), f"dying after statement {number * 7}"
        stage.ask(c.Reset())
        if not died:
            break
