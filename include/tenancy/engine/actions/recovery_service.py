"""Carries out one step of a recovery: decides it, and takes its action in the same request.

Called by the JSON API and by the console's dialog, again and again until the recovery ends. An action is an ordinary
one, in the operator's name and with their reason; action_service.py performs it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from tenancy.engine.actions.action_service import ActionRequest, ActionService, Actor
from tenancy.engine.actions.actions import ActionResult
from tenancy.engine.actions.idempotency import ActionAnswer, Body, InvalidRequestError, answer_once
from tenancy.engine.actions.preview import Preview, preview
from tenancy.engine.actions.refusals import load_saga
from tenancy.engine.recovery.recovery_history import RecoveryHistory, recovery_history
from tenancy.engine.recovery.recovery_policy import (
    RETRY_AFTER_SECONDS,
    RecoveryStep,
    StepKind,
    TenantCondition,
    next_step,
    remaining_actions,
)
from tenancy.ledger.idempotency_keys import IdempotencyKey
from tenancy.saga import retry_loops
from tenancy.saga.errors import Refused
from tenancy.saga.evolve import fold
from tenancy.saga.names import TenantId
from tenancy.saga.tenant import Saga

_CONFIRMATIONS: Final = frozenset({"confirm_slug", "tenant_id"})


@dataclass(frozen=True)
class RecoveryRequest:
    """The next step of a recovery, as somebody asks for it."""

    tenant_id: TenantId
    reason: str
    began_at: int | None = None
    """The tenant's newest fact when the recovery began; None if it begins now."""
    confirm_id: str = ""
    confirm_slug: str = ""
    key: IdempotencyKey | None = None

    def to_action(self, action: str, *, last_seen_seq: int) -> ActionRequest:
        """The action of a step that was decided by the tenant's facts up to this one."""
        return ActionRequest(
            action,
            self.reason,
            self.tenant_id,
            confirm_id=self.confirm_id,
            confirm_slug=self.confirm_slug,
            last_seen_seq=last_seen_seq,
            key=self.key,
        )


@dataclass(frozen=True)
class RecoveryPlan:
    """The next step of a recovery, and what it needs. `began_at`: the tenant's newest fact when the recovery began."""

    saga: Saga
    began_at: int
    history: RecoveryHistory
    step: RecoveryStep
    remaining: tuple[str, ...]
    preview: Preview | None
    """What the step's action would do; None unless it acts."""

    @property
    def confirm_slug(self) -> bool:
        """Whether the slug must be typed. A fourth attempt is asked about before anything is undone for it."""
        retries = "retry" in self.remaining and retry_loops.recovery_needs_slug(self.saga)
        return self.step.kind is StepKind.ACT and (retries or (self.preview is not None and self.preview.confirm_slug))

    @property
    def confirm_id(self) -> bool:
        """Whether the request must name the tenant's id."""
        return self.preview is not None and self.preview.confirm_id


@dataclass(frozen=True)
class RecoveryResult:
    """A step after it was carried out. `action` is the result of its action; None when it did not act."""

    plan: RecoveryPlan
    action: ActionResult | None = None


@dataclass(frozen=True)
class RecoveryService:
    """The recoveries of one platform's tenants."""

    actions: ActionService
    condition: Callable[[Saga], TenantCondition]
    describe: Callable[[RecoveryResult], Body]

    def perform(self, request: RecoveryRequest, actor: Actor) -> ActionAnswer:
        """Take the next step, or repeat the answer when a request with the same key has taken one.

        Raises Refused if there is nothing to recover, or a confirmation is missing.
        """
        return answer_once(
            self.actions.tenancy.ledger,
            request.key,
            self.actions.now,
            perform=lambda: self.describe(self._step(request, actor)),
            describe=lambda _: self.describe(RecoveryResult(self.plan(request, actor))),
        )

    def preview(self, request: RecoveryRequest, actor: Actor) -> Body:
        """What `perform` would do now. Raises Refused if there is nothing to recover."""
        return self.describe(RecoveryResult(self.plan(request, actor)))

    def plan(self, request: RecoveryRequest, actor: Actor) -> RecoveryPlan:
        """The next step, decided and not taken."""
        with self.actions.open_ledger() as ledger:
            envelopes = ledger.envelopes(request.tenant_id)
        saga = fold(each.fact for each in envelopes)
        if saga is None:
            raise Refused("There is no such tenant.")
        began_at = request.began_at or len(envelopes)
        if began_at > len(envelopes):
            raise InvalidRequestError(f"began_at: the tenant has only {len(envelopes)} facts.", field="began_at")
        history = recovery_history(envelopes, began_at, actor.name)
        step = next_step(saga, history, self.condition(saga), self.actions.now())
        shown = preview(saga, step.action) if step.action else None
        return RecoveryPlan(saga, began_at, history, step, remaining_actions(saga, step), shown)

    def _step(self, request: RecoveryRequest, actor: Actor) -> RecoveryResult:
        plan = self.plan(request, actor)
        if plan.step.kind is not StepKind.ACT:
            return RecoveryResult(plan)
        _require_confirmed(plan, request)
        acting = request.to_action(plan.step.action, last_seen_seq=plan.saga.seq)
        try:
            return RecoveryResult(plan, self.actions.dispatch(self.actions.tenancy, acting, actor))
        except Refused as refusal:
            return RecoveryResult(replace(plan, step=self._after_refusal(plan.saga, refusal)))

    def _after_refusal(self, before: Saga, refusal: Refused) -> RecoveryStep:
        """Wait if that helps, or if somebody has changed the tenant meanwhile. Otherwise the refusal is the answer."""
        if refusal.field in _CONFIRMATIONS:
            raise refusal
        if refusal.retry_after is not None:
            return RecoveryStep(StepKind.WAIT, str(refusal), retry_after_seconds=refusal.retry_after)
        if refusal.field == "seen" or self._has_changed(before):
            return RecoveryStep(StepKind.WAIT, _CHANGED, retry_after_seconds=RETRY_AFTER_SECONDS)
        raise refusal

    def _has_changed(self, before: Saga) -> bool:
        with self.actions.open_ledger() as ledger:
            saga = load_saga(ledger, before.tenant_id)
        return (saga.phase, saga.attempt) != (before.phase, before.attempt)


_CHANGED: Final = "Somebody has changed the tenant at the same time: the next step is decided again."


def _require_confirmed(plan: RecoveryPlan, request: RecoveryRequest) -> None:
    slug = plan.saga.parameters.slug
    if plan.confirm_slug and request.confirm_slug != slug:
        warnings = plan.preview.warnings if plan.preview else ()
        why = " ".join(warnings) or f"{plan.saga.attempt} attempts did not end Active."
        raise Refused(f"Type the slug {slug} to recover it. {why}", field="confirm_slug")
