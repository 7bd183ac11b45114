"""Idempotency keys in the ledger: whose they are, how long, and what becomes of a request that died."""

from datetime import timedelta

from tenancy.ledger import idempotency_keys
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.idempotency_keys import AT_WORK, KEPT, Earlier, Key
from tenancy.ledger.ledger import LedgerSession
from tests.integration.conftest import EPOCH
from tests.unit.sagas import TENANT, start

KEY = Key("ada", "k-1", "a request's digest")
BODY = {"said": "done"}


def test_a_new_key_goes_on(session: LedgerSession):
    assert idempotency_keys.claim(session, KEY, now=EPOCH) is None


def test_a_repetition_gets_the_first_answer(session: LedgerSession):
    idempotency_keys.claim(session, KEY, now=EPOCH)
    idempotency_keys.keep(session, KEY, 202, BODY)
    assert idempotency_keys.claim(session, KEY, now=EPOCH) == Earlier(True, 202, BODY)


def test_a_repetition_learns_that_the_first_is_still_at_work(session: LedgerSession):
    idempotency_keys.claim(session, KEY, now=EPOCH)
    assert idempotency_keys.claim(session, KEY, now=EPOCH + AT_WORK / 2) == Earlier(True, None, None)


def test_a_key_for_another_request_is_told_apart(session: LedgerSession):
    idempotency_keys.claim(session, KEY, now=EPOCH)
    other = Key(KEY.actor, KEY.key, "another request's digest")
    assert idempotency_keys.claim(session, other, now=EPOCH + 2 * AT_WORK) == Earlier(False, None, None)


def test_a_key_belongs_to_its_caller(session: LedgerSession):
    idempotency_keys.claim(session, KEY, now=EPOCH)
    assert idempotency_keys.claim(session, Key("bob", KEY.key, KEY.request), now=EPOCH) is None


def test_a_dropped_key_may_be_tried_again(session: LedgerSession):
    idempotency_keys.claim(session, KEY, now=EPOCH)
    idempotency_keys.drop(session, KEY)
    assert idempotency_keys.claim(session, KEY, now=EPOCH) is None


def test_an_answer_that_was_given_is_not_dropped(session: LedgerSession):
    idempotency_keys.claim(session, KEY, now=EPOCH)
    idempotency_keys.keep(session, KEY, 202, BODY)
    idempotency_keys.drop(session, KEY)
    assert idempotency_keys.claim(session, KEY, now=EPOCH) == Earlier(True, 202, BODY)


def test_a_request_that_died_at_work_is_taken_over_by_one_repetition(session: LedgerSession):
    idempotency_keys.claim(session, KEY, now=EPOCH)
    later = EPOCH + AT_WORK + timedelta(seconds=1)
    assert idempotency_keys.claim(session, KEY, now=later) is None
    assert idempotency_keys.claim(session, KEY, now=later) == Earlier(True, None, None)


def test_a_request_that_was_obeyed_is_never_performed_again(session: LedgerSession):
    idempotency_keys.claim(session, KEY, now=EPOCH)
    session.record(TENANT, start(), stamp=Stamp(KEY.actor, key=KEY.key))
    idempotency_keys.drop(session, KEY)
    long_after = EPOCH + 2 * AT_WORK
    assert idempotency_keys.claim(session, KEY, now=long_after) == Earlier(True, None, None, TENANT)
    idempotency_keys.keep(session, KEY, 202, BODY)
    assert idempotency_keys.claim(session, KEY, now=long_after) == Earlier(True, 202, BODY)


def test_a_key_is_forgotten_after_a_day(session: LedgerSession):
    idempotency_keys.claim(session, KEY, now=EPOCH)
    idempotency_keys.keep(session, KEY, 202, BODY)
    assert idempotency_keys.claim(session, KEY, now=EPOCH + KEPT / 2) is not None
    assert idempotency_keys.claim(session, KEY, now=EPOCH + KEPT + timedelta(seconds=1)) is None
