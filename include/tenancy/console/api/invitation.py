"""The route that shows the tenant admin's invitation. Its answer is kept nowhere: no idempotency key, no cache.

It is a write: it is recorded who was shown it, and nobody is shown it again.
"""

from fastapi import APIRouter

from tenancy.bootstrap import tenant_url
from tenancy.console.api import shapes
from tenancy.console.api.access import SECURITY, CallerOf, GuardedRoute, PartsOf, needs
from tenancy.console.api.problems import ProblemError, documented
from tenancy.console.api.request_context import open_context
from tenancy.console.api.requests import InvitationBody, Meant, Ref
from tenancy.console.callers import Right
from tenancy.engine import invitation as engine
from tenancy.ledger.envelope import Stamp

router = APIRouter(route_class=GuardedRoute, dependencies=list(SECURITY), tags=["actions"])
SIGN_IN = "/admin/login"
"""Where a tenant's application takes its admin's invitation (docs/reference/api.md)."""


@router.post("/tenants/{ref}/invitation", responses=documented(400, 401, 403, 404, 409, 428, 503))
@needs(Right.CREATE)
def show_invitation(
    parts: PartsOf, caller: CallerOf, ref: Ref, meant: Meant, wish: InvitationBody
) -> shapes.InvitationShape:
    """The tenant admin's invitation, once the tenant is Active; it is shown once. `renew` makes another one."""
    del meant  # the gate has looked at it; here it is documented
    if wish.renew and not wish.reason.strip():
        raise ProblemError(400, "Say why there has to be another invitation, for the audit log.", field="reason")
    with open_context(parts) as context:
        tenant_id, tenancy = context.line(ref).tenant_id, context.tenancy
    ask, stamp = engine.renew if wish.renew else engine.show, Stamp(caller.name, reason=wish.reason.strip())
    shown = ask(tenancy, tenant_id, by=stamp)
    asked = shown.saga.parameters
    return shapes.InvitationShape(
        tenant=str(tenant_id),
        slug=asked.slug,
        admin_email=asked.admin_email,
        invitation=shown.secret,
        sign_in=f"{tenant_url(tenancy.platform, asked)}{SIGN_IN}",
        expires_at=shown.expires_at,
    )
