"""The form for a new tenant."""

from typing import Any, Final

from fastapi import APIRouter
from starlette.responses import Response

from tenancy.console.api.action_requests import actor_of, create_request, open_action_service
from tenancy.console.api.problems import ProblemError, problem_of
from tenancy.console.api.route_guard import GuardedRoute, needs
from tenancy.console.callers import Right
from tenancy.console.pages import forms
from tenancy.console.pages.page_request import CurrentPageRequest, PageRequest, SubmittedForm
from tenancy.console.pages.parameter_fields import parameter_fields
from tenancy.console.pages.rendering import page_response
from tenancy.saga.errors import ProductFileError
from tenancy.saga.product import Product
from tenancy.saga.products import Products, listing_of

router = APIRouter(route_class=GuardedRoute)
_EMPTY: Final = {"name": "", "plan": "", "region": "", "admin_email": ""}


@router.get("/new")
@needs(Right.CREATE)
def show_new(page_request: CurrentPageRequest) -> Response:
    """An empty form."""
    return _form(page_request, "new.html", {})


@router.post("/new")
@needs(Right.CREATE)
def create(page_request: CurrentPageRequest, fields: SubmittedForm) -> Response:
    """Request the tenant. The form shows an error next to its field."""
    try:
        body = forms.new_tenant(fields)
        request = create_request(body, page_request.idempotency_key(fields, body))
        answer = open_action_service(page_request.services).perform(request, actor_of(page_request.caller)).body
    except Exception as error:  # noqa: BLE001 - every error is shown in the dialog that caused it
        return _form(page_request, "_new.html", fields, problem_of(error))
    return page_response(page_request.request, "_created.html", 201, tenant=answer["tenant"])


@router.post("/new/form")
@needs(Right.CREATE)
def show_other_product(page_request: CurrentPageRequest, fields: SubmittedForm) -> Response:
    """The form as it was typed, with the parameters of the product that was chosen."""
    return _form(page_request, "_new.html", fields)


def _product_of(products: Products, fields: forms.FormFields) -> Product | None:
    """The chosen product. None for a broken one; creating a tenant of it says what is wrong."""
    try:
        return products.named(fields.get("product") or products.default_name)
    except ProductFileError:
        return None


def _form(
    page_request: PageRequest, template: str, fields: forms.FormFields, problem: ProblemError | None = None
) -> Response:
    tenancy = page_request.services.tenancy()
    product = _product_of(tenancy.products, fields)
    parameters = parameter_fields(product.parameters if product else (), fields, {})
    shown = {"slug", "product", "reason", *_EMPTY, *(each.name for each in parameters)}
    variables: dict[str, Any] = {
        "platform": tenancy.platform,
        "plans": tenancy.platform.plans_for(product) if product else tenancy.platform.offered_plans,
        "products": listing_of(tenancy.products),
        "fields": fields,
        "key": forms.next_key(fields, problem),
        "parameter_fields": parameters,
        "problem": problem,
        "problem_is_below": problem is not None and problem.field in shown,
    }
    return page_response(page_request.request, template, problem.status if problem else 200, **variables, p=_EMPTY)
