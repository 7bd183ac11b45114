"""Every kind of fact comes back from the database as it went in, whatever stands in it."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from tenancy.adapters.dsn import Dsn
from tenancy.ledger.envelope import Stamp, data_of, fact_of, find_chain_break, seal
from tenancy.ledger.ledger import LedgerSession
from tenancy.saga.facts import FACTS, RequestRefused
from tenancy.saga.names import PLATFORM_STREAM, RunId
from tenancy.saga.recorded_values import NUMBER_LIMIT, as_recorded

Mill = Callable[..., Any]
_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
"""What PostgreSQL can store; the engine lets nothing else through (test_engine_bad_input.py)."""
_REFUSAL = RequestRefused("acme", RunId("run-1"), "no", None)

_VALUE = _TEXT | st.integers(-NUMBER_LIMIT, NUMBER_LIMIT) | st.floats(-NUMBER_LIMIT, NUMBER_LIMIT) | st.booleans()
"""A value that an activity may return (saga/recorded_values.py)."""

st.register_type_strategy(str, _TEXT)
st.register_type_strategy(Mapping, st.dictionaries(_TEXT, _VALUE.map(as_recorded), max_size=3))


@pytest.fixture(scope="module")
def mill(ledger_url: str) -> Iterator[Mill]:
    """Sends a value through PostgreSQL and back."""
    with psycopg.connect(ledger_url, autocommit=True) as connection:
        yield lambda kind, value: connection.execute(f"select %s::{kind}".encode(), (value,)).fetchone()[0]


@pytest.mark.parametrize("kind", sorted(FACTS))
@settings(max_examples=10)
@given(data=st.data())
def test_a_fact_comes_back_from_the_database_as_it_went_in(mill: Mill, kind: str, data: st.DataObject):
    fact = data.draw(st.from_type(FACTS[kind]))
    data_back = mill("jsonb", Jsonb(data_of(fact)))
    assert fact_of(kind, data_back) == fact
    assert json.dumps(data_back, sort_keys=True) == json.dumps(data_of(fact), sort_keys=True)  # the hash covers it


@settings(max_examples=30)
@given(actor=_TEXT, reason=_TEXT, lease=_TEXT, at=st.datetimes(timezones=st.just(UTC)))
def test_the_hash_of_a_fact_is_the_same_after_the_database_had_it(
    mill: Mill, actor: str, reason: str, lease: str, at: datetime
):
    before = seal(PLATFORM_STREAM, _REFUSAL, seq=1, at=at, attempt=0, stamp=Stamp(actor, reason, lease), prev="")
    stamp = Stamp(mill("text", actor), reason=mill("text", reason), lease=mill("text", lease))
    after = seal(PLATFORM_STREAM, _REFUSAL, seq=1, at=mill("timestamptz", at), attempt=0, stamp=stamp, prev="")
    assert after.hash == before.hash


def test_facts_read_in_another_time_zone_are_the_same(ledger_dsn: Dsn, session: LedgerSession):
    session.append_notice(PLATFORM_STREAM, _REFUSAL, stamp=Stamp("ada"))
    abroad = ledger_dsn.parameters(application="test", settings={"timezone": "Asia/Kathmandu"})
    with psycopg.connect(**abroad, row_factory=dict_row) as connection:
        envelopes = LedgerSession(connection, lambda: datetime.now(UTC)).envelopes(PLATFORM_STREAM)
    assert envelopes == session.envelopes(PLATFORM_STREAM)
    assert find_chain_break(envelopes) is None
