"""Routes about incident groups (`classes` in the API): the open ones, and one with its tenants, also when closed."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path

from tenancy.console.api import incident_group_models
from tenancy.console.api.problems import ProblemError, problem_responses
from tenancy.console.api.request_context import open_context
from tenancy.console.api.route_guard import SECURITY, CurrentServices, GuardedRoute, needs
from tenancy.console.callers import Right
from tenancy.engine.notifications.incident_groups import describe_group, next_action
from tenancy.ledger.incident_groups import (
    GroupMember,
    StoredIncidentGroup,
    load_group,
    load_members,
    load_open_groups,
    load_open_keys,
)

router = APIRouter(route_class=GuardedRoute, dependencies=list(SECURITY), tags=["classes"])

MAX_GROUPS: Final = 100
MAX_TENANTS: Final = 1000
ClassId = Annotated[int, Path(ge=1, le=2**62, description="`class_issue` of a tenant")]


@router.get("/classes", responses=problem_responses(401, 403, 503))
@needs(Right.READ)
def list_classes(services: CurrentServices) -> incident_group_models.Classes:
    """The classes that are open: each is one matter, to be escalated once."""
    with open_context(services) as context:
        groups = load_open_groups(context.ledger, limit=MAX_GROUPS)
        others = max(0, len(load_open_keys(context.ledger)) - len(groups))
    models = [incident_group_models.ClassShape(**_fields(each)) for each in groups]
    return incident_group_models.Classes(classes=models, cut=others > 0, others=others)


@router.get("/classes/{class_id}", responses=problem_responses(400, 401, 403, 404, 503))
@needs(Right.READ)
def show_class(services: CurrentServices, class_id: ClassId) -> incident_group_models.ClassInFull:
    """One class with its tenants."""
    with open_context(services) as context:
        group = load_group(context.ledger, class_id)
        tenants = load_members(context.ledger, class_id, limit=MAX_TENANTS + 1, left=True) if group else []
    if group is None:
        raise ProblemError(404, "There is no class of stall of this id.")
    return incident_group_models.ClassInFull(
        **_fields(group), tenants=[_member(each) for each in tenants[:MAX_TENANTS]], cut=len(tenants) > MAX_TENANTS
    )


def _fields(group: StoredIncidentGroup) -> dict[str, Any]:
    fields = {**vars(group), **vars(group.signature), "sentence": describe_group(group.signature, group.message)}
    return {**fields, "next_action": next_action(group)}


def _member(each: GroupMember) -> incident_group_models.ClassMember:
    return incident_group_models.ClassMember(**{**vars(each), "id": str(each.tenant_id)})
