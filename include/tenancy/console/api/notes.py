"""The route that adds a person's note to a tenant. It changes no state, so it has no dry run."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tenancy.console.api import tenant_models
from tenancy.console.api.action_requests import idempotency_key, record_note
from tenancy.console.api.problems import problem_responses
from tenancy.console.api.requests import IdempotencyHeader, NoteBody, Ref, WriteHeader
from tenancy.console.api.route_guard import SECURITY, CurrentCaller, CurrentServices, GuardedRoute, needs
from tenancy.console.api.write_request import stored_response
from tenancy.console.callers import Right

router = APIRouter(route_class=GuardedRoute, dependencies=list(SECURITY), tags=["actions"])


@router.post(
    "/tenants/{ref}/notes",
    status_code=201,
    response_model=tenant_models.Action,
    responses=problem_responses(400, 401, 403, 404, 409, 428, 503),
)
@needs(Right.EDIT)
def add_note(  # noqa: PLR0917 - FastAPI hands them over by name
    request: Request,
    services: CurrentServices,
    caller: CurrentCaller,
    ref: Ref,
    write_header: WriteHeader,
    body: NoteBody,
    key: IdempotencyHeader = None,
) -> Response:
    """Note something about the tenant, for the next person who looks at it; in every state, and for good."""
    del write_header  # the route guard has checked it; here it is documented
    return stored_response(record_note(services, caller, ref, body, idempotency_key(request, caller, key, body)), 201)
