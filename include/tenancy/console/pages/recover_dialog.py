"""Recover as one guided action: the open dialog polls until the tenant was cancelled, reset and retried.

Every step is an ordinary action in the operator's name and with their reason. It stops when somebody else acts
meanwhile: two people do not recover one tenant side by side.
"""

from dataclasses import dataclass
from typing import Annotated, Final
from uuid import uuid4

from fastapi import APIRouter, Depends
from starlette.responses import Response

from tenancy.console.api.problems import ProblemError, problem_of
from tenancy.console.api.request_context import RequestContext
from tenancy.console.api.requests import Ref
from tenancy.console.api.route_guard import GuardedRoute, needs, require_right
from tenancy.console.callers import Caller, Right
from tenancy.console.pages import forms, reads, recovery_steps
from tenancy.console.pages.page_request import CurrentPageRequest, PageRequest, SubmittedForm
from tenancy.console.pages.recovery_steps import RecoveryStart, RecoveryStep, next_step
from tenancy.console.pages.rendering import page_response
from tenancy.engine.recovery.preview import preview
from tenancy.ledger.interventions import newest_intervention_since
from tenancy.saga import retry_loops

router = APIRouter(route_class=GuardedRoute)
_NOT_PEOPLE: Final = frozenset({"reconciler"})


@dataclass(frozen=True)
class _RecoveryForm:
    """What the dialog carries from one answer to the next."""

    start: RecoveryStart
    seen: int
    key: str
    reason: str
    tenant_id: str
    confirm_slug: str

    def form(self, step: str) -> forms.FormFields:
        """What the dialog of this one step would send."""
        named = {"tenant_id": self.tenant_id, "confirm_slug": self.confirm_slug}
        return {"reason": self.reason, **named, "key": f"{self.key}-{step}"}


@dataclass(frozen=True)
class _RecoveryStatus:
    """How far it is: the step that was due, and what stood in its way."""

    recovery: _RecoveryForm
    step: RecoveryStep
    problem: ProblemError | None

    @property
    def ended(self) -> bool:
        refused = self.problem is not None and self.problem.status < 500 and self.problem.retry_after is None
        return self.step.ended or refused


def _recovery(fields: SubmittedForm) -> _RecoveryForm:
    try:
        start = RecoveryStart(int(fields["attempt"]), int(fields["generation"]))
        seen, key = int(fields["seen"]), fields["key"][:64]
    except (KeyError, ValueError) as error:
        raise ProblemError(400, "What was sent is no form of this console.") from error
    named = fields.get("tenant_id", ""), fields.get("confirm_slug", "")
    return _RecoveryForm(start, seen, key, fields.get("reason", "").strip(), *named)


CurrentRecovery = Annotated[_RecoveryForm, Depends(_recovery)]


@router.get("/tenants/{ref}/recover")
@needs(Right.EDIT)
def show_recover(page_request: CurrentPageRequest, ref: Ref) -> Response:
    """What Recover would do, and the form that asks for it."""
    require_right(page_request.caller, Right.CREATE)

    def read(context: RequestContext) -> Response:
        summary = context.summary(ref)
        saga = context.saga_of(summary)
        recoverable, warnings = recovery_steps.is_recoverable(saga), retry_loops.retry_warnings(saga)
        cancel = preview(saga, "cancel") if recovery_steps.cancels(saga) else None
        destroys = cancel is not None and cancel.confirm_slug
        wants_slug = destroys or retry_loops.recovery_needs_slug(saga)
        warnings = (*(cancel.warnings if cancel else ()), *warnings)
        variables = {"wants_slug": wants_slug, "cancel": cancel, "warnings": warnings, "recoverable": recoverable}
        return page_response(
            page_request.request, "_recover.html", summary=summary, saga=saga, key=uuid4().hex, **variables
        )

    return reads.read_ledger(page_request.services, read)


@router.post("/tenants/{ref}/recover")
@needs(Right.EDIT)
def recover(page_request: CurrentPageRequest, ref: Ref, recovery: CurrentRecovery) -> Response:
    """Do the next step, if it is time for it, and say how far it is."""
    require_right(page_request.caller, Right.CREATE)
    step, generation = reads.read_ledger(
        page_request.services, lambda context: _decide(context, ref, recovery, page_request.caller)
    )
    problem = _perform(page_request, ref, step, recovery.form(f"{step.action}-{generation}")) if step.action else None
    return reads.read_ledger(
        page_request.services,
        lambda context: _progress(page_request, context, ref, _RecoveryStatus(recovery, step, problem)),
    )


def _perform(page_request: PageRequest, ref: str, step: RecoveryStep, fields: forms.FormFields) -> ProblemError | None:
    try:
        page_request.perform_action(step.action, ref, fields)
    except Exception as error:  # noqa: BLE001 - whatever it was, it is told where it was asked for
        return problem_of(error)
    return None


def _decide(context: RequestContext, ref: str, recovery: _RecoveryForm, caller: Caller) -> tuple[RecoveryStep, int]:
    """The next step, and the tenant's generation, which tells a second cancel from the first sent twice."""
    summary = context.summary(ref)
    saga, envelopes = context.saga_of(summary), context.ledger.envelopes(summary.tenant_id)
    others = newest_intervention_since(envelopes, recovery.seen, except_by={caller.name, *_NOT_PEOPLE})
    if others is not None:
        return RecoveryStep(message=f"Stopped: {others}. Look again, then decide.", ended=True), saga.generation
    since_last_fact = context.ledger.now - summary.state_since
    return next_step(saga, recovery.start, since_last_fact.total_seconds()), saga.generation


def _progress(page_request: PageRequest, context: RequestContext, ref: str, status: _RecoveryStatus) -> Response:
    summary = context.summary(ref)
    saga, start = context.saga_of(summary), status.recovery.start
    steps = {"steps": recovery_steps.STEPS, "done": recovery_steps.done_steps(saga, start), "ended": status.ended}
    return page_response(
        page_request.request, "_recovery_progress.html", summary=summary, saga=saga, **vars(status), **steps
    )
