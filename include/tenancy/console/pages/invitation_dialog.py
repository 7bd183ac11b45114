"""The dialog that shows the tenant admin's invitation, once, and makes another one where it was lost.

Nothing keeps the invitation, and closing the dialog forgets it.
"""

from fastapi import APIRouter
from starlette.responses import Response

from tenancy.console.api.invitation_answer import show_invitation
from tenancy.console.api.problems import ProblemError, problem_of
from tenancy.console.api.request_context import RequestContext
from tenancy.console.api.requests import InvitationBody, Ref
from tenancy.console.api.route_guard import GuardedRoute, needs
from tenancy.console.callers import Right
from tenancy.console.pages import forms, reads
from tenancy.console.pages.page_request import CurrentPageRequest, PageRequest, SubmittedForm
from tenancy.console.pages.rendering import page_response, uncached_response
from tenancy.ledger.interventions import find_invitation_view

router = APIRouter(route_class=GuardedRoute)


@router.get("/tenants/{ref}/invitation")
@needs(Right.CREATE)
def show_dialog(page_request: CurrentPageRequest, ref: Ref) -> Response:
    """What would be shown, or who saw it and that another one can be made."""
    return reads.read_ledger(page_request.services, lambda context: _dialog(page_request, context, ref))


@router.post("/tenants/{ref}/invitation")
@needs(Right.CREATE)
def show(page_request: CurrentPageRequest, ref: Ref, fields: SubmittedForm) -> Response:
    """The invitation; the dialog shows what went wrong."""
    try:
        body = forms.parse_fields(
            InvitationBody, {"renew": bool(fields.get("renew")), "reason": fields.get("reason", "")}
        )
        invitation = show_invitation(page_request.services, page_request.caller, ref, body)
    except Exception as error:  # noqa: BLE001 - every error is shown in the dialog that caused it
        problem = problem_of(error)
        return reads.read_ledger(page_request.services, lambda context: _dialog(page_request, context, ref, problem))
    return uncached_response(page_request.request, "_invitation_secret.html", invitation=invitation)


def _dialog(
    page_request: PageRequest, context: RequestContext, ref: str, problem: ProblemError | None = None
) -> Response:
    """The form for the tenant's current state."""
    saga = context.saga(ref)
    view = find_invitation_view(context.ledger.envelopes(saga.tenant_id), saga.invitation.generation)
    status = problem.status if problem else 200
    return page_response(page_request.request, "_invitation.html", status, saga=saga, shown=view, problem=problem)
