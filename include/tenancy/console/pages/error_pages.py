"""Error pages: what goes wrong is answered as a page, never as a stack trace.

A polled page (`?part=`) answers an error as one line for the notice above the last true state of the page.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from tenancy.console.api.problems import ProblemError
from tenancy.console.api.route_guard import LacksRightError
from tenancy.console.callers import ROLE_OF, LoginUnavailableError, NotAuthenticated, Right
from tenancy.console.pages.rendering import airflow_of, page_response, root_of
from tenancy.saga.errors import PermanentError, PlatformError, TransientError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ErrorPage:
    """The content of an error page: what is wrong, what that means, what to do."""

    status: int
    title: str
    meaning: str
    detail: str = ""
    next_step: str = ""
    link: str = ""


def install(app: FastAPI) -> None:
    """Turn every exception of `app` into a page."""
    for kind in (*_ERROR_PAGES, Exception):
        app.add_exception_handler(kind, _handle)


async def _handle(request: Request, error: Exception) -> Response:
    # Asynchronous, as all handlers here: they only render, and Starlette would take a thread for a synchronous one.
    error_page = error_page_of(request, error)
    answer = page_response(request, _template(request), error_page.status, error=error_page)
    if "part" in request.query_params:
        answer.headers.update({"HX-Retarget": "#notice", "HX-Reswap": "innerHTML"})
    if retry_after := getattr(error, "retry_after", None):
        answer.headers["Retry-After"] = f"{retry_after:.0f}"
    return answer


def _template(request: Request) -> str:
    if "part" in request.query_params:
        return "_error_line.html"
    return "_error_dialog.html" if "HX-Request" in request.headers else "error.html"


def error_page_of(request: Request, error: Exception) -> ErrorPage:
    """The page for this error."""
    for kind, make_page in _ERROR_PAGES.items():
        if isinstance(error, kind):
            return make_page(request, error)
    log.error("a page failed", exc_info=error)
    return ErrorPage(
        500,
        "This page has a defect",
        "This is a fault of the console, not of a tenant: provisioning continues without this page.",
        next_step="tenantctl shows the same. Tell platform engineering; the api-server's log has the details.",
    )


def _logged_out(request: Request, _error: Any) -> ErrorPage:
    login = f"{airflow_of(request)}auth/login/?next={quote(_whole_page(request), safe='')}"
    return ErrorPage(401, "You are not logged in", "Log in to Airflow; then this page opens again.", link=login)


def _whole_page(request: Request) -> str:
    """The address of the whole page, not that of a part of it or of a dialog."""
    address = urlsplit(request.headers.get("HX-Current-URL", ""))
    if address.netloc == request.url.netloc and address.path.startswith(root_of(request)):
        return address.geturl()
    return str(request.url.remove_query_params("part"))


def _login_away(_request: Request, error: Any) -> ErrorPage:
    return ErrorPage(
        503,
        "Airflow's login does not respond",
        "Airflow could not check your login: its own database may be unavailable. This says nothing about any tenant.",
        detail=str(error),
        next_step="It is a platform matter. Wait a moment; escalate to platform engineering if it lasts.",
    )


def _refused(_request: Request, error: Any) -> ErrorPage:
    if isinstance(error, LacksRightError):
        title = "You may not read tenants" if error.right is Right.READ else "Your role may not do this"
        return ErrorPage(403, title, error.detail, next_step=f"Ask for the role {ROLE_OF[error.right]}.")
    if error.status == 503:
        return ErrorPage(503, "The console is busy", error.detail)
    return ErrorPage(error.status, "There is no such tenant" if error.status == 404 else "Not shown", error.detail)


def _ledger_away(request: Request, error: Any) -> ErrorPage:
    may_be_done = "What you sent may have been recorded: look at the tenant before you send it again. "
    return ErrorPage(
        503,
        "The ledger does not respond",
        "This page reads from it, so nothing can be shown now. This says nothing about any tenant: recorded facts are "
        "safe, and activities that need the ledger are tried again when it is back.",
        detail=str(error),
        next_step=(may_be_done if request.method == "POST" else "")
        + "It is a platform matter. Wait a moment; escalate to platform engineering if it lasts.",
    )


def _misconfigured(_request: Request, error: Any) -> ErrorPage:
    return ErrorPage(
        503, "The platform is not configured as Tenancy needs it", str(error), next_step="Tell platform engineering."
    )


def _not_found(_request: Request, error: Any) -> ErrorPage:
    titles = {404: "There is no such page", 405: "Nothing can be sent here"}
    return ErrorPage(error.status_code, titles.get(error.status_code, "Not shown"), "Begin with the list of tenants.")


def _malformed(_request: Request, _error: Any) -> ErrorPage:
    return ErrorPage(400, "This address is not well-formed", "Begin with the list of tenants.")


_ERROR_PAGES: Final[dict[type[Exception], Callable[[Request, Any], ErrorPage]]] = {
    NotAuthenticated: _logged_out,
    LoginUnavailableError: _login_away,
    ProblemError: _refused,
    TransientError: _ledger_away,
    PermanentError: _ledger_away,
    PlatformError: _misconfigured,
    RequestValidationError: _malformed,
    HTTPException: _not_found,
}
