"""Routes that write: create a tenant, and one for each action. Each has a dry run (`dry_run`).

The engine's action service performs the actions. This module has only the needed rights and the HTTP statuses.
"""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from tenancy.console.api import tenant_models
from tenancy.console.api.problems import problem_responses
from tenancy.console.api.requests import (
    ActionBody,
    CorrectedActionBody,
    NewTenant,
    RecoverBody,
    RecreateBody,
    Ref,
    ResetBody,
)
from tenancy.console.api.route_guard import SECURITY, GuardedRoute, needs, require_right
from tenancy.console.api.write_request import CurrentWrite
from tenancy.console.callers import Right

router = APIRouter(route_class=GuardedRoute, dependencies=list(SECURITY), tags=["actions"])


def _post(path: str, right: Right, status: int, *problems: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a write: its right, the status of success, what a dry run answers."""
    documentation: dict[int | str, dict[str, Any]] = problem_responses(400, 401, 403, 409, 428, 503, *problems)
    if status == 200:
        model: Any = tenant_models.Action | tenant_models.PreviewShape
    else:
        model, documentation[200] = (
            tenant_models.Action,
            {"model": tenant_models.PreviewShape, "description": "A dry run"},
        )
    route = router.post(path, status_code=status, response_model=model, responses=documentation)
    return lambda endpoint: route(needs(right)(endpoint))


@_post("/tenants", Right.CREATE, 201)
def create_tenant(write: CurrentWrite, body: NewTenant) -> Response:
    """Provision a tenant. The request is checked first; the rest happens in a run of its product's DAG."""
    return write.create(body, 201)


@_post("/tenants/{ref}/cancel", Right.EDIT, 202, 404)
def cancel(write: CurrentWrite, ref: Ref, body: ActionBody) -> Response:
    """Stop provisioning and undo what was made. A second one kills again and starts the compensations anew."""
    return write.act("cancel", ref, body, 202)


@_post("/tenants/{ref}/reset", Right.EDIT, 200, 404)
def reset(write: CurrentWrite, ref: Ref, body: ResetBody) -> Response:
    """Make a failed tenant ready for a retry. `force` is platform engineering's: it can orphan what is in flight."""
    if body.force:
        require_right(write.caller, Right.FORCE)
    return write.act("reset", ref, body, 200)


@_post("/tenants/{ref}/retry", Right.CREATE, 200, 404)
def retry(write: CurrentWrite, ref: Ref, body: CorrectedActionBody) -> Response:
    """A new attempt for a tenant that was reset. After three attempts that did not end Active it needs the typed
    slug."""
    return write.act("retry", ref, body, 200)


@_post("/tenants/{ref}/decommission", Right.EDIT, 202, 404)
def decommission(write: CurrentWrite, ref: Ref, body: ActionBody) -> Response:
    """Release all a tenant has, for good, and free its slug."""
    return write.act("decommission", ref, body, 202)


@_post("/tenants/{ref}/recreate", Right.CREATE, 201, 404)
def recreate(write: CurrentWrite, ref: Ref, body: RecreateBody) -> Response:
    """A new tenant in the place of one that has nothing left: same slug, linked to it. The answer is the new one."""
    require_right(write.caller, Right.EDIT)  # a failed tenant is decommissioned on the way
    return write.act("recreate", ref, body, 201)


@_post("/tenants/{ref}/escalate", Right.EDIT, 200, 404)
def escalate(write: CurrentWrite, ref: Ref, body: ActionBody) -> Response:
    """Hand the tenant over to platform engineering; changes no state."""
    return write.act("escalate", ref, body, 200)


@router.post(
    "/tenants/{ref}/recover",
    response_model=tenant_models.Recovery,
    responses=problem_responses(400, 401, 403, 404, 409, 428, 503),
)
@needs(Right.EDIT)
def recover(write: CurrentWrite, ref: Ref, body: RecoverBody) -> Response:
    """Take the next step of the runbook: wait, cancel, reset or retry. Ask again until it is done or stops."""
    require_right(write.caller, Right.CREATE)
    return write.recover(ref, body)
