"""Interprets responses of Airflow's REST API: the one place that decodes them or turns them into errors of ours. Pure.

Anything may respond at an address: a proxy with its login page and status 200, a router, another service, another
version of Airflow. A response that is not Airflow's is a PlatformError: it proves nothing about any tenant, and work
continues once the connection leads to Airflow again.
"""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, TypeVar

import httpx

from tenancy.saga.causes import Cause
from tenancy.saga.errors import PermanentError, PlatformError, TransientError

Document = dict[str, Any]

CONNECTION: Final = "the Airflow connection tenancy_airflow_api"
_NOT_THE_TENANTS: Final = "This is a platform matter, not the tenant's: escalate if it lasts."
_BUSY: Final = frozenset({408, 425, 429})
_OF_THE_REQUEST: Final = frozenset({400, 409, 422})
"""Airflow read the request and objects to what it asks for."""
_SHOWN: Final = 300

_T = TypeVar("_T")


def decode_response(response: httpx.Response, decode: Callable[[Document], _T]) -> _T:
    """Decode the response's JSON object. PlatformError if there is none, or if it has another shape."""
    try:
        return decode(_object(json.loads(response.content)))
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, ArithmeticError, RecursionError) as error:
        raise unexpected(response, f"its body is not Airflow's ({type(error).__name__})") from error


def _object(value: Any) -> Document:
    if not isinstance(value, dict) or not value:
        raise ValueError("no object, or an empty one")
    return value


def require_absence(response: httpx.Response, name: str = "") -> None:
    """PlatformError unless this is Airflow's own 404 about the object of this name. A router's 404 proves nothing."""
    if not _states_absence(response, name):
        raise unexpected(response, "it does not name what was asked for")


def _states_absence(response: httpx.Response, name: str) -> bool:
    """It names the object (Airflow 3.3.2: "… was not found", of a cleared run "Dag Run id … not found in dag …")."""
    try:
        detail = json.loads(response.content)["detail"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return False
    return isinstance(detail, str) and "not found" in detail and name in detail


def unexpected(response: httpx.Response, why: str) -> PlatformError:
    """The error for a response that is not Airflow's."""
    return PlatformError(
        f"The answer {response.status_code} to {_request(response)} does not come from the workflow engine: {why}. "
        f"Perhaps a proxy, a login page or another service responds there: correct {CONNECTION}.",
        cause=Cause.ENGINE_REFUSES,
    )


def rejected(what: str, response: httpx.Response) -> TransientError | PermanentError | PlatformError:
    """The error for a response of Airflow with an unexpected status."""
    status = response.status_code
    sentence = f"The workflow engine answered {status} to {what}: {_detail(response)[:_SHOWN]}".rstrip(". :")
    if status >= 500 or status in _BUSY:
        return TransientError(f"{sentence}. {_NOT_THE_TENANTS}", cause=Cause.ENGINE_REFUSES)
    if status == 401:
        remedy = f"Correct the login and password in {CONNECTION}."
        return PlatformError(f"{sentence}. {remedy}", cause=Cause.PLATFORM_CREDENTIALS)
    if status == 403:
        remedy = f"Give the user of {CONNECTION} the role Tenancy Service."
        return PlatformError(f"{sentence}. {remedy}", cause=Cause.PLATFORM_RIGHTS)
    if status in _OF_THE_REQUEST:
        return PermanentError(f"{sentence}.", cause=Cause.ENGINE_REFUSES)
    return unexpected(response, _why_odd(response))


def unreachable(url: str, error: Exception) -> TransientError | PlatformError:
    """The error if there is no response: Airflow is down, or the address or the certificate is wrong."""
    reason = " ".join(f"{type(error).__name__}: {error}".split())[:_SHOWN]
    if isinstance(error, httpx.UnsupportedProtocol) or not isinstance(error, httpx.HTTPError):
        return PlatformError(
            f"The workflow engine cannot be asked at {url} ({reason}): correct {CONNECTION}.",
            cause=Cause.PLATFORM_CONNECTION,
        )
    if "CERTIFICATE_VERIFY_FAILED" in reason or isinstance(error, httpx.DecodingError):
        return PlatformError(
            f"The workflow engine's answer at {url} cannot be used ({reason}): correct {CONNECTION}.",
            cause=Cause.PLATFORM_CONNECTION,
        )
    return TransientError(
        f"The workflow engine does not respond at {url} ({reason}). {_NOT_THE_TENANTS}", cause=Cause.ENGINE_UNREACHABLE
    )


def _why_odd(response: httpx.Response) -> str:
    if 300 <= response.status_code < 400:
        return f"it leads to {response.headers.get('location', 'another address')[:_SHOWN]}"
    return _detail(response)[:_SHOWN] or "it gives no reason"


def _request(response: httpx.Response) -> str:
    try:
        return f"{response.request.method} {response.request.url}"
    except RuntimeError:  # a response that a test made
        return "a request"


def _detail(response: httpx.Response) -> str:
    """Never `input`: there Airflow repeats the request, passwords included."""
    text = " ".join(response.text.split())
    detail = json_object(response.text).get("detail", text)
    if isinstance(detail, dict):
        return ": ".join(str(detail[key]) for key in ("reason", "message") if key in detail)
    if isinstance(detail, list):
        mistakes = [mistake for mistake in detail if isinstance(mistake, dict)]
        return "; ".join(f"{_location(each)}: {each.get('msg')}" for each in mistakes)
    return str(detail)


def _location(mistake: Document) -> str:
    place = mistake.get("loc")
    return ".".join(map(str, place)) if isinstance(place, list) else ""


def json_object(text: str) -> Document:
    """The JSON object in a text; an empty one when there is none."""
    try:
        value = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


# -- fields, each of the type that Airflow gives it, or a ValueError


def text(document: Document, key: str) -> str:
    """A required text."""
    return _typed(document[key], str, key)


def optional_text(document: Document, key: str) -> str:
    """A text; empty if it is null or missing."""
    value = document.get(key)
    return "" if value is None else _typed(value, str, key)


def number(document: Document, key: str) -> int:
    """A required whole number."""
    return _typed(document[key], int, key)


def boolean(document: Document, key: str) -> bool:
    """A required boolean."""
    return _typed(document[key], bool, key)


def required_object(document: Document, key: str) -> Document:
    """A required object."""
    return _typed(document[key], dict, key)


def optional_object(document: Document, key: str) -> Document:
    """An object; empty if it is null or missing."""
    value = document.get(key)
    return {} if value is None else _typed(value, dict, key)


def objects(document: Document, key: str) -> list[Document]:
    """A required list of objects."""
    found: list[Document] = [_typed(each, dict, key) for each in _typed(document[key], list, key)]
    return found


def timestamp(document: Document, key: str) -> datetime:
    """A required time with its zone."""
    found = datetime.fromisoformat(text(document, key))
    if found.tzinfo is None:
        raise ValueError(f"{key} has no time zone")
    return found


def optional_timestamp(document: Document, key: str) -> datetime | None:
    """A time with its zone; None if it is null, empty or missing."""
    return timestamp(document, key) if document.get(key) else None


def _typed(value: Any, kind: type[_T], key: str) -> _T:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ValueError(f"{key} is a {type(value).__name__}")
    return value
