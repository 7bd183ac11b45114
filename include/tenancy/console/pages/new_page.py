"""The form for a new tenant."""

from typing import Any, Final
from uuid import uuid4

from fastapi import APIRouter
from starlette.responses import Response

from tenancy.console.api.access import GuardedRoute, needs
from tenancy.console.api.problems import ProblemError, problem_of
from tenancy.console.callers import Right
from tenancy.console.pages import forms
from tenancy.console.pages.rendering import page
from tenancy.console.pages.visit import SentIn, Visit, VisitOf

router = APIRouter(route_class=GuardedRoute)
_EMPTY: Final = {"name": "", "plan": "", "region": "", "admin_email": ""}


@router.get("/new")
@needs(Right.CREATE)
def show_new(visit: VisitOf) -> Response:
    """An empty form."""
    return _form(visit, "new.html", {})


@router.post("/new")
@needs(Right.CREATE)
def create(visit: VisitOf, sent: SentIn) -> Response:
    """Ask for the tenant; what went wrong is said beside its field."""
    try:
        answer = visit.create(sent)
    except Exception as error:  # noqa: BLE001 - whatever it was, it is told where it was asked for
        return _form(visit, "_new.html", sent, problem_of(error))
    return page(visit.request, "_created.html", 201, tenant=answer["tenant"])


def _form(visit: Visit, template: str, sent: forms.Sent, problem: ProblemError | None = None) -> Response:
    variables: dict[str, Any] = {"platform": visit.parts.tenancy().platform, "sent": sent, "problem": problem}
    return page(visit.request, template, problem.status if problem else 200, **variables, key=uuid4().hex, p=_EMPTY)
