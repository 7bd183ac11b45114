"""Every error answer is application/problem+json (RFC 9457): one sentence an operator can act on.

`problem_responses` documents them in the OpenAPI; the handlers make them from the exceptions.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from tenancy.console.api.field_errors import sentence_of
from tenancy.console.callers import LoginUnavailableError, NotAuthenticated
from tenancy.engine.actions.idempotency import KEY_FIELD, InvalidRequestError, RepeatedRefusalError
from tenancy.saga.errors import PermanentError, PlatformError, Refused, TransientError

log = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
REPLAYED: Final = "Idempotency-Replayed"
"""A header: the answer is that to the first request with this Idempotency-Key."""
AWAY_RETRY_SECONDS: Final = 5
"""A ledger that fails over is back in seconds."""
TITLES: Final[Mapping[int, str]] = {
    400: "The request is not well-formed",
    401: "Not logged in",
    403: "Not allowed",
    404: "Not found",
    405: "No such verb here",
    409: "Refused",
    428: "The header X-Tenancy-Request is missing",
    500: "A defect of ours",
    503: "The platform does not respond",
}


HEADERS: Final[Mapping[str, str]] = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
"""Every answer of the API has these: no cache stores it, and no browser guesses its type."""


class Problem(BaseModel):
    """What went wrong, in one sentence (`detail`)."""

    model_config = ConfigDict(json_schema_extra={"additionalProperties": False})

    type: str
    """Stable: `urn:tenancy:problem:<status>`."""
    title: str
    status: int
    detail: str
    instance: str
    """The requested path."""
    field: str | None = None
    """The input at fault, where there is one."""
    retry_after: int | None = None
    """Seconds after which a repetition helps, if it does; also in the header Retry-After."""
    fields: dict[str, str] | None = None
    """Each input at fault and its sentence, where a request's values are wrong."""


class ProblemError(Exception):
    """An answer that is a problem."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        field: str | None = None,
        fields: Mapping[str, str] | None = None,
        retry_after: int | None = None,
        is_replay: bool = False,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.field, self.retry_after = status, detail, field, retry_after
        self.fields = fields or {}
        self.is_replay = is_replay
        """The answer to an earlier request with the same Idempotency-Key."""

    @property
    def is_outcome_unknown(self) -> bool:
        """May the request have been performed all the same? Its answer was lost, or an earlier one had its key."""
        return self.status >= 500 or self.field == KEY_FIELD

    @property
    def is_repeatable(self) -> bool:
        """Is the same request performed only once, if it is sent again with its key?"""
        return self.is_outcome_unknown and self.status != 400

    def as_problem(self, request: Request) -> Problem:
        """As it is answered to this request."""
        return Problem(
            type=f"urn:tenancy:problem:{self.status}",
            title=TITLES.get(self.status, "Not done"),
            status=self.status,
            detail=self.detail,
            instance=request.url.path,
            field=self.field,
            retry_after=self.retry_after,
            fields=dict(self.fields) or None,
        )

    def sentence_for(self, field: str) -> str:
        """What is wrong with this input; empty when nothing is."""
        return self.fields.get(field, self.detail if self.field == field else "")


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route for the problems that it may answer."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": TITLES[status], "content": content} for status in statuses}


def problem_response(request: Request, error: ProblemError) -> JSONResponse:
    """The problem as a response."""
    headers = dict(HEADERS)
    if error.retry_after:
        headers["Retry-After"] = str(error.retry_after)
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if error.is_replay:
        headers[REPLAYED] = "true"
    return JSONResponse(error.as_problem(request).model_dump(exclude_none=True), error.status, headers, MEDIA_TYPE)


def problem_of(error: Exception) -> ProblemError:
    """The error as a problem."""
    for kind, make_problem in _PROBLEMS.items():
        if isinstance(error, kind):
            return make_problem(error)
    log.error("a request failed", exc_info=error)
    return ProblemError(500, "Internal error; the api-server's log has the details.")


def install_problem_handlers(app: FastAPI) -> None:
    """Turn every exception of `app` into a problem document."""
    for kind in (*_PROBLEMS, Exception):
        app.add_exception_handler(kind, _handle)


async def _handle(request: Request, error: Exception) -> JSONResponse:
    # Asynchronous, or Starlette would take a thread for it: also for the answer that all slots are taken.
    return problem_response(request, problem_of(error))


def _malformed(error: RequestValidationError) -> ProblemError:
    """Each mistake with its field; the first one is the problem's field. The input itself is not repeated."""
    mistakes = [(_field_name(each["loc"]), sentence_of(each)) for each in error.errors()[:5]]
    sentence = "; ".join(f"{field}: {message}" if field else message for field, message in mistakes)
    return ProblemError(400, f"{sentence}."[:1000], field=mistakes[0][0] or None)


def _field_name(where: tuple[int | str, ...]) -> str:
    """The field's name without \"body\" or \"query\"; a body that is no JSON has only a position."""
    names = [str(part) for part in where if part not in {"body", "query", "path", "header"}]
    return ".".join(names)[:100].encode("ascii", "backslashreplace").decode() if not _is_position(where) else ""


def _is_position(where: tuple[int | str, ...]) -> bool:
    return isinstance(where[-1], int)


_PROBLEMS: Final[Mapping[type[Exception], Callable[[Any], ProblemError]]] = {
    ProblemError: lambda error: error,
    NotAuthenticated: lambda error: ProblemError(401, f"{error}. Log in, or send a bearer token of POST /auth/token."),
    InvalidRequestError: lambda error: ProblemError(400, str(error), field=error.field, fields=error.fields),
    RepeatedRefusalError: lambda error: ProblemError(
        error.status, str(error), field=error.field, fields=error.fields, is_replay=True
    ),
    LoginUnavailableError: lambda error: problem_of(error.__cause__),
    Refused: lambda error: ProblemError(409, str(error), field=error.field, retry_after=error.retry_after),
    TransientError: lambda error: ProblemError(503, str(error), retry_after=AWAY_RETRY_SECONDS),
    PermanentError: lambda error: ProblemError(503, str(error)),
    PlatformError: lambda error: ProblemError(503, str(error)),
    RequestValidationError: _malformed,
    HTTPException: lambda error: ProblemError(error.status_code, str(error.detail)),
}
