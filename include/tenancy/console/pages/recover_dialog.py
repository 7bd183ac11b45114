"""Recover as one guided action: the open dialog asks again until cancel, reset and retry are behind the tenant.

Every step is one of the API's own actions, in the operator's name and with their reason. Whoever else acts meanwhile
stops it: two people do not recover one tenant side by side.
"""

from dataclasses import dataclass
from typing import Annotated, Final
from uuid import uuid4

from fastapi import APIRouter, Depends
from starlette.responses import Response

from tenancy.console.api.access import GuardedRoute, needs, require
from tenancy.console.api.problems import ProblemError, problem_of
from tenancy.console.api.request_context import RequestContext
from tenancy.console.api.requests import Ref
from tenancy.console.callers import Caller, Right
from tenancy.console.pages import forms, reads, recovering
from tenancy.console.pages.page_request import CurrentPageRequest, PageRequest, SubmittedForm
from tenancy.console.pages.recovering import Begun, Step, next_step
from tenancy.console.pages.rendering import page
from tenancy.engine.preview import preview
from tenancy.ledger.interventions import newest_intervention_since
from tenancy.saga import retry_loops

router = APIRouter(route_class=GuardedRoute)
_NOT_PEOPLE: Final = frozenset({"reconciler"})


@dataclass(frozen=True)
class _Recovery:
    """What the dialog carries from one answer to the next."""

    begun: Begun
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
class _Now:
    """How far it is: the step that was due, and what stood in its way."""

    recovery: _Recovery
    step: Step
    problem: ProblemError | None

    @property
    def over(self) -> bool:
        refused = self.problem is not None and self.problem.status < 500 and self.problem.retry_after is None
        return self.step.over or refused


def _recovery(fields: SubmittedForm) -> _Recovery:
    try:
        begun = Begun(int(fields["attempt"]), int(fields["generation"]))
        seen, key = int(fields["seen"]), fields["key"][:64]
    except (KeyError, ValueError) as error:
        raise ProblemError(400, "What was sent is no form of this console.") from error
    named = fields.get("tenant_id", ""), fields.get("confirm_slug", "")
    return _Recovery(begun, seen, key, fields.get("reason", "").strip(), *named)


RecoveryOf = Annotated[_Recovery, Depends(_recovery)]


@router.get("/tenants/{ref}/recover")
@needs(Right.EDIT)
def show_recover(page_request: CurrentPageRequest, ref: Ref) -> Response:
    """What Recover would do, and the form that asks for it."""
    require(page_request.caller, Right.CREATE)

    def look(context: RequestContext) -> Response:
        summary = context.summary(ref)
        saga = context.saga_of(summary)
        recoverable, warnings = recovering.is_recoverable(saga), retry_loops.retry_warnings(saga)
        cancel = preview(saga, "cancel") if recovering.cancels(saga) else None
        destroys = cancel is not None and cancel.confirm_slug
        wants_slug = destroys or retry_loops.recovery_needs_slug(saga)
        warnings = (*(cancel.warnings if cancel else ()), *warnings)
        variables = {"wants_slug": wants_slug, "cancel": cancel, "warnings": warnings, "recoverable": recoverable}
        return page(page_request.request, "_recover.html", summary=summary, saga=saga, key=uuid4().hex, **variables)

    return reads.read_ledger(page_request.services, look)


@router.post("/tenants/{ref}/recover")
@needs(Right.EDIT)
def recover(page_request: CurrentPageRequest, ref: Ref, recovery: RecoveryOf) -> Response:
    """Do the next step, if it is time for it, and say how far it is."""
    require(page_request.caller, Right.CREATE)
    step, generation = reads.read_ledger(
        page_request.services, lambda context: _decide(context, ref, recovery, page_request.caller)
    )
    problem = _do(page_request, ref, step, recovery.form(f"{step.action}-{generation}")) if step.action else None
    return reads.read_ledger(
        page_request.services, lambda context: _shown(page_request, context, ref, _Now(recovery, step, problem))
    )


def _do(page_request: PageRequest, ref: str, step: Step, fields: forms.FormFields) -> ProblemError | None:
    try:
        page_request.act(step.action, ref, fields)
    except Exception as error:  # noqa: BLE001 - whatever it was, it is told where it was asked for
        return problem_of(error)
    return None


def _decide(context: RequestContext, ref: str, recovery: _Recovery, caller: Caller) -> tuple[Step, int]:
    """The next step, and the tenant's generation, which tells a second cancel from the first sent twice."""
    summary = context.summary(ref)
    saga, envelopes = context.saga_of(summary), context.ledger.envelopes(summary.tenant_id)
    others = newest_intervention_since(envelopes, recovery.seen, except_by={caller.name, *_NOT_PEOPLE})
    if others is not None:
        return Step(said=f"Stopped: {others}. Look again, then decide.", over=True), saga.generation
    silent = context.ledger.now - summary.state_since
    return next_step(saga, recovery.begun, silent.total_seconds()), saga.generation


def _shown(page_request: PageRequest, context: RequestContext, ref: str, now: _Now) -> Response:
    summary = context.summary(ref)
    saga, begun = context.saga_of(summary), now.recovery.begun
    steps = {"steps": recovering.STEPS, "done": recovering.done_steps(saga, begun), "over": now.over}
    return page(page_request.request, "_recovering.html", summary=summary, saga=saga, **vars(now), **steps)
