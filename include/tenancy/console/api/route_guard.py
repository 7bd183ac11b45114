"""The guard of every route of the API and the pages: who calls, may they, do they mean it. Then the body is read.

A route states what it needs by `@needs(Right...)`; one that does not cannot be registered. A write needs a header that
no foreign page can send without asking (CSRF), and a body of bounded size. How an error is answered is the
application's: problems.py or pages/error_pages.py.
"""

import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Any, Final, TypeVar

from fastapi import Depends, Security
from fastapi.routing import APIRoute
from fastapi.security import APIKeyCookie, HTTPBearer
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from tenancy.console.api.problems import ProblemError
from tenancy.console.callers import ROLE_OF, Caller, LoginUnavailableError, NotAuthenticated, Right
from tenancy.console.services import Services
from tenancy.saga.errors import PlatformError

log = logging.getLogger(__name__)

WRITE_HEADER: Final = "X-Tenancy-Request"
BODY_LIMIT: Final = 64 * 1024

_Endpoint = TypeVar("_Endpoint", bound=Callable[..., Any])

# These two only show in the OpenAPI how to log in; the guard identifies the caller.
SECURITY: Final = (
    Security(HTTPBearer(auto_error=False, description="A token of POST /auth/token")),
    Security(APIKeyCookie(name="_token", auto_error=False, description="Airflow's own session cookie")),
)


def needs(right: Right) -> Callable[[_Endpoint], _Endpoint]:
    """State what a route needs of its caller."""

    def stated(endpoint: _Endpoint) -> _Endpoint:
        endpoint.right = right  # type: ignore[attr-defined]
        return endpoint

    return stated


def right_of(route: APIRoute) -> Right:
    """The right that the route needs; AttributeError if it states none."""
    right: Right = route.endpoint.right  # type: ignore[attr-defined]
    return right


class GuardedRoute(APIRoute):
    """A route behind the guard; it must state its right. Its application has the headers of every answer."""

    def get_route_handler(self) -> Callable[[Request], Any]:
        """The guard, then FastAPI's own handler."""
        handle, right = super().get_route_handler(), right_of(self)
        writes = not self.methods <= {"GET", "HEAD"}

        async def guarded(request: Request) -> Response:
            caller = await _authenticated(request)
            require_right(caller, right)
            if writes:
                await receive_write(request)
            request.state.caller = caller
            async with request_slot(request, writes=writes):
                response: Response = await handle(request)
            response.headers.update(request.app.state.headers)
            return response

        return guarded


async def _authenticated(request: Request) -> Caller:
    try:
        caller: Caller = await request.app.state.authenticate(request)
    except (NotAuthenticated, PlatformError):
        raise
    except Exception as error:
        log.warning("who calls could not be found out", exc_info=error)
        raise LoginUnavailableError(type(error).__name__) from error
    return caller


class LacksRightError(ProblemError):
    """403: the caller's role lacks a permission."""

    def __init__(self, caller: Caller, right: Right) -> None:
        super().__init__(403, f"{caller.name} lacks the permission {right} here. The role {ROLE_OF[right]} has it.")
        self.right = right


def require_right(caller: Caller, right: Right) -> None:
    """LacksRightError unless the caller has the right."""
    if right not in caller.rights:
        raise LacksRightError(caller, right)


def require_write_header(request: Request) -> None:
    """428 unless the write has its header, 400 unless its body is bounded."""
    if not request.headers.get(WRITE_HEADER):
        raise ProblemError(428, f"Every write needs the header {WRITE_HEADER}: 1.", field=WRITE_HEADER)
    _require_bounded_body(request)


async def receive_write(request: Request) -> None:
    """The same, and wait for the body: a slow sender must not hold a slot meanwhile."""
    require_write_header(request)
    try:
        await request.body()
    except ClientDisconnect as gone:
        raise ProblemError(400, "The connection was closed before the whole body had arrived.") from gone


def request_slot(request: Request, *, writes: bool) -> AbstractAsyncContextManager[None]:
    """A slot for this request; ProblemError 503 when none becomes free. It takes no thread while it waits."""
    services = _services(request)
    return (services.writes if writes else services.reads).slot()


def _require_bounded_body(request: Request) -> None:
    """Checked before the body is read: the server holds the sender to the length that it states."""
    stated = request.headers.get("Content-Length")
    if stated is None and request.headers.get("Transfer-Encoding"):
        raise ProblemError(400, "The body must state its length: send Content-Length.")
    if stated and (not stated.isdecimal() or int(stated[:12]) > BODY_LIMIT):
        raise ProblemError(400, f"The body is longer than {BODY_LIMIT // 1024} KiB.")


def _caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


CurrentCaller = Annotated[Caller, Depends(_caller)]
CurrentServices = Annotated[Services, Depends(_services)]
