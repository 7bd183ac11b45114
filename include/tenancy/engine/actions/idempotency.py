"""Idempotency keys: a repeated request gets the first answer again and changes nothing.

The key keeps an answer and a final refusal. It keeps neither a failure of ours or of the platform before anything was
recorded, nor a refusal that says when to ask again: the same key may then be tried again. When the action was recorded
and its answer was lost, a repetition is answered with the tenant as it is now. Called by action_service.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tenancy.ledger import idempotency_keys
from tenancy.ledger.idempotency_keys import EarlierRequest, IdempotencyKey
from tenancy.ledger.ledger import Ledger
from tenancy.saga.errors import Refused, TenancyError
from tenancy.saga.names import TenantId

Body = Mapping[str, Any]

KEY_FIELD: Final = "Idempotency-Key"
"""The field at fault where an earlier request with the same key is the reason."""
_DONE: Final = 200
_INVALID: Final = 400
_REFUSED: Final = 409
_IN_PROGRESS_RETRY_SECONDS: Final = 2
_APPLICATION: Final = "tenancy console"


class InvalidRequestError(TenancyError):
    """The request is not well-formed; `field` names the input at fault, `fields` each one with its sentence."""

    def __init__(self, message: str, *, field: str | None = None, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.field, self.fields = field, fields or {}


class RepeatedRefusalError(TenancyError):
    """The first request with this key was refused for good, with this status and message."""

    def __init__(
        self, status: int, message: str, *, field: str | None = None, fields: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.field, self.fields = status, field, fields or {}


@dataclass(frozen=True)
class ActionAnswer:
    """What an action is answered with. `is_repeated`: an earlier request with the same key had done it."""

    body: Body
    is_repeated: bool = False


def answer_once(
    ledger: Ledger,
    key: IdempotencyKey | None,
    now: Callable[[], datetime],
    *,
    perform: Callable[[], Body],
    describe: Callable[[TenantId], Body],
) -> ActionAnswer:
    """Perform it, or give the answer to the first request with this key; `describe` makes one when that was lost."""
    if key is None:
        return ActionAnswer(perform())
    with ledger.open(_APPLICATION) as session:
        earlier = idempotency_keys.claim_key(session, key, now=now())
    return _repeated(earlier, describe) if earlier else ActionAnswer(_first(ledger, key, perform))


def _repeated(earlier: EarlierRequest, describe: Callable[[TenantId], Body]) -> ActionAnswer:
    if not earlier.same_request:
        raise InvalidRequestError(
            "Idempotency-Key: was used for another request, which may have been performed: look at the tenant, then "
            "take a new one.",
            field=KEY_FIELD,
        )
    if earlier.performed_for is not None:
        return ActionAnswer(describe(earlier.performed_for), is_repeated=True)
    if earlier.status is None or earlier.body is None:
        raise Refused(
            "The first request with this Idempotency-Key is still running.",
            field=KEY_FIELD,
            retry_after=_IN_PROGRESS_RETRY_SECONDS,
        )
    if earlier.status >= _INVALID:
        body = earlier.body
        raise RepeatedRefusalError(earlier.status, body["detail"], field=body.get("field"), fields=body.get("fields"))
    return ActionAnswer(earlier.body, is_repeated=True)


def _first(ledger: Ledger, key: IdempotencyKey, perform: Callable[[], Body]) -> Body:
    """Whatever happens, the key is stored with an answer, free again, or marked as obeyed."""
    stored: tuple[int, Body] | None = None
    try:
        body = perform()
        stored = _DONE, body
    except (Refused, InvalidRequestError) as refusal:
        stored = _final_refusal(refusal)
        raise
    finally:
        with ledger.open(_APPLICATION) as session:
            if stored:
                idempotency_keys.store_response(session, key, *stored)
            else:
                idempotency_keys.release_key(session, key)
    return body


def _final_refusal(refusal: Refused | InvalidRequestError) -> tuple[int, Body] | None:
    """What to store of a refusal; None when the same request may succeed later."""
    if isinstance(refusal, InvalidRequestError):
        return _INVALID, {"detail": str(refusal), "field": refusal.field, "fields": dict(refusal.fields)}
    if refusal.retry_after is not None:
        return None
    return _REFUSED, {"detail": str(refusal), "field": refusal.field}
