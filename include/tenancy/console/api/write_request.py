"""What every write of the API has in common: who asks, how, and under which idempotency key."""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import JSONResponse

from tenancy.console.api import serializers
from tenancy.console.api.action_requests import (
    action_request,
    actor_of,
    create_request,
    find_tenant_id,
    idempotency_key,
    open_action_service,
)
from tenancy.console.api.problems import REPLAYED
from tenancy.console.api.recovery_answer import open_recovery_service, recovery_request
from tenancy.console.api.requests import (
    ActionBody,
    DryRun,
    IdempotencyHeader,
    NewTenant,
    RecoverBody,
    WriteHeader,
)
from tenancy.console.api.route_guard import CurrentCaller, CurrentServices
from tenancy.engine.actions.action_service import ActionRequest
from tenancy.engine.actions.idempotency import ActionAnswer

_DRY_RUN_STATUS: Final = 200


@dataclass(frozen=True)
class WriteRequest:
    """One request that writes."""

    request: Request
    services: CurrentServices
    caller: CurrentCaller
    write_header: WriteHeader
    """The route guard has checked it; here it is documented in the OpenAPI."""
    dry_run: DryRun = False
    key: IdempotencyHeader = None

    def create(self, body: NewTenant, status: int) -> JSONResponse:
        """Ask for a new tenant, and answer with this status."""
        return self._answer(create_request(body, idempotency_key(self.request, self.caller, self.key, body)), status)

    def act(self, action: str, ref: str, body: ActionBody, status: int) -> JSONResponse:
        """Ask for an action on a tenant, and answer with this status; 404 when there is no such tenant."""
        key = idempotency_key(self.request, self.caller, self.key, body)
        tenant_id = find_tenant_id(self.services, ref)
        return self._answer(action_request(action, body, tenant_id, ref, key), status)

    def recover(self, ref: str, body: RecoverBody) -> JSONResponse:
        """Ask for the next step of a recovery; 404 when there is no such tenant."""
        key = idempotency_key(self.request, self.caller, self.key, body)
        request = recovery_request(find_tenant_id(self.services, ref), ref, body, key)
        service, actor = open_recovery_service(self.services, self.services.health), actor_of(self.caller)
        if self.dry_run:
            return JSONResponse(dict(service.preview(request, actor)))
        return stored_response(service.perform(request, actor), 200)

    def _answer(self, request: ActionRequest, status: int) -> JSONResponse:
        service, actor = open_action_service(self.services), actor_of(self.caller)
        if self.dry_run:
            preview = serializers.preview_of(service.preview(request, actor))
            return JSONResponse(preview.model_dump(mode="json"), _DRY_RUN_STATUS)
        return stored_response(service.perform(request, actor), status)


def stored_response(answer: ActionAnswer, status: int) -> JSONResponse:
    """The answer with this status; a header says when it is that of an earlier request."""
    return JSONResponse(dict(answer.body), status, {REPLAYED: "true"} if answer.is_repeated else None)


CurrentWrite = Annotated[WriteRequest, Depends()]
