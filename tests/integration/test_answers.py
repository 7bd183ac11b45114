"""Idempotency keys in the ledger: whose they are, how long, and what becomes of a request that died."""

from datetime import timedelta

from tenancy.ledger import answers
from tenancy.ledger.answers import AT_WORK, KEPT, Earlier, Key
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import LedgerSession
from tests.integration.conftest import EPOCH
from tests.unit.sagas import TENANT, start

KEY = Key("ada", "k-1", "a request's digest")
BODY = {"said": "done"}


def test_a_new_key_goes_on(session: LedgerSession):
    assert answers.claim(session, KEY, now=EPOCH) is None


def test_a_repetition_gets_the_first_answer(session: LedgerSession):
    answers.claim(session, KEY, now=EPOCH)
    answers.keep(session, KEY, 202, BODY)
    assert answers.claim(session, KEY, now=EPOCH) == Earlier(True, 202, BODY)


def test_a_repetition_learns_that_the_first_is_still_at_work(session: LedgerSession):
    answers.claim(session, KEY, now=EPOCH)
    assert answers.claim(session, KEY, now=EPOCH + AT_WORK / 2) == Earlier(True, None, None)


def test_a_key_for_another_request_is_told_apart(session: LedgerSession):
    answers.claim(session, KEY, now=EPOCH)
    other = Key(KEY.actor, KEY.key, "another request's digest")
    assert answers.claim(session, other, now=EPOCH + 2 * AT_WORK) == Earlier(False, None, None)


def test_a_key_belongs_to_its_caller(session: LedgerSession):
    answers.claim(session, KEY, now=EPOCH)
    assert answers.claim(session, Key("bob", KEY.key, KEY.request), now=EPOCH) is None


def test_a_dropped_key_may_be_tried_again(session: LedgerSession):
    answers.claim(session, KEY, now=EPOCH)
    answers.drop(session, KEY)
    assert answers.claim(session, KEY, now=EPOCH) is None


def test_an_answer_that_was_given_is_not_dropped(session: LedgerSession):
    answers.claim(session, KEY, now=EPOCH)
    answers.keep(session, KEY, 202, BODY)
    answers.drop(session, KEY)
    assert answers.claim(session, KEY, now=EPOCH) == Earlier(True, 202, BODY)


def test_a_request_that_died_at_work_is_taken_over_by_one_repetition(session: LedgerSession):
    answers.claim(session, KEY, now=EPOCH)
    later = EPOCH + AT_WORK + timedelta(seconds=1)
    assert answers.claim(session, KEY, now=later) is None
    assert answers.claim(session, KEY, now=later) == Earlier(True, None, None)


def test_a_request_that_was_obeyed_is_never_performed_again(session: LedgerSession):
    answers.claim(session, KEY, now=EPOCH)
    session.record(TENANT, start(), stamp=Stamp(KEY.actor, key=KEY.key))
    answers.drop(session, KEY)
    long_after = EPOCH + 2 * AT_WORK
    assert answers.claim(session, KEY, now=long_after) == Earlier(True, None, None, TENANT)
    answers.keep(session, KEY, 202, BODY)
    assert answers.claim(session, KEY, now=long_after) == Earlier(True, 202, BODY)


def test_a_key_is_forgotten_after_a_day(session: LedgerSession):
    answers.claim(session, KEY, now=EPOCH)
    answers.keep(session, KEY, 202, BODY)
    assert answers.claim(session, KEY, now=EPOCH + KEPT / 2) is not None
    assert answers.claim(session, KEY, now=EPOCH + KEPT + timedelta(seconds=1)) is None
