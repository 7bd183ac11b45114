"""A request for a page that acts: it knows the caller, and asks the engine's action service."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends
from pydantic import BaseModel
from starlette.requests import Request

from tenancy.console.api.action_requests import (
    action_request,
    actor_of,
    create_request,
    idempotency_key,
    open_action_service,
)
from tenancy.console.api.route_guard import CurrentCaller, CurrentServices
from tenancy.console.pages import forms, reads
from tenancy.engine.actions.action_service import ActionRequest
from tenancy.ledger.idempotency_keys import IdempotencyKey


@dataclass(frozen=True)
class PageRequest:
    """A request whose caller the route guard knows."""

    request: Request
    services: CurrentServices
    caller: CurrentCaller

    def create(self, fields: forms.FormFields) -> Mapping[str, Any]:
        """Ask for a new tenant: the answer in the API's form (its model `Action`)."""
        body = forms.new_tenant(fields)
        return self._perform(create_request(body, self._key(fields, body)))

    def perform_action(self, action: str, ref: str, fields: forms.FormFields) -> Mapping[str, Any]:
        """Ask for an action on a tenant; the answer likewise. Raises what the API would answer as a problem."""
        saga = reads.read_ledger(self.services, lambda context: context.saga(ref))
        body = forms.action_body(action, fields, saga.parameters)
        return self._perform(action_request(action, body, saga.tenant_id, ref, self._key(fields, body)))

    def _perform(self, request: ActionRequest) -> Mapping[str, Any]:
        return open_action_service(self.services).perform(request, actor_of(self.caller)).body

    def _key(self, fields: forms.FormFields, body: BaseModel) -> IdempotencyKey | None:
        """The form's key makes sending it twice one action."""
        return idempotency_key(self.request, self.caller, fields.get("key") or None, body)


async def _submitted_form(request: Request) -> forms.FormFields:
    return forms.parse_form(await request.body())


CurrentPageRequest = Annotated[PageRequest, Depends()]
SubmittedForm = Annotated[forms.FormFields, Depends(_submitted_form)]
