"""A task or an unwinding whose process dies at any point, in the ledger or outside: the next one continues."""

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
from tests.contract.connection_cuts import dies_after
from tests.contract.severable_connection import SeverableConnection, severable_connection
from tests.integration.engine_harness import MARK_ACTIVE, NO_OBJECTS, ORDER, STORAGE, VALIDATE, EngineHarness

Lines = tuple[SeverableConnection, SeverableConnection]


@pytest.fixture
def lines(harness: EngineHarness, ledger_dsn: Dsn, storage_dsn: Dsn) -> Iterator[Lines]:
    """The harness with severable connections to the ledger and to the storage."""
    with severable_connection(ledger_dsn) as to_ledger, severable_connection(storage_dsn) as to_storage:
        clients = replace(harness.tenancy.clients, storage=lambda region: StorageServer(to_storage.dsn))
        harness.tenancy = replace(harness.tenancy, ledger=Ledger(to_ledger.dsn), clients=clients)
        yield to_ledger, to_storage


def test_unwinding_that_keeps_dying_later_and_later_ends_settled(harness: EngineHarness, lines: Lines):
    harness.run_until(MARK_ACTIVE)
    harness.record_commands(c.Cancel())
    for statements in itertools.count(1, 2):
        if harness.saga.phase != "Cancelling":
            break
        dies_after(harness.unwind, *lines, harness.handles, after=statements)
        assert find_chain_break(harness.envelopes) is None
    assert harness.saga.phase == "Failed settled"
    assert harness.external_objects == NO_OBJECTS
    released = [fact.resource for fact in harness.facts(f.ResourceReleased)]
    assert released == ["release", "namespace", "connection", "database", "schema", "role"]


@pytest.mark.parametrize("first", [5, 15, 25])
def test_tasks_that_die_later_and_later_end_in_an_active_tenant(harness: EngineHarness, lines: Lines, first: int):
    """Each activity's process three times, which is once less than what counts as a failure."""
    harness.run(VALIDATE)
    for activity in ORDER:
        for number, after in enumerate((first, first + 30, first + 60, 10_000), start=1):
            if not dies_after(lambda: harness.run(activity, number), *lines, harness.handles, after=after):  # noqa: B023
                break
    assert harness.saga.phase == "Active"
    assert {len(names) for names in harness.external_objects.values()} == {1}
    assert find_chain_break(harness.envelopes) is None
    assert len(harness.facts(f.ResourceIntended)) == len(harness.saga.resources)


def test_a_task_that_died_anywhere_and_was_given_up_leaves_nothing(harness: EngineHarness, lines: Lines):
    for number in itertools.count(1):
        run = RunId(f"run-{number}")
        harness.run(VALIDATE, number, run)
        died = dies_after(lambda: harness.run(STORAGE, number, run), *lines, harness.handles, after=number * 7)  # noqa: B023
        after = harness.run_failed(run)
        assert after is not None
        assert (after.phase, harness.external_objects) == ("Failed settled", NO_OBJECTS), (
            f"dying after statement {number * 7}"
        )
        harness.record_commands(c.Reset())
        if not died:
            break
