"""Parses the console's forms into the API's request bodies: pages and API ask for the same things. Pure."""

from collections.abc import Mapping
from typing import Final, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError

from tenancy.console.api.field_errors import sentence_of
from tenancy.console.api.problems import ProblemError
from tenancy.console.api.requests import ActionBody, CorrectedActionBody, NewTenant, ResetBody
from tenancy.saga.tenant import Parameters

_BODIES: Final[Mapping[str, type[ActionBody]]] = {
    "cancel": ActionBody,
    "reset": ResetBody,
    "retry": CorrectedActionBody,
    "decommission": ActionBody,
    "recreate": CorrectedActionBody,
    "escalate": ActionBody,
}
CORRECTABLE: Final = ("name", "plan", "region", "admin_email")
_FIELDS_AT_MOST: Final = 30
_Model = TypeVar("_Model", bound=BaseModel)

Sent = Mapping[str, str]


def sent_in(body: bytes) -> Sent:
    """The fields of a form; ProblemError when it is none."""
    try:
        text = body.decode("utf-8")
        return dict(parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_FIELDS_AT_MOST))
    except ValueError as error:
        raise ProblemError(400, "What was sent is no form of this console.") from error


def action_body(action: str, sent: Sent, now: Parameters) -> ActionBody:
    """What a dialog asks for; ProblemError names the field at fault."""
    fields: dict[str, object] = {"reason": sent.get("reason", ""), "seen": sent.get("seen") or None}
    fields |= {name: sent[name] for name in ("confirm_slug", "tenant_id") if sent.get(name)}
    if issubclass(_BODIES[action], ResetBody):
        fields["force"] = bool(sent.get("force"))
    if issubclass(_BODIES[action], CorrectedActionBody):
        fields["corrections"] = _corrections(sent, now)
    return checked(_BODIES[action], fields)


def new_tenant(sent: Sent) -> NewTenant:
    """What the form for a new tenant asks for; ProblemError names the field at fault."""
    return checked(NewTenant, {field: sent.get(field, "").strip() for field in NewTenant.model_fields})


def _corrections(sent: Sent, now: Parameters) -> dict[str, str]:
    """What differs from what was asked for; an empty field is as it was."""
    given = {field: sent.get(field, "").strip() for field in CORRECTABLE}
    return {field: value for field, value in given.items() if value and value != getattr(now, field)}


def checked(model: type[_Model], fields: Mapping[str, object]) -> _Model:
    """The model of these fields; ProblemError names the one at fault."""
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][-1])
        empty_reason = field == "reason" and not str(fields.get("reason") or "").strip()
        said = "say why, for the audit log" if empty_reason else sentence_of(first)
        raise ProblemError(400, f"{field.capitalize()}: {said}.", field=field) from error
