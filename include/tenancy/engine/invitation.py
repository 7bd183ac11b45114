"""Shows the tenant admin's invitation to one person, once, and makes another one where it was lost.

It is derived anew from the platform's keys when it is shown, and stands nowhere: not in the ledger, which only knows
who was shown it and when, nor in an idempotency store, nor in a log. Recorded first, shown then: an answer that is
lost on its way was shown, and is renewed. Called by the JSON API.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tenancy.activities.activity import ActivityContext
from tenancy.activities.apply_tenant_schema import database_of, digest_of, invitation_of
from tenancy.adapters.tenant_database import InvitationStatus
from tenancy.engine.actions import refusal_noted, saga_of
from tenancy.engine.tenancy import Tenancy
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.interventions import find_invitation_view
from tenancy.ledger.ledger import LedgerSession
from tenancy.saga import commands as c
from tenancy.saga.decide import decide
from tenancy.saga.errors import Refused
from tenancy.saga.names import TenantId
from tenancy.saga.tenant import Saga

_RENEW = "make a new one"


@dataclass(frozen=True)
class Invitation:
    """What the admin is sent, and until when it lets them in."""

    saga: Saga
    secret: str = field(repr=False)
    expires_at: datetime


def show(tenancy: Tenancy, tenant_id: TenantId, *, by: Stamp) -> Invitation:
    """The admin's invitation. Refused, with who saw it when, if it was shown before."""
    with _asking(tenancy, tenant_id, "show the invitation", by) as ledger:
        return _shown(tenancy, ledger, saga_of(ledger, tenant_id), by)


def renew(tenancy: Tenancy, tenant_id: TenantId, *, by: Stamp) -> Invitation:
    """Another invitation; the one before is worth nothing. Refused once the admin has signed in with one."""
    with _asking(tenancy, tenant_id, "renew the invitation", by) as ledger:
        saga = saga_of(ledger, tenant_id)
        decide(saga, c.RenewInvitation())
        _require_unused(_seen(_context(tenancy, ledger, saga, by)))
        return _shown(tenancy, ledger, ledger.record(tenant_id, c.RenewInvitation(), stamp=by), by)


@contextmanager
def _asking(tenancy: Tenancy, tenant_id: TenantId, what: str, by: Stamp) -> Iterator[LedgerSession]:
    with tenancy.ledger.open(f"tenancy invitation {by.actor}") as ledger, refusal_noted(ledger, tenant_id, what, by):
        yield ledger


def _shown(tenancy: Tenancy, ledger: LedgerSession, saga: Saga, by: Stamp) -> Invitation:
    wanted = c.ShowInvitation(saga.invitation)
    with _told_by_whom(ledger, saga):
        decide(saga, wanted)
        context = _context(tenancy, ledger, saga, by)
        seen = _require_worth_something(_written(context), digest_of(invitation_of(context)))
        after = ledger.record(saga.tenant_id, wanted, stamp=by)
    return Invitation(after, invitation_of(context), seen.expires_at)


def _context(tenancy: Tenancy, ledger: LedgerSession, saga: Saga, by: Stamp) -> ActivityContext:
    """Whoever holds the tenant's lock is waited for and not evicted: nothing here is urgent."""
    wanted, name = c.ShowInvitation(saga.invitation), f"tenancy invitation {by.actor}"
    return tenancy.activity_context(ledger, saga, application=name, stamp=by, wanted=wanted, may_evict=lambda _: False)


def _written(context: ActivityContext) -> InvitationStatus | None:
    """The first one was written with the schema; each later one is written before it is shown."""
    if context.saga.invitation > 1:
        email, digest = context.saga.parameters.admin_email, digest_of(invitation_of(context))
        database_of(context).renew_invitation(context.tenant_id, email, digest, context.lock, fence=context.fence)
    return _seen(context)


def _seen(context: ActivityContext) -> InvitationStatus | None:
    return database_of(context).load_invitation(context.saga.parameters.admin_email, context.lock.application)


def _require_unused(seen: InvitationStatus | None) -> InvitationStatus:
    if seen is None:
        raise Refused("The tenant's database has no invitation of its admin any more: the tenant has taken it over.")
    if seen.used_at is not None:
        raise Refused(f"The admin signed in with it at {seen.used_at:%Y-%m-%d %H:%M:%S} UTC: there is none to show.")
    return seen


def _require_worth_something(found: InvitationStatus | None, digest: str) -> InvitationStatus:
    seen = _require_unused(found)
    if seen.digest != digest:
        raise Refused(f"The tenant's database has another invitation than the platform made: {_RENEW}.")
    if not seen.open:
        raise Refused(f"It expired at {seen.expires_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC: {_RENEW}.")
    return seen


@contextmanager
def _told_by_whom(ledger: LedgerSession, saga: Saga) -> Iterator[None]:
    try:
        yield
    except Refused as refusal:
        shown = find_invitation_view(ledger.envelopes(saga.tenant_id), saga.invitation)
        if shown is None:
            raise
        told = f"It was shown to {shown.actor} at {shown.at:%Y-%m-%d %H:%M:%S} UTC, and it is shown once."
        raise Refused(f"{told} Whoever lost it makes a new one; the old one is then worth nothing.") from refusal
