"""Answers already given to requests that carried an idempotency key, so that a repeated one changes nothing.

Called by the console around each keyed write. A key belongs to its caller; it is kept for a day. That its request was
obeyed is noted with the facts themselves (`Stamp.key`, ledger.py): it is not done twice, whatever became of the answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from tenancy.ledger.ledger import LedgerSession
from tenancy.saga.names import TenantId

RETENTION = timedelta(days=1)
REQUEST_TIMEOUT = timedelta(minutes=2)
"""Longer than any request lasts: one that is silent for so long has died."""


@dataclass(frozen=True)
class IdempotencyKey:
    """Whose key, which, and a digest of the request it stands for."""

    actor: str
    key: str
    request: str


@dataclass(frozen=True)
class EarlierRequest:
    """What is known of a key that was used before. No status: that request is still at work, or its answer was lost."""

    same_request: bool
    status: int | None
    body: Mapping[str, Any] | None
    performed_for: TenantId | None = None
    """The tenant of the facts it led to, when it was obeyed and not answered."""


def claim_key(ledger: LedgerSession, key: IdempotencyKey, *, now: datetime) -> EarlierRequest | None:
    """None: go on, the key is yours until `keep` or `drop`. Otherwise what is known of its first use."""
    ledger.rows("delete_old_answers", before=now - RETENTION)
    if ledger.rows("claim_answer", **vars(key), now=now, dead_before=now - REQUEST_TIMEOUT):
        return None
    found = ledger.rows("find_answer", actor=key.actor, key=key.key)
    if not found:  # dropped between the two looks
        return claim_key(ledger, key, now=now)
    (first,) = found
    same, status, body = first["request"] == key.request, first["status"], first["body"]
    if status is None and body is not None:
        return EarlierRequest(same, None, None, TenantId(UUID(body["tenant"])))
    return EarlierRequest(same, status, body)


def store_response(ledger: LedgerSession, key: IdempotencyKey, status: int, body: Mapping[str, Any]) -> None:
    """This is what the key's request is answered from now on."""
    ledger.rows("store_answer", actor=key.actor, key=key.key, status=status, body=Jsonb(dict(body)))


def release_key(ledger: LedgerSession, key: IdempotencyKey) -> None:
    """Nothing came of it: the same key may be tried again. One that was obeyed stays."""
    ledger.rows("release_answer", actor=key.actor, key=key.key)
