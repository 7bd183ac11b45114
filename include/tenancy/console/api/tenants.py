"""Routes that read: the list, one tenant, its timeline, errors, past actions, audit log and resources."""

from typing import Annotated

from fastapi import APIRouter, Query

from tenancy.console.api import cursor as cursors
from tenancy.console.api import history_models, requests, serializers, tenant_models
from tenancy.console.api.problems import problem_responses
from tenancy.console.api.request_context import open_context
from tenancy.console.api.route_guard import SECURITY, CurrentServices, GuardedRoute, needs
from tenancy.console.callers import Right
from tenancy.ledger import tenant_summaries
from tenancy.ledger.action_history import build_action_history
from tenancy.ledger.error_log import build_error_log
from tenancy.ledger.timeline import build_timelines
from tenancy.saga.states import State, Substate

router = APIRouter(route_class=GuardedRoute, dependencies=list(SECURITY), tags=["reading"])
_LISTED = problem_responses(400, 401, 403, 503)
_FOUND = problem_responses(400, 401, 403, 404, 503)


@router.get("/tenants", responses=_LISTED)
@needs(Right.READ)
def list_tenants(  # noqa: PLR0917 - FastAPI hands them over by name
    services: CurrentServices,
    state: State | None = None,
    substate: Substate | None = None,
    region: requests.FilterValue = None,
    plan: requests.FilterValue = None,
    product: requests.FilterValue = None,
    attention: Annotated[bool, Query(description="Only tenants that need attention")] = False,
    q: requests.Search = None,
    limit: requests.PageSize = 50,
    cursor: requests.Cursor = None,
) -> tenant_models.Tenants:
    """Tenants, newest first, a page at a time."""
    after = cursors.decode(cursor) if cursor else None
    tenant_filter = tenant_summaries.TenantFilter(state, substate, region, plan, attention, q, product)
    with open_context(services) as context:
        summaries = tenant_summaries.load_tenants(
            context.ledger, tenant_filter, cutoffs=context.late, limit=limit + 1, after=after
        )
        counts = tenant_summaries.count_by_state(context.ledger)
        advisor = context.advisor(services.engine.latest)
    page = summaries[:limit]
    more = (
        cursors.encode(tenant_summaries.PagePosition(page[-1].created_at, page[-1].tenant_id))
        if len(summaries) > limit
        else None
    )
    return tenant_models.Tenants(
        tenants=[serializers.row(summary, advisor) for summary in page], next=more, counts=counts
    )


@router.get("/tenants/{ref}", responses=_FOUND)
@needs(Right.READ)
def show_tenant(services: CurrentServices, ref: requests.Ref) -> tenant_models.Tenant:
    """One tenant with all that an operator decides by."""
    with open_context(services) as context:
        return context.tenant(ref)


@router.get("/tenants/{ref}/timeline", responses=_FOUND)
@needs(Right.READ)
def show_timeline(services: CurrentServices, ref: requests.Ref) -> history_models.TimelineShape:
    """Every attempt, activity by activity."""
    with open_context(services) as context:
        attempts = build_timelines(context.ledger.envelopes(context.summary(ref).tenant_id))
        platform = context.tenancy.platform
    now = services.clock()
    return history_models.TimelineShape(attempts=[serializers.attempt(each, platform, now) for each in attempts])


@router.get("/tenants/{ref}/errors", responses=_FOUND)
@needs(Right.READ)
def list_errors(services: CurrentServices, ref: requests.Ref) -> history_models.Errors:
    """All that went wrong or was refused, oldest first."""
    with open_context(services) as context:
        log = build_error_log(context.ledger.envelopes(context.summary(ref).tenant_id))
    return history_models.Errors(errors=[history_models.ErrorShape(**vars(entry)) for entry in log])


@router.get("/tenants/{ref}/action-history", responses=_FOUND)
@needs(Right.READ)
def list_past_actions(services: CurrentServices, ref: requests.Ref) -> history_models.ActionHistory:
    """Every cancel, reset, retry and decommission, also refused ones: who, when, why, and the result. Oldest first."""
    with open_context(services) as context:
        history = build_action_history(context.ledger.envelopes(context.summary(ref).tenant_id))
    actions = [history_models.PastActionShape(**vars(each), summary=str(each)) for each in history]
    return history_models.ActionHistory(actions=actions)


@router.get("/tenants/{ref}/audit", responses=_FOUND)
@needs(Right.READ)
def list_facts(
    services: CurrentServices, ref: requests.Ref, after: requests.After = 0, limit: requests.FactsPage = 200
) -> history_models.Audit:
    """The tenant's facts, a page at a time, and whether all of them are what was once written."""
    with open_context(services) as context:
        stream = context.summary(ref).tenant_id
        facts = tenant_summaries.load_facts(context.ledger, stream, after=after, limit=limit + 1)
        broken = tenant_summaries.find_first_broken_fact(context.ledger, stream)
    page = [history_models.FactShape(**vars(fact)) for fact in facts[:limit]]
    more = page[-1].seq if len(facts) > limit else None
    return history_models.Audit(facts=page, next=more, chain="whole" if broken is None else f"broken at {broken}")


@router.get("/tenants/{ref}/resources", responses=_FOUND)
@needs(Right.READ)
def list_resources(services: CurrentServices, ref: requests.Ref) -> tenant_models.Resources:
    """All that was ever intended for the tenant, and how far each is."""
    with open_context(services) as context:
        return tenant_models.Resources(resources=serializers.resources(context.saga(ref).resources))
