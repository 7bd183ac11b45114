"""People's notes on a tenant, on a real ledger: what may be noted, by whom, when, and that it is added once."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from tenancy.console.callers import Caller, Right
from tenancy.ledger.envelope import find_chain_break
from tenancy.ledger.notes import load_notes
from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.evolve import fold
from tenancy.saga.names import TenantId
from tests.integration.added_notes import facts, lose_the_first_answer, noted, texts
from tests.integration.console_client import STAMP, VIEWER, Console
from tests.integration.lifecycles import FIRST_FAILS, STUCK_THEN_SETTLED, WHOLE_LIFE
from tests.unit.sagas import ACME, ORDER, OTHER_RUN, TENANT, done, start

LIVES: dict[str, tuple[c.Command, ...]] = {
    "Provisioning": (start(),),
    "Active": (start(), *done(*ORDER)),
    "Cancelling": (start(), c.Cancel()),
    "Failed": FIRST_FAILS,
    "Failed stuck": (*FIRST_FAILS, *STUCK_THEN_SETTLED[: STUCK_THEN_SETTLED.index(c.ExhaustUnwinding(1)) + 1]),
    "Decommissioned": WHOLE_LIFE,
}


@pytest.mark.parametrize("life", LIVES)
def test_a_note_is_recorded_in_every_phase_and_changes_none(console: Console, life: str):
    console.tenant(*LIVES[life])
    before = facts(console)
    answer = noted(console, "the customer calls again at 08:00")
    assert (answer.status_code, answer.json()["said"]) == (201, "The note on acme is recorded.")
    assert facts(console)[:-1] == before
    newest = facts(console)[-1]
    assert (newest.fact, newest.stamp.actor) == (f.NoteAdded("the customer calls again at 08:00"), "operator")
    (note,) = answer.json()["tenant"]["notes"]
    assert (note["seq"], note["actor"], note["text"]) == (newest.seq, "operator", "the customer calls again at 08:00")
    saga, was = fold(each.fact for each in facts(console)), fold(each.fact for each in before)
    assert saga
    assert was
    assert replace(saga, seq=was.seq) == was
    assert find_chain_break(facts(console)) is None


def test_the_newest_twenty_are_read_newest_first_and_no_other_tenants(console: Console):
    other = TenantId(UUID(int=TENANT.int + 1))
    console.tenant(start())
    console.tenant(start(OTHER_RUN, replace(ACME, slug="beta"), other), number=1)
    with console.ledger.open("test") as session:
        session.append_notice(other, f.NoteAdded("about another"), stamp=STAMP)
        for number in range(25):
            session.append_notice(TENANT, f.NoteAdded(f"note {number}"), stamp=STAMP)
        found = load_notes(session, TENANT)
        assert [note.text for note in load_notes(session, other)] == ["about another"]
    assert [note.text for note in found] == [f"note {number}" for number in range(24, 4, -1)]
    assert [note.seq for note in found] == sorted((note.seq for note in found), reverse=True)


def test_a_note_may_have_2000_characters_and_a_line_break_counts_as_one(console: Console):
    console.tenant(start())
    assert noted(console, "x" * 2000).status_code == 201
    assert noted(console, "x\r\n" * 1000).status_code == 201
    assert texts(console) == ["x" * 2000, "x\n" * 999 + "x"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "text: must not be empty."),
        (" \n", "text: must not be blank."),
        ("x" * 2001, "text: is longer than 2000 characters."),
        ("a\0b", "text: must not contain the character NUL (U+0000)."),
        (7, "text: must be a text."),
        (None, "text: must be a text."),
    ],
)
def test_a_text_that_is_no_note_is_refused_with_its_field(console: Console, text: Any, why: str):
    console.tenant(start())
    problem = noted(console, text).json()
    assert (problem["status"], problem["field"], problem["detail"]) == (400, "text", why)
    assert texts(console) == []


def test_a_tenant_that_does_not_exist_has_no_notes(console: Console):
    assert noted(console, "hello", ref="nobody").status_code == 404


def test_a_note_sent_twice_with_its_key_is_one_note(console: Console):
    console.tenant(start())
    first, again = (noted(console, "once", key="k-1") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json()
    assert noted(console, "another text", key="k-1").status_code == 400
    assert texts(console) == ["once"]


def test_a_note_whose_answer_was_lost_is_one_note_when_it_is_sent_again(
    console: Console, monkeypatch: pytest.MonkeyPatch
):
    console.tenant(start())
    lose_the_first_answer(monkeypatch)
    assert noted(console, "once", key="k-1").status_code == 503
    again = noted(console, "once", key="k-1")
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert "was recorded when it was first asked for" in again.json()["said"]
    assert texts(console) == ["once"]


def test_who_may_edit_adds_one_and_a_viewer_only_reads(console: Console):
    console.tenant(start())
    console.caller = Caller("night", frozenset({Right.READ, Right.EDIT}))
    assert noted(console, "quiet").status_code == 201
    console.caller = VIEWER
    assert noted(console, "no").status_code == 403
    assert texts(console) == ["quiet"]
