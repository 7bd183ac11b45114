"""The route that shows the tenant admin's invitation. Nothing stores its answer: no idempotency key, no cache.

It is a write: the ledger records who saw the invitation, and nobody sees it again.
"""

from fastapi import APIRouter

from tenancy.console.api import invitation_answer, tenant_models
from tenancy.console.api.problems import problem_responses
from tenancy.console.api.requests import InvitationBody, Ref, WriteHeader
from tenancy.console.api.route_guard import SECURITY, CurrentCaller, CurrentServices, GuardedRoute, needs
from tenancy.console.callers import Right

router = APIRouter(route_class=GuardedRoute, dependencies=list(SECURITY), tags=["actions"])


@router.post("/tenants/{ref}/invitation", responses=problem_responses(400, 401, 403, 404, 409, 428, 503))
@needs(Right.CREATE)
def show_invitation(
    services: CurrentServices, caller: CurrentCaller, ref: Ref, write_header: WriteHeader, body: InvitationBody
) -> tenant_models.InvitationShape:
    """The tenant admin's invitation, once the tenant is Active; it is shown once. `renew` makes another one."""
    del write_header  # the route guard has checked it; here it is documented
    return invitation_answer.show_invitation(services, caller, ref, body)
