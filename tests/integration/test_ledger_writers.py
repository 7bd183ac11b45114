"""Several writers at once, each with a session and a thread of its own: no fact is lost, doubled or out of place."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar
from uuid import uuid4

import pytest

from tenancy.ledger.envelope import Stamp, find_chain_break
from tenancy.ledger.ledger import Ledger, LedgerSession
from tenancy.saga import commands as c
from tenancy.saga.errors import Refused, TransientError
from tenancy.saga.facts import Escalated, RequestRefused
from tenancy.saga.names import PLATFORM_STREAM, RunId, TenantId
from tests.unit.sagas import MARK_ACTIVE, ORDER, RUN, TENANT, begin, complete, done, start

STAMP = Stamp("ada")
Result = TypeVar("Result")


def _at_once(ledger: Ledger, *deeds: Callable[[LedgerSession], Result]) -> list[Result]:
    """Each deed in a thread and a session of its own, all beginning together."""
    barrier = Barrier(len(deeds))

    def do(deed: Callable[[LedgerSession], Result]) -> Result:
        with ledger.open("writer") as session:
            barrier.wait(10)
            return deed(session)

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(do, deeds))


@pytest.mark.parametrize("writers", [2, 4])
def test_writers_of_one_tenant_lose_and_double_nothing(ledger: Ledger, session: LedgerSession, writers: int):
    session.record(TENANT, start(), stamp=STAMP)
    before = len(session.envelopes(TENANT))

    def escalate(mine: LedgerSession) -> int:
        done = 0
        while done < 10:
            try:
                mine.record(TENANT, c.Escalate(), stamp=STAMP)
                done += 1
            except TransientError:  # eight conflicts in a row: what a task would do is try again
                continue
        return done

    _at_once(ledger, *[escalate] * writers)
    envelopes = session.envelopes(TENANT)
    assert [envelope.seq for envelope in envelopes] == list(range(1, len(envelopes) + 1))
    assert sum(isinstance(envelope.fact, Escalated) for envelope in envelopes) == 10 * writers
    assert len(envelopes) == before + 10 * writers
    assert find_chain_break(envelopes) is None


def test_refusals_noted_at_once_all_are_in_the_platforms_stream(ledger: Ledger, session: LedgerSession):
    def refuse(mine: LedgerSession) -> None:
        for number in range(10):
            mine.append_notice(PLATFORM_STREAM, RequestRefused(f"s{number}", RunId("r"), "no"), stamp=STAMP)

    _at_once(ledger, refuse, refuse)
    envelopes = session.envelopes(PLATFORM_STREAM)
    assert len(envelopes) == 20
    assert find_chain_break(envelopes) is None


@pytest.mark.parametrize("_round", range(5))
def test_of_cancel_and_the_flip_to_active_exactly_one_wins(ledger: Ledger, session: LedgerSession, _round: int):
    session.record(TENANT, start(), *done(*ORDER[:-1]), begin(MARK_ACTIVE), stamp=STAMP)

    def ask(command: c.Command) -> Callable[[LedgerSession], str]:
        def deed(mine: LedgerSession) -> str:
            mine.saga(TENANT)  # both have read the tenant before either writes
            try:
                return mine.record(TENANT, command, stamp=STAMP).phase
            except Refused:
                return "refused"

        return deed

    outcomes = _at_once(ledger, ask(complete(MARK_ACTIVE)), ask(c.Cancel()))
    after = session.saga(TENANT)
    assert after is not None
    assert (outcomes, after.phase) in [(["Active", "refused"], "Active"), (["refused", "Cancelling"], "Cancelling")]
    assert find_chain_break(session.envelopes(TENANT)) is None


def test_a_writer_that_was_overtaken_decides_again_on_what_is_now_true(ledger: Ledger, session: LedgerSession):
    session.record(TENANT, start(), *done(*ORDER[:-1]), begin(MARK_ACTIVE), stamp=STAMP)
    with ledger.open("slow") as slow:
        slow.saga(TENANT)
        session.record(TENANT, c.Cancel(), stamp=STAMP)
        with pytest.raises(Refused, match="being cancelled"):
            slow.record(TENANT, complete(MARK_ACTIVE), stamp=STAMP)
        assert slow.record(TENANT, c.Cancel(), stamp=STAMP).generation == 2


def test_two_tenants_of_one_slug_started_at_once_are_one(ledger: Ledger, session: LedgerSession):
    """Even without admission's lock: the database's unique index is the last guard."""

    def begin_one(tenant_id: TenantId) -> Callable[[LedgerSession], str]:
        def deed(mine: LedgerSession) -> str:
            try:
                return mine.record(tenant_id, start(RUN, tenant_id=tenant_id), stamp=STAMP).phase
            except TransientError:
                return "no"

        return deed

    outcomes = _at_once(ledger, *(begin_one(TenantId(uuid4())) for _ in range(3)))
    assert sorted(outcomes) == ["Provisioning", "no", "no"]
