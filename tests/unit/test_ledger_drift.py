"""Rows that are not what their facts fold to, and facts that are not what was written, are told apart and in words."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tenancy.engine.reconciliation.ledger_drift import find_ledger_drift
from tenancy.ledger.envelope import Envelope, Stamp, seal
from tenancy.ledger.inventory import StoredTenant
from tenancy.ledger.projection import resource_rows, run_row, tenant_row
from tenancy.ledger.signed_heads import Head
from tenancy.saga.decide import decide
from tenancy.saga.evolve import evolve, fold
from tenancy.saga.facts import Fact
from tests.unit.sagas import ORDER, RUN, TENANT, done, start


def stored(**changes: Any) -> StoredTenant:
    """An Active tenant as it lies in the ledger."""
    facts: list[Fact] = []
    saga = None
    for command in (start(), *done(*ORDER)):
        for fact in decide(saga, command):
            saga = evolve(saga, fact)
            facts.append(fact)
    assert saga is not None
    envelopes = chained(facts)
    at = envelopes[-1].at
    whole = StoredTenant(
        TENANT, tenant_row(saga, at), tuple(resource_rows(None, saga, at)), (run_row(TENANT, RUN, 1),), envelopes
    )
    return replace(whole, **changes)


def chained(facts: list[Fact], actor: str = "ada") -> tuple[Envelope, ...]:
    envelopes: list[Envelope] = []
    for seq, fact in enumerate(facts, 1):
        prev = envelopes[-1].hash if envelopes else ""
        at = datetime(2026, 1, 1, 0, 0, seq, tzinfo=UTC)
        envelopes.append(seal(TENANT, fact, seq=seq, at=at, attempt=1, stamp=Stamp(actor), prev=prev))
    return tuple(envelopes)


def test_rows_that_are_what_facts_fold_to_are_no_drift():
    assert fold(envelope.fact for envelope in stored().envelopes or ()) is not None
    assert find_ledger_drift(stored()) == []


def test_an_edited_row_is_reported_column_by_column():
    row = {**(stored().row or {}), "state": "Failed", "substate": "settled"}
    (finding,) = find_ledger_drift(stored(row=row))
    assert finding.key == ("drift", "tenant", str(TENANT), "")
    assert "state is Failed, by its facts Active; substate is settled, by its facts empty" in finding.message


@pytest.mark.parametrize("column", sorted(stored().row or {}))
def test_an_edit_of_any_column_is_drift(column: str):
    row = {**(stored().row or {}), column: "edited"}
    (finding,) = find_ledger_drift(stored(row=row))
    assert f"{column} is edited" in finding.message


def test_an_edited_run_and_one_that_no_fact_names_are_drift():
    (run,) = stored().runs
    edited = {**run, "run_id": "run-9"}
    (finding,) = find_ledger_drift(stored(runs=(edited,)))
    assert finding.key == ("drift", "run", f"of attempt 1 of the tenant {TENANT}", "")
    assert "run_id is run-9, by its facts run-1" in finding.message
    (finding,) = find_ledger_drift(stored(runs=(run, {**run, "attempt": 2})))
    assert "no fact made it" in finding.message


def test_a_deleted_row_and_one_that_no_fact_made_are_drift():
    assert "it was deleted" in find_ledger_drift(stored(row=None))[0].message
    first, *others = stored().resources
    invented = {**first, "name": "mine"}
    messages = {finding.name: finding.message for finding in find_ledger_drift(stored(resources=(invented, *others)))}
    assert "it was deleted" in messages[first["name"]]
    assert "no fact made it" in messages["mine"]


def test_altered_facts_are_reported_before_anything_is_believed_of_them():
    envelopes = stored().envelopes or ()
    altered = (*envelopes[:3], replace(envelopes[3], stamp=Stamp("mallory")), *envelopes[4:])
    (finding,) = find_ledger_drift(stored(envelopes=altered, row=None))
    assert "breaks at fact 4" in finding.message
    assert "not all of them can be read" in find_ledger_drift(stored(envelopes=None))[0].message
    assert "no facts" in find_ledger_drift(stored(envelopes=()))[0].message


def head(seq: int, **changes: Any) -> Head:
    """What was signed when the tenant's newest fact was `seq`."""
    envelopes = stored().envelopes or ()
    return replace(Head(TENANT, seq, envelopes[seq - 1].hash), **changes)


def test_facts_that_continue_from_a_signed_head_are_no_drift():
    newest = len(stored().envelopes or ())
    for seq in (1, newest):
        assert find_ledger_drift(stored(head=head(seq))) == []


def test_a_history_that_was_rewritten_with_a_whole_chain_is_drift():
    facts = [envelope.fact for envelope in stored().envelopes or ()]
    rewritten = chained(facts, actor="mallory")
    assert find_ledger_drift(stored(envelopes=rewritten)) == []
    (finding,) = find_ledger_drift(stored(envelopes=rewritten, head=head(5)))
    assert "fact 5 has another hash than the one we signed" in finding.message


def test_removed_last_facts_are_drift_although_the_chain_is_whole():
    envelopes = stored().envelopes or ()
    newest = len(envelopes)
    (finding,) = find_ledger_drift(stored(envelopes=envelopes[:-2], head=head(newest)))
    assert f"fact {newest}, whose hash we signed, is missing" in finding.message


def test_a_tenant_whose_facts_were_all_removed_is_drift():
    (finding,) = find_ledger_drift(stored(row=None, resources=(), envelopes=(), head=head(3)))
    assert "is missing, and 0 facts are there" in finding.message
