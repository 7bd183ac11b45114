"""A request for a page that acts: it knows the caller, and the key that its form was given."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel
from starlette.requests import Request

from tenancy.console.api.action_requests import idempotency_key
from tenancy.console.api.route_guard import CurrentCaller, CurrentServices
from tenancy.console.pages import forms
from tenancy.ledger.idempotency_keys import IdempotencyKey


@dataclass(frozen=True)
class PageRequest:
    """A request whose caller the route guard knows."""

    request: Request
    services: CurrentServices
    caller: CurrentCaller

    def idempotency_key(self, fields: forms.FormFields, body: BaseModel) -> IdempotencyKey | None:
        """The form's key makes sending it twice one action."""
        return idempotency_key(self.request, self.caller, fields.get("key") or None, body)


async def _submitted_form(request: Request) -> forms.FormFields:
    return forms.parse_form(await request.body())


CurrentPageRequest = Annotated[PageRequest, Depends()]
SubmittedForm = Annotated[forms.FormFields, Depends(_submitted_form)]
