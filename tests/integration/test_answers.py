"""Idempotency keys in the ledger: whose they are, how long, and what becomes of a request that died."""

from datetime import timedelta

from tenancy.ledger import idempotency_keys
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.idempotency_keys import REQUEST_TIMEOUT, RETENTION, EarlierRequest, IdempotencyKey
from tenancy.ledger.ledger import LedgerSession
from tests.integration.conftest import EPOCH
from tests.unit.sagas import TENANT, start

KEY = IdempotencyKey("ada", "k-1", "a request's digest")
BODY = {"said": "done"}


def test_a_new_key_continues(session: LedgerSession):
    assert idempotency_keys.claim_key(session, KEY, now=EPOCH) is None


def test_a_repetition_gets_the_first_answer(session: LedgerSession):
    idempotency_keys.claim_key(session, KEY, now=EPOCH)
    idempotency_keys.store_response(session, KEY, 202, BODY)
    assert idempotency_keys.claim_key(session, KEY, now=EPOCH) == EarlierRequest(True, 202, BODY)


def test_a_repetition_learns_that_the_first_is_still_running(session: LedgerSession):
    idempotency_keys.claim_key(session, KEY, now=EPOCH)
    assert idempotency_keys.claim_key(session, KEY, now=EPOCH + REQUEST_TIMEOUT / 2) == EarlierRequest(True, None, None)


def test_a_key_for_another_request_is_distinguished(session: LedgerSession):
    idempotency_keys.claim_key(session, KEY, now=EPOCH)
    other = IdempotencyKey(KEY.actor, KEY.key, "another request's digest")
    assert idempotency_keys.claim_key(session, other, now=EPOCH + 2 * REQUEST_TIMEOUT) == EarlierRequest(
        False, None, None
    )


def test_a_key_belongs_to_its_caller(session: LedgerSession):
    idempotency_keys.claim_key(session, KEY, now=EPOCH)
    assert idempotency_keys.claim_key(session, IdempotencyKey("bob", KEY.key, KEY.request), now=EPOCH) is None


def test_a_dropped_key_may_be_tried_again(session: LedgerSession):
    idempotency_keys.claim_key(session, KEY, now=EPOCH)
    idempotency_keys.release_key(session, KEY)
    assert idempotency_keys.claim_key(session, KEY, now=EPOCH) is None


def test_an_answer_that_was_given_is_not_dropped(session: LedgerSession):
    idempotency_keys.claim_key(session, KEY, now=EPOCH)
    idempotency_keys.store_response(session, KEY, 202, BODY)
    idempotency_keys.release_key(session, KEY)
    assert idempotency_keys.claim_key(session, KEY, now=EPOCH) == EarlierRequest(True, 202, BODY)


def test_a_request_whose_process_died_is_taken_over_by_one_repetition(session: LedgerSession):
    idempotency_keys.claim_key(session, KEY, now=EPOCH)
    later = EPOCH + REQUEST_TIMEOUT + timedelta(seconds=1)
    assert idempotency_keys.claim_key(session, KEY, now=later) is None
    assert idempotency_keys.claim_key(session, KEY, now=later) == EarlierRequest(True, None, None)


def test_a_request_that_was_obeyed_is_never_performed_again(session: LedgerSession):
    idempotency_keys.claim_key(session, KEY, now=EPOCH)
    session.record(TENANT, start(), stamp=Stamp(KEY.actor, key=KEY.key))
    idempotency_keys.release_key(session, KEY)
    long_after = EPOCH + 2 * REQUEST_TIMEOUT
    assert idempotency_keys.claim_key(session, KEY, now=long_after) == EarlierRequest(True, None, None, TENANT)
    idempotency_keys.store_response(session, KEY, 202, BODY)
    assert idempotency_keys.claim_key(session, KEY, now=long_after) == EarlierRequest(True, 202, BODY)


def test_a_key_is_forgotten_after_a_day(session: LedgerSession):
    idempotency_keys.claim_key(session, KEY, now=EPOCH)
    idempotency_keys.store_response(session, KEY, 202, BODY)
    assert idempotency_keys.claim_key(session, KEY, now=EPOCH + RETENTION / 2) is not None
    assert idempotency_keys.claim_key(session, KEY, now=EPOCH + RETENTION + timedelta(seconds=1)) is None
