"""Idempotency keys: a repeated request gets the first answer again and changes nothing.

What is kept: what was done, and refusals for good. What is not, so that the same key may be tried again: a failure of
ours or of the platform before anything was recorded, and a refusal that says when to ask again. When something was
recorded and its answer was lost, a repetition is answered with the tenant as it is now.
"""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse

from tenancy.console.api.asked import Asked
from tenancy.console.api.problems import ProblemError, as_response, problem_of
from tenancy.ledger import idempotency_keys
from tenancy.ledger.idempotency_keys import EarlierRequest, IdempotencyKey
from tenancy.saga.names import TenantId

REPLAYED = "Idempotency-Replayed"
_STILL_AT_WORK_SECONDS = 2


def once(
    asked: Asked, body: BaseModel, perform: Callable[[], JSONResponse], tell: Callable[[TenantId], JSONResponse]
) -> JSONResponse:
    """Perform it, or answer what the first request with this key was answered; `tell` when that answer was lost."""
    if asked.key is None:
        return perform()
    key = IdempotencyKey(asked.caller.name, asked.key, _digest(asked.request, body))
    with asked.parts.tenancy().ledger.open("tenancy console") as ledger:
        earlier = idempotency_keys.claim_key(ledger, key, now=asked.parts.clock())
    return _again(earlier, tell) if earlier else _first(asked, key, perform)


def _digest(request: Request, body: BaseModel) -> str:
    what = [request.method, request.url.path, sorted(request.query_params.multi_items()), body.model_dump(mode="json")]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def _again(earlier: EarlierRequest, tell: Callable[[TenantId], JSONResponse]) -> JSONResponse:
    if not earlier.same_request:
        raise ProblemError(
            400, "Idempotency-Key: was used for another request; take a new one.", field="Idempotency-Key"
        )
    if earlier.performed_for is not None:
        return _replayed(tell(earlier.performed_for))
    if earlier.status is None or earlier.body is None:
        raise ProblemError(
            409, "The first request with this Idempotency-Key is still at work.", retry_after=_STILL_AT_WORK_SECONDS
        )
    return _replayed(_response(earlier.status, dict(earlier.body)))


def _replayed(response: JSONResponse) -> JSONResponse:
    response.headers[REPLAYED] = "true"
    return response


def _first(asked: Asked, key: IdempotencyKey, perform: Callable[[], JSONResponse]) -> JSONResponse:
    """Whatever happens, the key is kept with an answer, free again, or obeyed."""
    kept: tuple[int, dict[str, Any]] | None = None
    try:
        response = perform()
        kept = response.status_code, json.loads(bytes(response.body))
    except Exception as error:
        problem = problem_of(error)
        if problem.status < 500 and problem.retry_after is None:
            kept = problem.status, problem.told(asked.request).model_dump(exclude_none=True)
        raise
    finally:
        with asked.parts.tenancy().ledger.open("tenancy console") as ledger:
            if kept:
                idempotency_keys.store_response(ledger, key, *kept)
            else:
                idempotency_keys.release_key(ledger, key)
    return response


def _response(status: int, body: dict[str, Any]) -> JSONResponse:
    return as_response(body) if status >= 400 else JSONResponse(body, status)
