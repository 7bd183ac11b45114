"""Parses the console's forms into the API's request bodies: pages and API ask for the same things."""

import json
from collections.abc import Mapping
from typing import Final, TypeVar
from urllib.parse import parse_qsl
from uuid import uuid4

from pydantic import BaseModel, ValidationError

from tenancy.console.api.field_errors import sentence_of
from tenancy.console.api.problems import ProblemError
from tenancy.console.api.requests import ActionBody, CorrectedActionBody, NewTenant, RecreateBody, ResetBody
from tenancy.saga.product_parameters import PREFIX, Value
from tenancy.saga.tenant import Parameters

_BODIES: Final[Mapping[str, type[ActionBody]]] = {
    "cancel": ActionBody,
    "reset": ResetBody,
    "retry": CorrectedActionBody,
    "decommission": ActionBody,
    "recreate": RecreateBody,
    "escalate": ActionBody,
}
CORRECTABLE: Final = ("name", "plan", "region", "admin_email")
_FIELDS_AT_MOST: Final = 80
"""A product has at most 50 parameters."""
_Model = TypeVar("_Model", bound=BaseModel)

FormFields = Mapping[str, str]


def parse_form(body: bytes) -> FormFields:
    """The fields of a form; ProblemError when it is none."""
    try:
        text = body.decode("utf-8")
        return dict(parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_FIELDS_AT_MOST))
    except ValueError as error:
        raise ProblemError(400, "What was sent is no form of this console.") from error


def next_key(fields: FormFields, problem: ProblemError | None) -> str:
    """The idempotency key of the form shown next. A form whose outcome is unknown, also because its first sending is
    still being performed, keeps its key: sent again, it is performed once."""
    same = problem is not None and problem.is_repeatable
    return (fields.get("key") if same else "") or uuid4().hex


def action_body(action: str, fields: FormFields, now: Parameters) -> ActionBody:
    """What a dialog asks for; ProblemError names the field at fault."""
    values: dict[str, object] = {"reason": fields.get("reason", ""), "seen": fields.get("seen") or None}
    values |= {name: fields[name] for name in ("confirm_slug", "tenant_id") if fields.get(name)}
    if issubclass(_BODIES[action], ResetBody):
        values["force"] = bool(fields.get("force"))
    if issubclass(_BODIES[action], CorrectedActionBody):
        values["corrections"] = _corrections(fields, now)
    if issubclass(_BODIES[action], RecreateBody):
        values["product"] = fields.get("product", "").strip()
    return parse_fields(_BODIES[action], values)


def new_tenant(fields: FormFields) -> NewTenant:
    """What the form for a new tenant asks for; ProblemError names the field at fault."""
    texts = {field: fields.get(field, "").strip() for field in NewTenant.model_fields if field != "parameters"}
    return parse_fields(NewTenant, {**texts, "parameters": _parameters(fields)})


def _corrections(fields: FormFields, now: Parameters) -> dict[str, object]:
    """The fields that differ from the tenant's parameters; an empty field changes nothing."""
    given = {field: fields.get(field, "").strip() for field in CORRECTABLE}
    changed = {field: value for field, value in given.items() if value and value != getattr(now, field)}
    values = {key: text for key, text in _parameters(fields).items() if text != as_text(now.values.get(key))}
    return {**changed, "parameters": values}


def _parameters(fields: FormFields) -> dict[str, str]:
    """The product's parameters that somebody filled in, as texts: the schema says later what they spell."""
    given = {name.removeprefix(PREFIX): text.strip() for name, text in fields.items() if name.startswith(PREFIX)}
    return {key: text for key, text in given.items() if text}


def as_text(value: Value | None) -> str:
    """A parameter's value as a form shows and sends it."""
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


def parse_fields(model: type[_Model], values: Mapping[str, object]) -> _Model:
    """The model of these fields; ProblemError names the one at fault."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"] if part != "corrections")
        empty_reason = field == "reason" and not str(values.get("reason") or "").strip()
        sentence = "give a reason for the audit log" if empty_reason else sentence_of(first)
        raise ProblemError(400, f"{field.capitalize()}: {sentence}.", field=field) from error
