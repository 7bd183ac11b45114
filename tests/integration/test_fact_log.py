"""Each recorded fact is one log line, with its fields; what is not committed is not logged."""

import logging
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import LedgerSession
from tenancy.saga import commands as c
from tenancy.saga.errors import Refused
from tenancy.saga.facts import Fact, RequestRefused
from tenancy.saga.names import PLATFORM_STREAM, RunId
from tests.integration.lifecycles import WHOLE_LIFE
from tests.unit.sagas import TENANT, start

LOGGER = "tenancy.ledger.fact_log"
STAMP = Stamp("ada", "INC-7: the customer asked")


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[Any] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def lines() -> Iterator[list[Any]]:
    """The lines so far; later ones come to it by themselves."""
    handler, logger = _Lines(), logging.getLogger(LOGGER)
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield handler.records
    logger.setLevel(level)
    logger.removeHandler(handler)


def test_each_fact_of_a_whole_life_is_one_line_with_its_fields(session: LedgerSession, lines: list[Any]):
    for command in WHOLE_LIFE:
        session.record(TENANT, command, stamp=STAMP)
    stored = session.envelopes(TENANT)
    logged = [(line.seq, line.fact, line.attempt, line.actor) for line in lines]
    assert logged == [(each.seq, each.fact.kind, each.attempt, "ada") for each in stored]
    assert {(line.tenant_id, line.slug) for line in lines} == {(str(TENANT), "acme")}
    assert all(line.activity for each, line in zip(stored, lines, strict=True) if _concerns_an_activity(each.fact))


def _concerns_an_activity(fact: Fact) -> bool:
    return hasattr(fact, "activity") or hasattr(fact, "resource")


def test_several_commands_at_once_are_a_line_for_each_fact(session: LedgerSession, lines: list[Any]):
    session.record(TENANT, *WHOLE_LIFE, stamp=STAMP)
    assert [line.seq for line in lines] == [each.seq for each in session.envelopes(TENANT)]


def test_a_reason_is_not_logged(session: LedgerSession, lines: list[Any]):
    """People type anything there; the audit log has it."""
    session.record(TENANT, start(), c.Cancel(), stamp=STAMP)
    assert not any("INC-7" in str(line.__dict__) for line in lines)


def test_a_dry_run_logs_nothing(session: LedgerSession, lines: list[Any]):
    with session.dry_run():
        session.record(TENANT, start(), stamp=STAMP)
    session.record(TENANT, start(), stamp=STAMP)
    assert [line.seq for line in lines] == [each.seq for each in session.envelopes(TENANT)]


def test_an_admission_is_logged_once_it_is_committed(session: LedgerSession, lines: list[Any]):
    with session.admission():
        session.record(TENANT, start(), stamp=STAMP)
        assert lines == []
    assert [line.seq for line in lines] == [each.seq for each in session.envelopes(TENANT)]


def test_an_admission_that_is_refused_logs_nothing(session: LedgerSession, lines: list[Any]):
    with suppress(Refused), session.admission():
        session.record(TENANT, start(), stamp=STAMP)
        raise Refused("The region is full.")
    assert (lines, session.envelopes(TENANT)) == ([], [])


def test_a_refused_request_is_logged_without_a_tenant(session: LedgerSession, lines: list[Any]):
    session.append_notice(PLATFORM_STREAM, RequestRefused("acme", RunId("run-1"), "The plan is unknown."), stamp=STAMP)
    (line,) = lines
    assert (line.levelno, line.slug, line.tenant_id) == (logging.INFO, "acme", "")
    assert line.getMessage().endswith(": The plan is unknown.")
