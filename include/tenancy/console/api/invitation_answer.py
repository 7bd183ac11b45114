"""Shows the tenant admin's invitation on behalf of a caller, for the API's route and the console's dialog alike."""

from typing import Final

from tenancy.bootstrap import tenant_url
from tenancy.console.api import tenant_models
from tenancy.console.api.problems import ProblemError
from tenancy.console.api.request_context import open_context
from tenancy.console.api.requests import InvitationBody
from tenancy.console.callers import Caller
from tenancy.console.services import Services
from tenancy.engine.actions import invitation
from tenancy.ledger.envelope import Stamp

SIGN_IN: Final = "/admin/login"
"""Where a tenant's application takes its admin's invitation (docs/reference/api.md)."""


def show_invitation(
    services: Services, caller: Caller, ref: str, body: InvitationBody
) -> tenant_models.InvitationShape:
    """The invitation, or with `renew` another one; 404 when there is no such tenant. Raises Refused."""
    if body.renew and not body.reason.strip():
        raise ProblemError(400, "Give a reason for another invitation; the audit log records it.", field="reason")
    with open_context(services) as context:
        tenant_id, tenancy = context.summary(ref).tenant_id, context.tenancy
    reveal = invitation.renew if body.renew else invitation.show
    revealed = reveal(tenancy, tenant_id, by=Stamp(caller.name, reason=body.reason.strip()))
    parameters = revealed.saga.parameters
    return tenant_models.InvitationShape(
        tenant=str(tenant_id),
        slug=parameters.slug,
        admin_email=parameters.admin_email,
        invitation=revealed.secret,
        sign_in=f"{tenant_url(tenancy.platform, parameters)}{SIGN_IN}",
        expires_at=revealed.expires_at,
    )
