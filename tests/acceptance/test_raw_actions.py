"""Airflow's own buttons on a tenant's run, in every state: what each means in the real Airflow.

docs/reference/airflow-buttons.md has the table.

One tenant a cell; all are prepared and touched side by side, so the table costs as long as its slowest cell.
"""

from collections.abc import Iterator

import pytest

from sandbox.access import Access
from tests.acceptance import runs
from tests.acceptance.raw_action_table import RawActionCell, RawActionTable

GOES_ON = "Active, by the same attempt"
RETRIED = "Active, by the next attempt"
UNDONE = "undone"
CANCELLED_AGAIN = "undone, by a second cancel"
AS_IT_WAS = "nothing changes"
ITSELF = "Airflow itself refuses (409): it is so already"
NOTED = "recorded, nothing changes"


def refused(words: str) -> tuple[str, str]:
    return (AS_IT_WAS, words)


MEANS: dict[str, dict[str, str | tuple[str, str]]] = {
    "mark run failed": {
        "Provisioning": UNDONE,
        "unwinding": CANCELLED_AGAIN,
        "settled": AS_IT_WAS,
        "ready": AS_IT_WAS,
        "Active": NOTED,
        "old run": GOES_ON,
    },
    "mark task failed": {
        "Provisioning": UNDONE,
        "unwinding": ITSELF,
        "settled": ITSELF,
        "ready": AS_IT_WAS,
        "Active": AS_IT_WAS,
        "old run": GOES_ON,
    },
    "mark run success": {
        "Provisioning": UNDONE,
        "unwinding": AS_IT_WAS,
        "settled": AS_IT_WAS,
        "ready": AS_IT_WAS,
        "Active": AS_IT_WAS,
        "old run": GOES_ON,
    },
    "mark task success": {
        "Provisioning": UNDONE,
        "unwinding": AS_IT_WAS,
        "settled": AS_IT_WAS,
        "ready": AS_IT_WAS,
        "Active": ITSELF,
        "old run": GOES_ON,
    },
    "clear the whole run": {
        "Provisioning": GOES_ON,
        "unwinding": refused("being cancelled"),
        "settled": RETRIED,
        "ready": RETRIED,
        "Active": AS_IT_WAS,
        "old run": (GOES_ON, "is being provisioned by run"),
    },
    "clear some tasks": {
        "Provisioning": GOES_ON,
        "unwinding": refused("being cancelled"),
        "settled": refused("clear the whole run"),
        "ready": RETRIED,  # Reset has emptied the run: nothing of it is done, so Airflow begins with its first task
        "Active": AS_IT_WAS,
        "old run": (GOES_ON, "is being provisioned by run"),
    },
    "trigger again": {
        "Provisioning": (GOES_ON, "is being provisioned by run"),
        "unwinding": refused("being cancelled"),
        "settled": refused("Reset it first"),
        "ready": RETRIED,
        "Active": refused("taken by an active tenant"),
    },
    "delete the run": {
        "Provisioning": GOES_ON,
        "unwinding": AS_IT_WAS,
        "settled": AS_IT_WAS,
        "ready": AS_IT_WAS,
        "Active": AS_IT_WAS,
        "old run": GOES_ON,
    },
}
CELLS = [(action, column) for action, row in MEANS.items() for column in row]
_ANSWERS = {("delete the run", "Provisioning"): {409}}
"""Airflow 3.3.2 deletes no run that lives: it has to be marked failed before, which is Cancel."""
PATIENCE = 240.0
"""A lost or silently ended run is found by the reconciler: a silence of 20 s, the next pass, the undoing."""


@pytest.fixture(scope="module")
def played(sandbox: Access) -> Iterator[dict[tuple[str, str], RawActionCell]]:
    table = RawActionTable(sandbox)
    try:
        yield table.play(CELLS)
    finally:
        table.close()


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("action", "column"), CELLS)
def test_what_it_means(sandbox: Access, played: dict[tuple[str, str], RawActionCell], action: str, column: str):
    cell = played[action, column]
    entry = MEANS[action][column]
    meaning, words = (entry, "") if isinstance(entry, str) else entry
    assert cell.answered in _ANSWERS.get((action, column), {200, 204}) | ({409} if meaning == ITSELF else set())
    if words:
        runs.wait_until(lambda: words in " ".join(runs.refusals(sandbox, cell.slug)), f"{cell} to be refused: {words}")
    phase = {AS_IT_WAS: _rests(column), ITSELF: _rests(column), NOTED: "Active", GOES_ON: "Active", RETRIED: "Active"}
    expected = phase.get(meaning, "Failed settled")
    runs.await_phase(sandbox, cell.slug, expected, seconds=PATIENCE)
    _check(sandbox, cell, meaning)


def _rests(column: str) -> str:
    return {"Active": "Active", "ready": "Failed ready"}.get(column, "Failed settled")


def _check(access: Access, cell: RawActionCell, meaning: str) -> None:
    row, kinds = runs.tenant(access, cell.slug), runs.fact_kinds(access, cell.slug)
    assert row is not None
    assert row["attempt"] == cell.attempt + (meaning == RETRIED)
    if meaning in {AS_IT_WAS, ITSELF, NOTED, GOES_ON}:
        assert row["generation"] == cell.generation, "nobody unwound it anew"
    if meaning == CANCELLED_AGAIN:
        assert row["generation"] == cell.generation + 1
        assert kinds.count("tenant.provisioning.cancel.requested") == 2
    assert ("tenant.airflow_action.noted" in kinds) is (meaning == NOTED)
