"""Routes about classes of stall: those that are open, and one with its tenants, also when it is over."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path

from tenancy.console.api import class_shapes
from tenancy.console.api.access import SECURITY, CurrentServices, GuardedRoute, needs
from tenancy.console.api.problems import ProblemError, documented
from tenancy.console.api.request_context import open_context
from tenancy.console.callers import Right
from tenancy.engine.incident_groups import describe_group, next_action
from tenancy.ledger.incident_groups import (
    GroupMember,
    StoredIncidentGroup,
    load_group,
    load_members,
    load_open_groups,
    load_open_keys,
)

router = APIRouter(route_class=GuardedRoute, dependencies=list(SECURITY), tags=["classes"])

CLASSES: Final = 100
TENANTS: Final = 1000
ClassId = Annotated[int, Path(ge=1, le=2**62, description="`class_issue` of a tenant")]


@router.get("/classes", responses=documented(401, 403, 503))
@needs(Right.READ)
def list_classes(services: CurrentServices) -> class_shapes.Classes:
    """The classes that are open: each is one matter, to be escalated once."""
    with open_context(services) as context:
        found = load_open_groups(context.ledger, limit=CLASSES)
        others = max(0, len(load_open_keys(context.ledger)) - len(found))
    shown = [class_shapes.ClassShape(**_drawn(each)) for each in found]
    return class_shapes.Classes(classes=shown, cut=others > 0, others=others)


@router.get("/classes/{class_id}", responses=documented(400, 401, 403, 404, 503))
@needs(Right.READ)
def show_class(services: CurrentServices, class_id: ClassId) -> class_shapes.ClassInFull:
    """One class with its tenants."""
    with open_context(services) as context:
        found = load_group(context.ledger, class_id)
        tenants = load_members(context.ledger, class_id, limit=TENANTS + 1, left=True) if found else []
    if found is None:
        raise ProblemError(404, "There is no class of stall of this id.")
    return class_shapes.ClassInFull(
        **_drawn(found), tenants=[_member(each) for each in tenants[:TENANTS]], cut=len(tenants) > TENANTS
    )


def _drawn(kept: StoredIncidentGroup) -> dict[str, Any]:
    drawn = {**vars(kept), **vars(kept.signature), "sentence": describe_group(kept.signature, kept.message)}
    return {**drawn, "next_action": next_action(kept)}


def _member(each: GroupMember) -> class_shapes.ClassMember:
    return class_shapes.ClassMember(**{**vars(each), "id": str(each.tenant_id)})
