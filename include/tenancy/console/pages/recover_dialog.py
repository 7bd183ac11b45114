"""Recover as one guided action: the open dialog asks the engine for one step after the other, until it ends.

The engine decides what a step is (engine/recovery/recovery_policy.py); the JSON API does the same for programs.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from starlette.responses import Response

from tenancy.console.api.action_requests import actor_of, find_tenant_id
from tenancy.console.api.problems import ProblemError, problem_of
from tenancy.console.api.recovery_answer import open_recovery_service, recovery_request
from tenancy.console.api.request_context import RequestContext
from tenancy.console.api.requests import RecoverBody, Ref
from tenancy.console.api.route_guard import GuardedRoute, needs, require_right
from tenancy.console.callers import Right
from tenancy.console.pages import forms, reads
from tenancy.console.pages.page_request import CurrentPageRequest, PageRequest, SubmittedForm
from tenancy.console.pages.read_timeout import with_timeout
from tenancy.console.pages.rendering import page_response
from tenancy.engine.actions.idempotency import Body
from tenancy.engine.recovery.recovery_policy import StepKind, is_recoverable

router = APIRouter(route_class=GuardedRoute)
_ENDS: Final = frozenset({StepKind.DONE, StepKind.STOP})
_ANY_REASON: Final = "to see what it would do"


@dataclass(frozen=True)
class _Carried:
    """What the dialog carries from one answer to the next."""

    began_at: int
    reason: str
    tenant_id: str
    confirm_slug: str

    @property
    def body(self) -> RecoverBody:
        """The next request."""
        values = {**vars(self), "confirm_slug": self.confirm_slug or None, "tenant_id": self.tenant_id or None}
        return forms.parse_fields(RecoverBody, values)


def _carried(fields: SubmittedForm) -> _Carried:
    try:
        began_at = int(fields["began_at"])
    except (KeyError, ValueError) as error:
        raise ProblemError(400, "What was sent is no form of this console.") from error
    named = fields.get("tenant_id", ""), fields.get("confirm_slug", "")
    return _Carried(began_at, fields.get("reason", "").strip(), *named)


Carried = Annotated[_Carried, Depends(_carried)]


@router.get("/tenants/{ref}/recover")
@needs(Right.EDIT)
def show_recover(page_request: CurrentPageRequest, ref: Ref) -> Response:
    """What Recover would do first, and the form that asks for it."""
    require_right(page_request.caller, Right.CREATE)
    useful = reads.read_ledger(page_request.services, lambda context: is_recoverable(context.saga(ref)))
    answer = with_timeout(lambda: _preview(page_request, ref), "The ledger") if useful else None
    return reads.read_ledger(
        page_request.services, lambda context: _page(page_request, context, ref, "_recover.html", answer=answer)
    )


@router.post("/tenants/{ref}/recover")
@needs(Right.EDIT)
def recover(page_request: CurrentPageRequest, ref: Ref, carried: Carried) -> Response:
    """Take the next step, and say how far it is."""
    require_right(page_request.caller, Right.CREATE)
    answer, problem = _take_step(page_request, ref, carried)
    ended = _has_ended(answer, problem)
    variables = {"answer": answer, "problem": problem, "carried": carried, "ended": ended}
    return reads.read_ledger(
        page_request.services,
        lambda context: _page(page_request, context, ref, "_recovery_progress.html", **variables),
    )


def _take_step(page_request: PageRequest, ref: str, carried: _Carried) -> tuple[Body | None, ProblemError | None]:
    try:
        return _ask(page_request, ref, carried.body, dry_run=False), None
    except Exception as error:  # noqa: BLE001 - whatever it was, the dialog shows it
        return None, problem_of(error)


def _preview(page_request: PageRequest, ref: str) -> Body:
    return _ask(page_request, ref, RecoverBody(reason=_ANY_REASON), dry_run=True)


def _ask(page_request: PageRequest, ref: str, body: RecoverBody, *, dry_run: bool) -> Body:
    services, caller = page_request.services, page_request.caller
    request = recovery_request(find_tenant_id(services, ref), ref, body, None)  # asking twice does nothing twice
    service = open_recovery_service(services, services.health.wait_briefly if dry_run else services.health)
    return service.preview(request, actor_of(caller)) if dry_run else service.perform(request, actor_of(caller)).body


def _has_ended(answer: Body | None, problem: ProblemError | None) -> bool:
    if problem is not None:
        return problem.status < 500 and problem.retry_after is None
    return answer is not None and answer["kind"] in _ENDS


def _page(page_request: PageRequest, context: RequestContext, ref: str, template: str, **variables: Any) -> Response:
    summary = context.summary(ref)
    saga = context.saga_of(summary)
    return page_response(page_request.request, template, summary=summary, saga=saga, **variables)
