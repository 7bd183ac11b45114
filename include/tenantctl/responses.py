"""Turns responses into the API's JSON or into errors. Pure.

Airflow itself answers some requests before Tenancy does (401, 403, 404). The media type tells them apart: Airflow
sends no problem document.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tenantctl import diagnosis
from tenantctl.exit_codes import (
    ApiFailure,
    NotAuthorized,
    Refused,
    TenantctlError,
    TenantNotFound,
    Unavailable,
    UsageError,
)
from tenantctl.text import as_sentence, duration_in_words

if TYPE_CHECKING:
    import httpx

_PROBLEM: Final = "application/problem+json"
_DEFAULT_WAIT_SECONDS: Final = 30
"""Seconds to wait if the server states none."""
_DEFECT: Final = "Tenancy failed at this ({status}): {message} The api-server's log knows more."
_LOGIN: Final = "The login was not accepted: {message} Check TENANCY_USER and TENANCY_PASSWORD, or TENANCY_TOKEN."
_MEANINGS: Final[Mapping[int, tuple[type[TenantctlError], str]]] = {
    400: (UsageError, "{message}"),
    401: (NotAuthorized, _LOGIN),
    403: (NotAuthorized, "{message} Log in as a user who may (--user), or ask for the role."),
    404: (TenantNotFound, "{message} `tenantctl list` lists all tenants."),
    409: (Refused, "{message}"),
    422: (UsageError, "{message}"),
    429: (Unavailable, "{message}"),
    502: (Unavailable, "{message}"),
    503: (Unavailable, "{message}"),
    504: (Unavailable, "{message}"),
}


@dataclass(frozen=True)
class ApiResponse:
    """`text` is the body as sent, for --json; `data` is its JSON."""

    text: str
    data: dict[str, Any]


def parse_response(response: "httpx.Response") -> ApiResponse:
    """The API's answer. Raises the TenantctlError that fits any other response."""
    data = _read_json(response)
    if response.is_success and data is not None:
        return ApiResponse(response.text, data)
    if response.is_success or response.is_redirect or data is None:
        raise _not_tenancy(response)
    raise _error(response, data)


def _read_json(response: "httpx.Response") -> dict[str, Any] | None:
    try:
        data = response.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        return None
    return data if isinstance(data, dict) else None


def _error(response: "httpx.Response", data: dict[str, Any]) -> TenantctlError:
    of_tenancy = response.headers.get("content-type", "").startswith(_PROBLEM)
    if response.status_code == 404 and not of_tenancy:
        return _not_tenancy(response)
    message = as_sentence(str(data.get("detail") or data.get("title") or response.reason_phrase))
    wait = retry_after(response)
    kind, words = _MEANINGS.get(response.status_code, (ApiFailure, _DEFECT))
    if wait is None and kind is Unavailable:  # Tenancy sends Retry-After whenever waiting helps
        kind, wait = (ApiFailure, None) if of_tenancy else (Unavailable, _DEFAULT_WAIT_SECONDS)
    again = f" Try again in {duration_in_words(wait)}." if wait is not None else ""
    return kind(
        words.format(message=message, status=response.status_code) + again,
        retry_after=wait,
        field=str(data.get("field") or ""),
        body=response.text if of_tenancy else "",
    )


def _not_tenancy(response: "httpx.Response") -> TenantctlError:
    where, status = f"{response.url.scheme}://{response.url.netloc.decode()}", response.status_code
    if response.status_code in {502, 503, 504}:
        return Unavailable(f"A proxy before {where} says {status} {response.reason_phrase}: try again in 30 seconds.")
    if foreign := diagnosis.diagnose_foreign_server(where, response):
        return ApiFailure(foreign)
    if status == 500:
        return ApiFailure(
            f"Airflow at {where} failed at {response.url.path} (500): the reason is in the api-server's log."
        )
    if response.is_redirect:
        return ApiFailure(f"{where} sends us to {response.headers.get('location')}: give that address as --url.")
    page = ", a web page: a login's or a proxy's?" if "html" in response.headers.get("content-type", "") else ""
    what = f"{status} at {response.url.path}{page}"
    return ApiFailure(
        f"The server at {where} is not the Tenancy API ({what}): check --url, TENANCY_URL, and the plugin."
    )


def retry_after(response: "httpx.Response") -> int | None:
    """The Retry-After header, if it is in seconds. A date is ignored, because this computer's clock may be wrong."""
    value = response.headers.get("retry-after", "")
    return int(value) if value.isascii() and value.isdigit() else None
