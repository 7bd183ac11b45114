"""Routes that write: create a tenant, and one for each action. Each can be asked what it would do (`dry_run`).

What is allowed is the law's; here is only who may ask, and how an answer looks.
"""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from tenancy.console.api import shapes
from tenancy.console.api.access import SECURITY, GuardedRoute, needs, require
from tenancy.console.api.asked import AskedOf
from tenancy.console.api.asking import Deed, Doing, act, corrected, create
from tenancy.console.api.problems import documented
from tenancy.console.api.requests import CorrectedWish, NewTenant, Ref, ResetWish, Wish
from tenancy.console.callers import Right
from tenancy.engine import actions as engine
from tenancy.engine.actions import ActionResult

router = APIRouter(route_class=GuardedRoute, dependencies=list(SECURITY), tags=["actions"])


def _post(path: str, right: Right, status: int, *problems: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a write: its right, the status of success, what a dry run answers."""
    documentation: dict[int | str, dict[str, Any]] = documented(400, 401, 403, 409, 428, 503, *problems)
    if status == 200:
        model: Any = shapes.Action | shapes.PreviewShape
    else:
        model, documentation[200] = shapes.Action, {"model": shapes.PreviewShape, "description": "A dry run"}
    route = router.post(path, status_code=status, response_model=model, responses=documentation)
    return lambda endpoint: route(needs(right)(endpoint))


@_post("/tenants", Right.CREATE, 201)
def create_tenant(asked: AskedOf, wish: NewTenant) -> Response:
    """Provision a tenant. What was asked for is checked first; the rest happens in a run of `tenant_provisioning`."""
    return create(asked, wish)


@_post("/tenants/{ref}/cancel", Right.EDIT, 202, 404)
def cancel(asked: AskedOf, ref: Ref, wish: Wish) -> Response:
    """Stop provisioning and undo what was made. A second one kills again and starts the compensations anew."""

    def perform(doing: Doing) -> ActionResult:
        return engine.cancel(*doing.whom, by=doing.stamp, **doing.named)

    return act(asked, ref, wish, Deed("cancel", 202, perform))


@_post("/tenants/{ref}/reset", Right.EDIT, 200, 404)
def reset(asked: AskedOf, ref: Ref, wish: ResetWish) -> Response:
    """Make a failed tenant ready for a retry. `force` is platform engineering's: it can orphan what is in flight."""
    if wish.force:
        require(asked.caller, Right.FORCE)

    def perform(doing: Doing) -> ActionResult:
        role = Right.FORCE in asked.caller.rights
        return engine.reset(*doing.whom, by=doing.stamp, force=wish.force, platform_role=role, **doing.named)

    return act(asked, ref, wish, Deed("reset", 200, perform))


@_post("/tenants/{ref}/retry", Right.CREATE, 200, 404)
def retry(asked: AskedOf, ref: Ref, wish: CorrectedWish) -> Response:
    """A new attempt for a tenant that was reset. It wants the slug typed after three that did not end Active."""

    def perform(doing: Doing) -> ActionResult:
        return engine.retry(*doing.whom, by=doing.stamp, corrections=corrected(doing, wish), **doing.named)

    return act(asked, ref, wish, Deed("retry", 200, perform))


@_post("/tenants/{ref}/decommission", Right.EDIT, 202, 404)
def decommission(asked: AskedOf, ref: Ref, wish: Wish) -> Response:
    """Release all a tenant has, for good, and free its slug."""

    def perform(doing: Doing) -> ActionResult:
        return engine.decommission(*doing.whom, by=doing.stamp, **doing.named)

    return act(asked, ref, wish, Deed("decommission", 202, perform))


@_post("/tenants/{ref}/recreate", Right.CREATE, 201, 404)
def recreate(asked: AskedOf, ref: Ref, wish: CorrectedWish) -> Response:
    """A new tenant in the place of one that has nothing left: same slug, linked to it. The answer is the new one."""
    require(asked.caller, Right.EDIT)  # a failed tenant is decommissioned on the way

    def perform(doing: Doing) -> ActionResult:
        return engine.recreate(*doing.whom, by=doing.stamp, corrections=corrected(doing, wish), **doing.named)

    return act(asked, ref, wish, Deed("recreate", 201, perform))


@_post("/tenants/{ref}/escalate", Right.EDIT, 200, 404)
def escalate(asked: AskedOf, ref: Ref, wish: Wish) -> Response:
    """Hand the tenant over to platform engineering; changes no state."""

    def perform(doing: Doing) -> ActionResult:
        return engine.escalate(*doing.whom, by=doing.stamp, **doing.named)

    return act(asked, ref, wish, Deed("escalate", 200, perform))
