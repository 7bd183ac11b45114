"""From bodies to the engine's action requests, for the API's routes and the pages alike; answers become API models."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from starlette.requests import Request

from tenancy.activities.validate_request import FIELDS
from tenancy.console.api import serializers, tenant_models
from tenancy.console.api.problems import ProblemError
from tenancy.console.api.request_context import open_context
from tenancy.console.api.requests import (
    ActionBody,
    CorrectedActionBody,
    Corrections,
    NewTenant,
    NoteBody,
    RecreateBody,
    ResetBody,
)
from tenancy.console.callers import Caller, Right
from tenancy.console.services import Services
from tenancy.engine.actions.action_service import CREATE, ActionRequest, ActionService, Actor
from tenancy.engine.actions.actions import ActionResult
from tenancy.engine.actions.idempotency import ActionAnswer
from tenancy.engine.actions.notes import NoteRequest, add_note
from tenancy.ledger.idempotency_keys import IdempotencyKey
from tenancy.saga.names import TenantId
from tenancy.saga.product_parameters import PREFIX, RESERVED


def open_action_service(services: Services) -> ActionService:
    """The engine's action service, which answers with the API's model `Action`."""
    tenancy = services.tenancy()
    return ActionService(
        tenancy,
        services.clock,
        open_ledger=lambda: tenancy.ledger.open_pooled(services.lending, "tenancy console"),
        describe=lambda result: _action(services, result).model_dump(mode="json"),
    )


def _action(services: Services, result: ActionResult) -> tenant_models.Action:
    with open_context(services) as context:
        tenant = context.tenant(str(result.saga.tenant_id))
    progress = serializers.progress(result.progress)
    return tenant_models.Action(tenant=tenant, said=result.message, warnings=list(result.warnings), progress=progress)


def actor_of(caller: Caller) -> Actor:
    """The caller as the engine knows them."""
    return Actor(caller.name, has_platform_role=Right.FORCE in caller.rights)


def find_tenant_id(services: Services, ref: str) -> TenantId:
    """The tenant of this id or slug; 404 when there is none."""
    with open_context(services) as context:
        return context.summary(ref).tenant_id


def record_note(
    services: Services, caller: Caller, ref: str, body: NoteBody, key: IdempotencyKey | None
) -> ActionAnswer:
    """Add the caller's note to a tenant; 404 when there is none."""
    request = NoteRequest(find_tenant_id(services, ref), body.text, key)
    return add_note(open_action_service(services), request, actor_of(caller))


def create_request(body: NewTenant, key: IdempotencyKey | None) -> ActionRequest:
    """Ask for a new tenant."""
    fields = {field: getattr(body, field) for field in FIELDS}
    parameters = _side_by_side(fields, body.parameters)
    return ActionRequest(CREATE, body.reason, parameters=parameters, product=body.product, key=key)


def action_request(
    action: str, body: ActionBody, tenant_id: TenantId, ref: str, key: IdempotencyKey | None
) -> ActionRequest:
    """Ask for an action on a tenant. A path that has the id names the tenant as well as the body does."""
    id_in_path = ref if ref.lower() == str(tenant_id) else ""
    corrections = _corrections(body.corrections) if isinstance(body, CorrectedActionBody) else {}
    return ActionRequest(
        action,
        body.reason,
        tenant_id,
        confirm_id=body.tenant_id or id_in_path,
        confirm_slug=body.confirm_slug or "",
        last_seen_seq=body.seen,
        force=isinstance(body, ResetBody) and body.force,
        parameters=corrections,
        product=body.product if isinstance(body, RecreateBody) else "",
        key=key,
    )


def _corrections(asked: Corrections) -> dict[str, Any]:
    fields = asked.model_dump(exclude={"parameters"}, exclude_none=True)
    return _side_by_side(fields, asked.parameters)


def _side_by_side(fields: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The request as a run's conf has it. ProblemError for a parameter that would replace a field."""
    for key in parameters:
        if key in RESERVED:
            raise ProblemError(400, f"{key}: is no parameter but a field of the request.", field=f"{PREFIX}{key}")
    return {**fields, **parameters}


def idempotency_key(request: Request, caller: Caller, key: str | None, body: BaseModel) -> IdempotencyKey | None:
    """The caller's key for this request only: it includes method, path, query and body."""
    if key is None:
        return None
    sent: list[Any] = [request.method, request.url.path, sorted(request.query_params.multi_items())]
    text = json.dumps([*sent, body.model_dump(mode="json")], sort_keys=True)
    return IdempotencyKey(caller.name, key, hashlib.sha256(text.encode()).hexdigest())
