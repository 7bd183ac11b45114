"""Signed heads: what each tenant's newest fact was, signed with a key that is not in the database.

Somebody who can change the ledger's tables can compute the hash chain of a changed history anew, but no signature.
Each signature covers the one before. The last one, which is also in the log of tenant_reality_check, covers them all.
"""

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from tenancy.ledger.ledger import LedgerSession
from tenancy.saga.credentials import Keyring
from tenancy.saga.names import PLATFORM_STREAM, TenantId
from tenancy.saga.tenant import Credential

_PURPOSE: Final = "ledger-heads"
_PAGE: Final = 5000


@dataclass(frozen=True, slots=True)
class Head:
    """The newest fact of one stream at some moment."""

    stream: TenantId
    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class SignedHead:
    """`id` counts from 1 without gaps. `signature` is the HMAC-SHA-256 of the row and of the signature before."""

    id: int
    head: Head
    at: datetime
    kid: str
    signature: str


def sign(keyring: Keyring, previous: SignedHead | None, head: Head, at: datetime) -> SignedHead:
    """The next signed head after `previous`, by the keyring's current key."""
    number, kid = (previous.id if previous else 0) + 1, keyring.current
    unsigned = SignedHead(number, head, at, kid, "")
    return replace(unsigned, signature=_signature(keyring, unsigned, previous.signature if previous else ""))


def find_first_forged(keyring: Keyring, heads: Iterable[SignedHead]) -> int | None:
    """The id of the first row that was changed, removed or made without the key; None when all are genuine.

    Raises PermanentError when a key that signed is not in the keyring any more.
    """
    previous, expected = "", 1
    for each in heads:
        signature = _signature(keyring, each, previous)
        if each.id != expected or not hmac.compare_digest(signature, each.signature):
            return expected
        previous, expected = each.signature, expected + 1
    return None


def load_signed_heads(ledger: LedgerSession) -> Iterator[SignedHead]:
    """Every signed head, in order, some thousands at a time."""
    after = 0
    while rows := ledger.rows("signed_heads", after=after, limit=_PAGE):
        yield from (_signed(row) for row in rows)
        after = rows[-1]["id"]


def load_last_signed_head(ledger: LedgerSession) -> SignedHead | None:
    """The newest one."""
    rows = ledger.rows("last_signed_head")
    return _signed(rows[0]) if rows else None


def append_signed_head(ledger: LedgerSession, signed: SignedHead) -> bool:
    """Store it. False, and nothing is stored, when another pass has stored one of this id meanwhile."""
    head = signed.head
    columns = {"stream": head.stream, "seq": head.seq, "hash": head.hash, "at": signed.at, "kid": signed.kid}
    return bool(ledger.rows("insert_signed_head", id=signed.id, signature=signed.signature, **columns))


def _signed(row: dict[str, Any]) -> SignedHead:
    head = Head(TenantId(row["stream"]), row["seq"], row["hash"])
    return SignedHead(row["id"], head, row["at"].astimezone(UTC), row["kid"], row["signature"])


def _signature(keyring: Keyring, signed: SignedHead, previous: str) -> str:
    head, moment = signed.head, signed.at.astimezone(UTC).isoformat(timespec="microseconds")
    content = "\n".join((previous, str(signed.id), str(head.stream), str(head.seq), head.hash, moment, signed.kid))
    key = keyring.derive(PLATFORM_STREAM, Credential(signed.kid, 1), _PURPOSE)
    return hmac.new(bytes.fromhex(key), content.encode(), hashlib.sha256).hexdigest()
