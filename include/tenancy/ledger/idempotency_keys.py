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

KEPT = timedelta(days=1)
AT_WORK = timedelta(minutes=2)
"""Longer than any request lasts: one that is silent for so long has died."""


@dataclass(frozen=True)
class Key:
    """Whose key, which, and a digest of the request it stands for."""

    actor: str
    key: str
    request: str


@dataclass(frozen=True)
class Earlier:
    """What is known of a key that was used before. No status: that request is still at work, or its answer was lost."""

    same_request: bool
    status: int | None
    body: Mapping[str, Any] | None
    obeyed_for: TenantId | None = None
    """The tenant of the facts it led to, when it was obeyed and not answered."""


def claim(ledger: LedgerSession, key: Key, *, now: datetime) -> Earlier | None:
    """None: go on, the key is yours until `keep` or `drop`. Otherwise what is known of its first use."""
    ledger.rows("forget_answers", before=now - KEPT)
    if ledger.rows("claim_answer", **vars(key), now=now, dead_before=now - AT_WORK):
        return None
    found = ledger.rows("find_answer", actor=key.actor, key=key.key)
    if not found:  # dropped between the two looks
        return claim(ledger, key, now=now)
    (first,) = found
    same, status, body = first["request"] == key.request, first["status"], first["body"]
    if status is None and body is not None:
        return Earlier(same, None, None, TenantId(UUID(body["tenant"])))
    return Earlier(same, status, body)


def keep(ledger: LedgerSession, key: Key, status: int, body: Mapping[str, Any]) -> None:
    """This is what the key's request is answered from now on."""
    ledger.rows("keep_answer", actor=key.actor, key=key.key, status=status, body=Jsonb(dict(body)))


def drop(ledger: LedgerSession, key: Key) -> None:
    """Nothing came of it: the same key may be tried again. One that was obeyed stays."""
    ledger.rows("drop_answer", actor=key.actor, key=key.key)
