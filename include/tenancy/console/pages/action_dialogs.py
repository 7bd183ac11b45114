"""The dialogs of a tenant's actions: a preview, the reason, and the progress until the action is complete.

Each uses the engine's action service (engine/actions/action_service.py), as the JSON API does: refusals, idempotency
and the audit log are the same. The dialog's key makes a double click one action. With `seen`, the later of two people
learns what the other did. The forms are in templates/_dialog.html.
"""

from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from tenancy.console.api.action_requests import action_request, actor_of, open_action_service
from tenancy.console.api.problems import ProblemError, problem_of
from tenancy.console.api.request_context import RequestContext
from tenancy.console.api.requests import Ref
from tenancy.console.api.route_guard import GuardedRoute, needs, require_right
from tenancy.console.callers import Caller, Right
from tenancy.console.pages import forms, reads
from tenancy.console.pages.action_view import BUTTONS, ActionView, action_views
from tenancy.console.pages.page_request import CurrentPageRequest, PageRequest, SubmittedForm
from tenancy.console.pages.parameter_fields import ParameterField, parameter_fields
from tenancy.console.pages.rendering import page_response
from tenancy.engine.actions.actions import ActionName
from tenancy.engine.actions.consequences import describe_removed
from tenancy.engine.actions.idempotency import Body
from tenancy.engine.actions.preview import preview
from tenancy.engine.recovery.escalation import is_over
from tenancy.engine.recovery.progress import load_progress
from tenancy.ledger.escalations import load_escalation
from tenancy.ledger.tenant_summaries import TenantSummary
from tenancy.saga.errors import TransientError
from tenancy.saga.product_parameters import PREFIX
from tenancy.saga.states import Phase
from tenancy.saga.tenant import Saga
from tenancy.saga.unwinding_rules import is_to_be_unwound

router = APIRouter(route_class=GuardedRoute)

_REMOVES: Final = frozenset({"cancel", "decommission"})
_CORRECTS: Final = frozenset({"retry", "recreate"})
_IN_THE_FORM: Final = frozenset({"reason", "confirm_slug", *forms.CORRECTABLE})
"""The inputs that a person can correct in the form."""


@dataclass(frozen=True)
class _Form:
    """A dialog's form: empty, or as it was sent with what was wrong about it."""

    action: str
    force: bool
    fields: forms.FormFields
    problem: ProblemError | None = None

    @property
    def can_be_sent(self) -> bool:
        """Is the same form worth sending (again)? After a refusal of the action itself it is not."""
        if self.problem is None or self.problem.is_outcome_unknown:
            return True
        field = self.problem.field or ""
        return field in _IN_THE_FORM or field.startswith(PREFIX)

    @property
    def key(self) -> str:
        return forms.next_key(self.fields, self.problem)

    def seen(self, summary: TenantSummary) -> str:
        """The last fact of which the sender knows. A form that is sent again with its key is the same in all its
        parts."""
        is_same = self.problem is not None and self.problem.is_repeatable
        return (self.fields.get("seen") if is_same else "") or str(summary.seq)


@router.get("/tenants/{ref}/actions/{action}")
@needs(Right.READ)  # the least of all dialogs; `_require_right` checks the action's own rights
def show_dialog(page_request: CurrentPageRequest, ref: Ref, action: ActionName, force: bool = False) -> Response:
    """What the action would do, and the form that asks for it."""
    _require_right(page_request.caller, action, force)
    return reads.read_ledger(
        page_request.services, lambda context: _dialog(page_request, context, ref, _Form(action, force, {}))
    )


@router.post("/tenants/{ref}/actions/{action}")
@needs(Right.READ)  # not enough to act: `_require_right` checks the action's own rights
def act(page_request: CurrentPageRequest, ref: Ref, action: ActionName, fields: SubmittedForm) -> Response:
    """Ask for the action. The dialog shows what went wrong, and can be sent again."""
    force = bool(fields.get("force"))
    _require_right(page_request.caller, action, force)
    try:
        answer = _perform(page_request, ref, action, fields)
    except Exception as error:  # noqa: BLE001 - every error is shown in the dialog that caused it
        wrong = _Form(action, force, fields, problem_of(error))
        return reads.read_ledger(page_request.services, lambda context: _dialog(page_request, context, ref, wrong))
    return _recorded(page_request, answer["tenant"]["id"], action, answer)


@router.get("/tenants/{ref}/actions/{action}/progress")
@needs(Right.READ)
def show_progress(page_request: CurrentPageRequest, ref: Ref, action: ActionName) -> Response:
    """The progress of the action; polled until it is done."""
    return reads.read_ledger(page_request.services, lambda context: _progress(page_request, context, ref, action, None))


def _recorded(page_request: PageRequest, ref: str, action: str, answer: Body) -> Response:
    """The progress of an action that is recorded. That it is recorded is said also when the ledger is silent now."""
    try:
        return reads.read_ledger(
            page_request.services, lambda context: _progress(page_request, context, ref, action, answer)
        )
    except TransientError as error:
        label = BUTTONS[action].label
        return page_response(
            page_request.request, "_action_recorded.html", action=action, label=label, answer=answer, error=error
        )


def _perform(page_request: PageRequest, ref: str, action: str, fields: forms.FormFields) -> Body:
    """The answer in the API's form (its model `Action`). Raises what the API would answer as a problem."""
    saga = reads.read_ledger(page_request.services, lambda context: context.saga(ref))
    body = forms.action_body(action, fields, saga.parameters)
    request = action_request(action, body, saga.tenant_id, ref, page_request.idempotency_key(fields, body))
    return open_action_service(page_request.services).perform(request, actor_of(page_request.caller)).body


def _require_right(caller: Caller, action: str, force: bool) -> None:
    for right in (*BUTTONS[action].rights, *((Right.FORCE,) if force else ())):
        require_right(caller, right)


def _dialog(page_request: PageRequest, context: RequestContext, ref: str, form: _Form) -> Response:
    """The form for the tenant's current state."""
    summary = context.summary(ref)
    saga = context.saga_of(summary)
    return page_response(
        page_request.request,
        "_dialog.html",
        form.problem.status if form.problem else 200,
        **vars(form),
        label="Force reset" if form.force else BUTTONS[form.action].label,
        summary=summary,
        saga=saga,
        action_preview=(action_preview := preview(saga, form.action)),
        sends=(action_preview.allowed or form.force) and form.can_be_sent,
        removed=describe_removed(saga) if form.action in _REMOVES else "",
        offers=_offers(page_request.caller, saga),
        key=form.key,
        seen=form.seen(summary),
        platform=context.tenancy.platform,
        plans=_plans(context, saga, form),
        parameter_fields=_parameter_fields(context, saga, form),
    )


def _plans(context: RequestContext, saga: Saga, form: _Form) -> tuple[str, ...]:
    """Those that the product offers, and the present one."""
    if form.action not in _CORRECTS:
        return ()
    offered = context.tenancy.platform.plans_for(context.tenancy.product_of(saga))
    return tuple(dict.fromkeys([*offered, saga.parameters.plan]))


def _parameter_fields(context: RequestContext, saga: Saga, form: _Form) -> list[ParameterField]:
    """Of the actions that may correct the request. The others work without the product."""
    if form.action not in _CORRECTS:
        return []
    return parameter_fields(context.tenancy.product_of(saga).parameters, form.fields, saga.parameters.values)


def _offers(caller: Caller, saga: Saga) -> tuple[ActionView, ...]:
    """What this caller could do to the tenant as it is now."""
    named = (each for each in action_views(saga, caller.rights, None) if each.name != "invitation")
    return tuple(each for each in named if each.allowed)


def _progress(
    page_request: PageRequest, context: RequestContext, ref: str, action: str, answer: Body | None
) -> Response:
    summary = context.summary(ref)
    saga = context.saga_of(summary)
    return page_response(
        page_request.request,
        "_action_progress.html",
        action=action,
        label=BUTTONS[action].label,
        summary=summary,
        saga=saga,
        progress=load_progress(context.ledger, saga),
        ends=_is_over(saga) and (action != "escalate" or _is_escalation_over(context, summary)),
        escalation=context.escalation(summary) if action == "escalate" else "",
        next=context.advisor(context.services.engine.latest).advice(summary).sentence,
        answer=answer,
    )


def _is_escalation_over(context: RequestContext, summary: TenantSummary) -> bool:
    """Has the escalation been delivered or given up?"""
    escalation = load_escalation(context.ledger, summary.tenant_id)
    return escalation is None or is_over(escalation)


def _is_over(saga: Saga) -> bool:
    """Has everything ended that this dialog would have to wait for?"""
    return not is_to_be_unwound(saga) or saga.phase is Phase.FAILED_STUCK
