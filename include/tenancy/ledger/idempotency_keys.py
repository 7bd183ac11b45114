"""Idempotency keys: the responses to requests that carried one, so that a repeated request changes nothing.

Called around each such write. A key belongs to its caller and is kept for a day. That its request was performed is
recorded in the transaction of its facts (`Stamp.key`, ledger.py): it is not performed twice, even if the response is
lost.
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
"""Longer than any request lasts. A request without a response after this time has died."""


@dataclass(frozen=True)
class IdempotencyKey:
    """The caller, its key, and a digest of the request."""

    actor: str
    key: str
    request: str


@dataclass(frozen=True)
class EarlierRequest:
    """The earlier use of a key. Without a status, that request is still running, or its response was lost."""

    same_request: bool
    status: int | None
    body: Mapping[str, Any] | None
    performed_for: TenantId | None = None
    """The tenant of its facts, when it was performed and its response was lost."""


def claim_key(ledger: LedgerSession, key: IdempotencyKey, *, now: datetime) -> EarlierRequest | None:
    """None: the caller has the key until `store_response` or `release_key`. Otherwise its earlier use."""
    ledger.rows("delete_old_answers", before=now - RETENTION)
    if ledger.rows("claim_answer", **vars(key), now=now, dead_before=now - REQUEST_TIMEOUT):
        return None
    found = ledger.rows("find_answer", actor=key.actor, key=key.key)
    if not found:  # released between the two statements
        return claim_key(ledger, key, now=now)
    (first,) = found
    same, status, body = first["request"] == key.request, first["status"], first["body"]
    if status is None and body is not None:
        return EarlierRequest(same, None, None, TenantId(UUID(body["tenant"])))
    return EarlierRequest(same, status, body)


def store_response(ledger: LedgerSession, key: IdempotencyKey, status: int, body: Mapping[str, Any]) -> None:
    """From now on, this is the response to a request with this key."""
    ledger.rows("store_answer", actor=key.actor, key=key.key, status=status, body=Jsonb(dict(body)))


def release_key(ledger: LedgerSession, key: IdempotencyKey) -> None:
    """The request had no effect: the key can be used again. A key whose request was performed stays."""
    ledger.rows("release_answer", actor=key.actor, key=key.key)
