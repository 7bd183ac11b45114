"""Read models for lists and pages: summaries of tenants, pages of stored facts, and whether a stream is intact.

Called by the console. Every read has a limit. Summaries come from the projection; a saga comes from facts (ledger.py).
The current time is a parameter. Reads only.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from tenancy.ledger.envelope import fact_of, find_chain_break
from tenancy.ledger.ledger import LedgerSession
from tenancy.ledger.tenant_statuses import open_stall_of, status_of
from tenancy.saga.errors import LedgerOutdatedError
from tenancy.saga.names import RunId, TenantId, is_slug
from tenancy.saga.stalls import FAILED_LIMIT, PROVISIONING_LIMIT, UNWINDING_LIMIT, Limits, TenantStatus
from tenancy.saga.states import State, Substate
from tenancy.saga.tenant import OpenStall, Parameters


@dataclass(frozen=True)
class TenantSummary:
    """One tenant as its row shows it, and whether it needs attention."""

    tenant_id: TenantId
    parameters: Parameters
    state: State
    substate: Substate | None
    attempt: int
    generation: int
    run_id: RunId
    activity: str | None
    seq: int
    predecessor: TenantId | None
    created_at: datetime
    state_since: datetime
    needs_attention: bool
    held: str
    """Why its run does not continue although nothing is wrong with the tenant; empty otherwise."""
    standing: TenantStatus
    stall: OpenStall | None = None
    """The recorded stall. Pages judge by the clock as well (saga/stalls.py), so they may show a newer one."""
    product: str = ""
    """Empty if no attempt recorded one."""
    incident_group: int | None = None
    """The id of the newest open incident group that it belongs to."""


@dataclass(frozen=True)
class PagePosition:
    """The last tenant of a page; the next page begins behind it."""

    created_at: datetime
    tenant_id: UUID


@dataclass(frozen=True)
class AttentionCutoffs:
    """A tenant needs attention when it is in a transient state, or provisions, since before these times.

    One that a person cancelled needs it when nobody has continued since `untouched_before`.
    """

    in_between_before: datetime
    provisioning_before: datetime
    untouched_before: datetime


@dataclass(frozen=True)
class TenantFilter:
    """Which tenants to list. `text` is the beginning of a slug, of an id, or of words of the name."""

    state: State | None = None
    substate: Substate | None = None
    region: str | None = None
    plan: str | None = None
    attention: bool = False
    text: str | None = None
    product: str | None = None


@dataclass(frozen=True)
class StoredFact:
    """A fact as it is stored, also when this version cannot interpret it."""

    seq: int
    at: datetime
    kind: str
    attempt: int
    actor: str
    reason: str
    lease: str
    data: Mapping[str, Any]


def attention_cutoffs(limits: Limits, now: datetime) -> AttentionCutoffs:
    """The cutoffs that follow from the platform's limits."""
    return AttentionCutoffs(
        *(now - limits.tenants[name] for name in (UNWINDING_LIMIT, PROVISIONING_LIMIT, FAILED_LIMIT))
    )


def load_tenants(
    ledger: LedgerSession,
    filters: TenantFilter,
    *,
    cutoffs: AttentionCutoffs,
    limit: int,
    after: PagePosition | None = None,
) -> list[TenantSummary]:
    """At most `limit` tenants that match the filters, newest first, behind `after`."""
    return [_summary(row) for row in _find_rows(ledger, filters, cutoffs=cutoffs, limit=limit, after=after)]


def count_by_state(ledger: LedgerSession) -> dict[State, int]:
    """How many tenants are in each state; every state is named."""
    found = {row["state"]: row["tenants"] for row in ledger.rows("tenants_by_state")}
    return {state: found.get(state.value, 0) for state in State}


def load_needing_attention(ledger: LedgerSession, *, cutoffs: AttentionCutoffs, limit: int) -> list[TenantSummary]:
    """The newest tenants that need attention. Fast also when few of many do."""
    return [_summary(row) for row in ledger.rows("tenants_needing_attention", **vars(cutoffs), limit=limit)]


def count_needing_attention(ledger: LedgerSession, *, cutoffs: AttentionCutoffs) -> int:
    """How many tenants need attention."""
    return int(ledger.rows("count_needing_attention", **vars(cutoffs))[0]["tenants"])


def find_run_refusal(ledger: LedgerSession, run_id: RunId) -> str:
    """Why this run was refused; empty when it was not, or too long ago."""
    found = ledger.rows("refusal_of_run", run_id=run_id)
    return str(found[0]["message"]) if found else ""


def find_tenant(ledger: LedgerSession, ref: str, *, cutoffs: AttentionCutoffs) -> TenantSummary | None:
    """The tenant with this id; else the live tenant with this slug, else the newest that had it."""
    by_id = _as_id(ref)
    line = by_id and _summary_of(ledger, by_id, cutoffs)
    if line or not is_slug(ref):
        return line or None
    by_slug = ledger.tenant_of_slug(ref) or ledger.predecessor_of_slug(ref)
    return _summary_of(ledger, by_slug, cutoffs) if by_slug else None


def load_facts(ledger: LedgerSession, stream: TenantId, *, after: int, limit: int) -> list[StoredFact]:
    """At most `limit` facts with a seq above `after`, oldest first."""
    return [StoredFact(**row) for row in ledger.rows("facts_page", stream=stream, seq=after, limit=limit)]


def find_first_broken_fact(ledger: LedgerSession, stream: TenantId) -> int | None:
    """The seq of the first fact that was altered, lost or moved; None when the stream is intact."""
    # First, so that a fact written meanwhile does not seem to be missing.
    newest = ledger.rows("newest_seq", stream=stream)
    try:
        envelopes = ledger.envelopes(stream)
    except (ValueError, KeyError, TypeError, LedgerOutdatedError):
        return _first_unreadable(ledger, stream)
    broken = find_chain_break(envelopes)
    if broken is None and newest and newest[0]["seq"] > len(envelopes):
        return len(envelopes) + 1
    return broken


def _first_unreadable(ledger: LedgerSession, stream: TenantId) -> int:
    """Somebody wrote a row that is no fact of ours."""
    for row in ledger.rows("facts_page", stream=stream, seq=0, limit=None):
        try:
            fact_of(row["kind"], row["data"])
        except (ValueError, KeyError, TypeError, LedgerOutdatedError):
            return int(row["seq"])
    raise AssertionError("every fact can be read")


def _as_id(ref: str) -> TenantId | None:
    try:
        found = UUID(ref)
    except ValueError:
        return None
    return TenantId(found) if str(found) == ref.lower() else None


def _summary_of(ledger: LedgerSession, tenant_id: TenantId, cutoffs: AttentionCutoffs) -> TenantSummary | None:
    found = _find_rows(ledger, TenantFilter(), cutoffs=cutoffs, limit=1, tenant_id=tenant_id)
    return _summary(found[0]) if found else None


def _find_rows(
    ledger: LedgerSession,
    filters: TenantFilter,
    *,
    cutoffs: AttentionCutoffs,
    limit: int,
    after: PagePosition | None = None,
    tenant_id: TenantId | None = None,
) -> list[dict[str, Any]]:
    text, few = _search_text(ledger, filters.text) if filters.text else (dict.fromkeys(_TEXT_PARAMETERS), None)
    place = {"before_at": after and after.created_at, "before_id": after and after.tenant_id}
    where = {**vars(filters), **text, **vars(cutoffs), **place, "id": tenant_id, "few": few}
    return ledger.rows("tenant_summaries", **where, limit=limit)


def _search_text(ledger: LedgerSession, text: str) -> tuple[dict[str, Any], list[UUID] | None]:
    """Ids that match the text, if they are few; otherwise the list query finds enough of them by itself.

    PostgreSQL cannot estimate how many names have such words. Without the ids it would scan every tenant for a few old
    matches.
    """
    first, last = id_range(text)
    asked = dict(zip(_TEXT_PARAMETERS, (text, first, last), strict=True))
    found = [row["id"] for row in ledger.rows("tenants_matching_text", **asked, limit=_FEW_MATCHES + 1)]
    return (asked, None) if len(found) > _FEW_MATCHES else (dict.fromkeys(_TEXT_PARAMETERS), found)


def id_range(text: str) -> tuple[UUID, UUID]:
    """The first and the last id that begin with the text; an id that no tenant has when none can."""
    digits = text.lower().replace("-", "")
    if not re.fullmatch("[0-9a-f]{1,32}", digits):
        return _NOBODY, _NOBODY
    first, last = (UUID(digits.ljust(32, filler)) for filler in "0f")
    return (first, last) if str(first).startswith(text.lower()) else (_NOBODY, _NOBODY)


def _summary(row: dict[str, Any]) -> TenantSummary:
    return TenantSummary(
        tenant_id=TenantId(row["id"]),
        parameters=Parameters(row["slug"], row["name"], row["plan"], row["region"], row["admin_email"]),
        state=State(row["state"]),
        substate=Substate(row["substate"]) if row["substate"] else None,
        predecessor=TenantId(row["predecessor"]) if row["predecessor"] else None,
        standing=status_of(row),
        stall=open_stall_of(row),
        incident_group=row["class_issue"],
        **{key: row[key] for key in _COPIED},
    )


_NOBODY: Final = UUID(int=0)
_FEW_MATCHES: Final = 1000
_TEXT_PARAMETERS: Final = ("text", "first_id", "last_id")
_COPIED = (
    "attempt", "generation", "run_id", "activity", "seq", "created_at", "state_since", "needs_attention", "held",
    "product",
)  # fmt: skip
