"""The tenant admin's invitation: shown to one operator, once, and renewed if it was lost. Called by the JSON API.

The secret is derived from the platform's keys each time and stored nowhere: not in the ledger (which records who was
shown it, and when), not in the idempotency store, not in a log. The viewer is recorded before the invitation is
returned; so if the answer is lost on its way, the invitation counts as shown and has to be renewed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tenancy.activities.apply_tenant_schema import admin_account_of, database_of
from tenancy.activities.context import ActivityContext
from tenancy.activities.invitations import digest_of, invitation_of
from tenancy.adapters.admin_account import AdminAccount, InvitationStatus
from tenancy.engine.actions.refusals import load_saga, record_refusal
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
    """The secret for the tenant's admin, and when it expires."""

    saga: Saga
    secret: str = field(repr=False)
    expires_at: datetime


def show(tenancy: Tenancy, tenant_id: TenantId, *, by: Stamp) -> Invitation:
    """The admin's invitation. Raises Refused, naming the viewer and the time, if it was shown before."""
    with _open_ledger(tenancy, tenant_id, "show the invitation", by) as ledger:
        return _shown(tenancy, ledger, load_saga(ledger, tenant_id), by)


def renew(tenancy: Tenancy, tenant_id: TenantId, *, by: Stamp) -> Invitation:
    """A new invitation, which invalidates the one before. Raises Refused once the admin has signed in with one."""
    with _open_ledger(tenancy, tenant_id, "renew the invitation", by) as ledger:
        saga = load_saga(ledger, tenant_id)
        decide(saga, c.RenewInvitation())
        _require_unused(_load_status(_context(tenancy, ledger, saga, by)))
        return _shown(tenancy, ledger, ledger.record(tenant_id, c.RenewInvitation(), stamp=by), by)


@contextmanager
def _open_ledger(tenancy: Tenancy, tenant_id: TenantId, what: str, by: Stamp) -> Iterator[LedgerSession]:
    with tenancy.ledger.open(f"tenancy invitation {by.actor}") as ledger, record_refusal(ledger, tenant_id, what, by):
        yield ledger


def _shown(tenancy: Tenancy, ledger: LedgerSession, saga: Saga, by: Stamp) -> Invitation:
    command = c.ShowInvitation(saga.invitation.generation)
    with _naming_the_viewer(ledger, saga):
        decide(saga, command)
        context = _context(tenancy, ledger, saga, by)
        observation = _require_worth_something(_written(context), digest_of(invitation_of(context)))
        after = ledger.record(saga.tenant_id, command, stamp=by)
    return Invitation(after, invitation_of(context), observation.expires_at)


def _context(tenancy: Tenancy, ledger: LedgerSession, saga: Saga, by: Stamp) -> ActivityContext:
    """Wait for the tenant's lock instead of evicting its holder: nothing here is urgent."""
    fence_command, name = c.ShowInvitation(saga.invitation.generation), f"tenancy invitation {by.actor}"
    return tenancy.activity_context(
        ledger, saga, application=name, stamp=by, fence_command=fence_command, may_evict=lambda _: False
    )


def _written(context: ActivityContext) -> InvitationStatus | None:
    """Write the invitation into the tenant's database. The first one was written together with the schema."""
    if context.saga.invitation.generation > 1:
        database_of(context).renew_invitation(context.tenant_id, _admin(context), context.lock, fence=context.fence)
    return _load_status(context)


def _load_status(context: ActivityContext) -> InvitationStatus | None:
    return database_of(context).load_invitation(_admin(context), context.lock.application)


def _admin(context: ActivityContext) -> AdminAccount:
    admin = admin_account_of(context)
    if admin is None:
        product = context.product.name
        raise Refused(f"The product {product} has no `admin_account`: its application invites the admin, ask there.")
    return admin


def _require_unused(observation: InvitationStatus | None) -> InvitationStatus:
    if observation is None:
        raise Refused("The tenant's database has no invitation of its admin any more: the tenant has taken it over.")
    if observation.used_at is not None:
        raise Refused(
            f"The admin signed in with it at {observation.used_at:%Y-%m-%d %H:%M:%S} UTC: there is none to show."
        )
    return observation


def _require_worth_something(found: InvitationStatus | None, digest: str) -> InvitationStatus:
    observation = _require_unused(found)
    if observation.digest != digest:
        raise Refused(f"The tenant's database has another invitation than the platform made: {_RENEW}.")
    if not observation.open:
        raise Refused(f"It expired at {observation.expires_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC: {_RENEW}.")
    return observation


@contextmanager
def _naming_the_viewer(ledger: LedgerSession, saga: Saga) -> Iterator[None]:
    try:
        yield
    except Refused as refusal:
        shown = find_invitation_view(ledger.envelopes(saga.tenant_id), saga.invitation.generation)
        if shown is None:
            raise
        shown_before = f"It was shown to {shown.actor} at {shown.at:%Y-%m-%d %H:%M:%S} UTC, and it is shown once."
        raise Refused(f"{shown_before} If it is lost, make a new one; the old one is then invalid.") from refusal
