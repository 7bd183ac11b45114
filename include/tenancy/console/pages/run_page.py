"""The tab *Provisioning timeline* on a DAG run's page: the run's tenant at the run's attempt, or why there is none."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tenancy.console.api.request_context import RequestContext
from tenancy.console.api.requests import Part
from tenancy.console.api.route_guard import CurrentCaller, CurrentServices, GuardedRoute, needs
from tenancy.console.callers import Right
from tenancy.console.pages import reads
from tenancy.console.pages.error_pages import ErrorPage
from tenancy.console.pages.rendering import page_response
from tenancy.console.pages.tenant_page import TenantPageQuery, page_variables
from tenancy.engine.workflow import COMPENSATION_DAG
from tenancy.ledger import tenant_summaries
from tenancy.saga.names import RunId
from tenancy.saga.products import is_provisioning_dag

router = APIRouter(route_class=GuardedRoute)

_OF_OTHERS = ErrorPage(
    200,
    "This run belongs to no tenant",
    "Tenants are provisioned by runs of tenant_provisioning and undone by runs of tenant_compensation. "
    "This run belongs to another DAG.",
)
_NOT_YET = ErrorPage(
    200,
    "No tenant has begun in this run",
    "The run waits in Airflow's queue or is starting. This page shows the tenant as soon as its first activity begins. "
    "If the run has ended, it created nothing and reserves no slug.",
)


@router.get("/runs/{dag_id}/{run_id:path}")
@needs(Right.READ)
def show_run(  # noqa: PLR0917 - FastAPI hands them over by name
    request: Request, services: CurrentServices, caller: CurrentCaller, dag_id: str, run_id: str, part: Part = None
) -> Response:
    """The tenant of the run, or a sentence."""
    if dag_id != COMPENSATION_DAG and not is_provisioning_dag(dag_id):
        return page_response(request, "error.html", error=_OF_OTHERS)
    services.engine.start_refresh()
    query = reads.read_ledger(services, lambda context: _query_of_run(context, dag_id, run_id))
    if isinstance(query, ErrorPage):
        return page_response(request, "_run.html" if part else "run.html", error=query, here=request.url.path)
    return page_response(request, "_tenant.html" if part else "tenant.html", **page_variables(request, caller, query))


def _attempt_of(dag_id: str, run_id: str) -> int | None:
    """The attempt that a compensation run undoes; the run's id contains it (engine/workflow.py)."""
    parts = run_id.split("__")
    return int(parts[2]) if dag_id == COMPENSATION_DAG and len(parts) == 4 and parts[2].isdecimal() else None


def _query_of_run(context: RequestContext, dag_id: str, run_id: str) -> TenantPageQuery | ErrorPage:
    if dag_id == COMPENSATION_DAG:
        tenant = run_id.split("__")[1] if run_id.count("__") == 3 else ""
    else:
        tenant = str(context.ledger.tenant_of_run(RunId(run_id)) or "")
    if tenant and tenant_summaries.find_tenant(context.ledger, tenant, cutoffs=context.late):
        recorded = context.saga(tenant).runs.attempt_of(RunId(run_id))
        return TenantPageQuery(tenant, _attempt_of(dag_id, run_id) or recorded)
    refusal = tenant_summaries.find_run_refusal(context.ledger, RunId(run_id))
    return (
        ErrorPage(200, "This run was refused", f"{refusal} It created nothing and reserves no slug.")
        if refusal
        else _NOT_YET
    )
