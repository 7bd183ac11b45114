"""An envelope: a fact as it is stored, with who, when, why, the lease, and its place in the hash chain.

Pure: it turns facts into rows and back, and hashes and checks chains. ledger.py reads and writes the rows.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from tenancy.ledger.upcasting import upcast
from tenancy.saga.errors import LedgerOutdatedError
from tenancy.saga.facts import FACTS, Fact
from tenancy.saga.names import TenantId


@dataclass(frozen=True)
class Stamp:
    """Who acts and why. `lease` is the Airflow task instance, or empty for people and reconcilers.

    `key` is the request's idempotency key; it is no part of a fact: the ledger notes with the facts that it was obeyed.
    """

    actor: str
    reason: str = ""
    lease: str = ""
    key: str = ""


@dataclass(frozen=True)
class Envelope:
    """One stored fact. `at` is UTC with microseconds."""

    stream: TenantId
    seq: int
    at: datetime
    attempt: int
    stamp: Stamp
    fact: Fact
    data: Mapping[str, Any]
    """The fact's fields as they are stored: the hash covers these. A later version may read more fields into a fact."""
    prev_hash: str
    hash: str


def envelope_of(row: Mapping[str, Any]) -> Envelope:
    """A row of the table of facts."""
    return Envelope(
        stream=TenantId(row["stream"]),
        seq=row["seq"],
        at=row["at"].astimezone(UTC),
        attempt=row["attempt"],
        stamp=Stamp(actor=row["actor"], reason=row["reason"], lease=row["lease"]),
        fact=fact_of(row["kind"], row["data"]),
        data=row["data"],
        prev_hash=row["prev_hash"],
        hash=row["hash"],
    )


def seal(stream: TenantId, fact: Fact, *, seq: int, at: datetime, attempt: int, stamp: Stamp, prev: str) -> Envelope:
    """Put a fact into its place of the chain."""
    data = data_of(fact)
    content = _content(stream, fact.kind, data, seq=seq, at=at, attempt=attempt, stamp=stamp)
    return Envelope(stream, seq, at, attempt, stamp, fact, data, prev, _hash(prev, content))


def find_chain_break(envelopes: Iterable[Envelope]) -> int | None:
    """The seq of the first fact that was altered, lost or moved; None when the chain is whole."""
    prev, expected = "", 1
    for envelope in envelopes:
        content = _content(
            envelope.stream,
            envelope.fact.kind,
            envelope.data,
            seq=envelope.seq,
            at=envelope.at,
            attempt=envelope.attempt,
            stamp=envelope.stamp,
        )
        if envelope.seq != expected or envelope.prev_hash != prev or envelope.hash != _hash(prev, content):
            return expected
        prev, expected = envelope.hash, expected + 1
    return None


def _content(
    stream: TenantId, kind: str, data: Mapping[str, Any], *, seq: int, at: datetime, attempt: int, stamp: Stamp
) -> dict[str, Any]:
    return {
        "stream": str(stream),
        "seq": seq,
        "kind": kind,
        "at": at.astimezone(UTC).isoformat(timespec="microseconds"),
        "attempt": attempt,
        "actor": stamp.actor,
        "reason": stamp.reason,
        "lease": stamp.lease,
        "data": data,
    }


def _hash(prev: str, content: dict[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(f"{prev}\n{canonical}".encode()).hexdigest()


@cache
def _adapter(kind: str) -> TypeAdapter[Fact]:
    return TypeAdapter(FACTS[kind])


def data_of(fact: Fact) -> dict[str, Any]:
    """The fact's fields as JSON values."""
    data: dict[str, Any] = _adapter(fact.kind).dump_python(fact, mode="json")
    return data


def fact_of(kind: str, data: dict[str, Any]) -> Fact:
    """The fact that was stored.

    LedgerOutdatedError when newer code wrote a kind or a field that this code does not know: half of a fact is no fact.
    """
    if kind not in FACTS:
        raise LedgerOutdatedError(
            f"The ledger has a fact {kind} that this version of Tenancy does not know: upgrade it."
        )
    try:
        return _adapter(kind).validate_python(upcast(kind, data))
    except ValidationError as error:
        fields = ", ".join(sorted({".".join(map(str, each["loc"])) for each in error.errors()}))
        raise LedgerOutdatedError(
            f"The ledger has a fact {kind} that this version of Tenancy cannot read (at {fields}): upgrade it. If it "
            "is the newest version, the fact was altered: verify the ledger."
        ) from error
