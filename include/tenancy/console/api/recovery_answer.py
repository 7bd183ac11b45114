"""Recoveries as the console opens them: how the tenant is now, and the answer in the API's form.

The engine decides and acts (engine/actions/recovery_service.py). The API's route and the dialog both come here.
"""

from collections.abc import Callable

from tenancy.console.advisor import Advisor
from tenancy.console.api import serializers, tenant_models
from tenancy.console.api.action_requests import open_action_service
from tenancy.console.api.request_context import open_context
from tenancy.console.api.requests import RecoverBody
from tenancy.console.services import Services
from tenancy.engine.actions.recovery_service import RecoveryPlan, RecoveryRequest, RecoveryResult, RecoveryService
from tenancy.engine.engine_status import EngineStatus
from tenancy.engine.recovery.recovery_policy import TenantCondition
from tenancy.ledger.idempotency_keys import IdempotencyKey
from tenancy.ledger.tenant_summaries import TenantSummary
from tenancy.saga import retry_loops
from tenancy.saga.names import TenantId
from tenancy.saga.tenant import Saga


def open_recovery_service(services: Services, load_health: Callable[[], object]) -> RecoveryService:
    """The engine's recovery service, which answers with the API's model `Recovery`.

    `load_health` has the platform's health refreshed first. A step waits for that (`services.health`): a stall must not
    be taken for the tenant's own while nobody knows which system is down.
    """

    def condition(saga: Saga) -> TenantCondition:
        load_health()
        engine = services.engine()
        with open_context(services) as context:
            summary = context.summary(str(saga.tenant_id))
            return condition_of(context.advisor(engine), engine, summary, saga)

    return RecoveryService(
        open_action_service(services),
        condition,
        describe=lambda result: _answer(services, result).model_dump(mode="json"),
    )


def recovery_request(tenant_id: TenantId, ref: str, body: RecoverBody, key: IdempotencyKey | None) -> RecoveryRequest:
    """Ask for the next step. A path that has the id names the tenant as well as the body does."""
    id_in_path = ref if ref.lower() == str(tenant_id) else ""
    return RecoveryRequest(
        tenant_id,
        body.reason,
        began_at=body.began_at,
        confirm_id=body.tenant_id or id_in_path,
        confirm_slug=body.confirm_slug or "",
        key=key,
    )


def condition_of(advisor: Advisor, engine: EngineStatus, summary: TenantSummary, saga: Saga) -> TenantCondition:
    """How the tenant is now, by the clock, its holds, and the health of the systems that it needs."""
    own = advisor.own_advice(summary)
    known = saga.escalation is not None or summary.incident_group is not None
    return TenantCondition(
        stalled=advisor.stall(summary) is not None,
        fault=engine.holds(saga) or saga.hold.reason or advisor.down(summary),
        just_began=own.until is not None and not own.action,
        escalate_first=own.sentence if own.action == "escalate" and not known else "",
    )


def _answer(services: Services, result: RecoveryResult) -> tenant_models.Recovery:
    plan, action = result.plan, result.action
    with open_context(services) as context:
        tenant = context.tenant(str(plan.saga.tenant_id))
    return tenant_models.Recovery(
        kind=plan.step.kind,
        action=plan.step.action,
        why=plan.step.why,
        retry_after=plan.step.retry_after_seconds,
        began_at=plan.began_at,
        done=[*plan.history.actions, *([plan.step.action] if action else [])],
        remaining=list(plan.remaining[1:] if action else plan.remaining),
        message=action.message if action else "",
        warnings=list(action.warnings if action else _warnings(plan)),
        preview=serializers.preview_of(plan.preview) if plan.preview else None,
        confirm_slug=plan.confirm_slug,
        confirm_id=plan.confirm_id,
        tenant=tenant,
    )


def _warnings(plan: RecoveryPlan) -> tuple[str, ...]:
    """What an operator should read before the recovery continues."""
    retries = retry_loops.retry_warnings(plan.saga) if "retry" in plan.remaining else ()
    return (*(plan.preview.warnings if plan.preview and plan.step.action == "cancel" else ()), *retries)
