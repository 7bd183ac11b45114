"""What the API answered: its JSON, or the error that its status stands for. Pure.

Airflow itself answers some requests before Tenancy sees them (401, 403, 404), without a problem document; they are
told apart by their media type.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from tenantctl import diagnosis
from tenantctl.exits import Away, Broken, CtlError, Misuse, NoSuchTenant, NotAllowed, Refused
from tenantctl.text import in_words, sentence

_PROBLEM: Final = "application/problem+json"
_AWAY_SECONDS: Final = 30
"""How long to wait for a server that does not say how long."""
_DEFECT: Final = "Tenancy failed at this ({status}): {said} The api-server's log knows more."
_LOGIN: Final = "The login was not accepted: {said} Check TENANCY_USER and TENANCY_PASSWORD, or TENANCY_TOKEN."
_MEANINGS: Final[Mapping[int, tuple[type[CtlError], str]]] = {
    400: (Misuse, "{said}"),
    401: (NotAllowed, _LOGIN),
    403: (NotAllowed, "{said} Log in as a user who may (--user), or ask for the role."),
    404: (NoSuchTenant, "{said} `tenantctl list` shows those there are."),
    409: (Refused, "{said}"),
    422: (Misuse, "{said}"),
    429: (Away, "{said}"),
    502: (Away, "{said}"),
    503: (Away, "{said}"),
    504: (Away, "{said}"),
}


@dataclass(frozen=True)
class Answer:
    """`text` is what came over the wire, for --json; `data` the same, read."""

    text: str
    data: dict[str, Any]


def read(response: httpx.Response) -> Answer:
    """The answer; a CtlError of the fitting class when it is none."""
    data = _document(response)
    if response.is_success and data is not None:
        return Answer(response.text, data)
    if response.is_success or response.is_redirect or data is None:
        raise _not_tenancy(response)
    raise _error(response, data)


def _document(response: httpx.Response) -> dict[str, Any] | None:
    try:
        data = response.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        return None
    return data if isinstance(data, dict) else None


def _error(response: httpx.Response, data: dict[str, Any]) -> CtlError:
    of_tenancy = response.headers.get("content-type", "").startswith(_PROBLEM)
    if response.status_code == 404 and not of_tenancy:
        return _not_tenancy(response)
    said = sentence(str(data.get("detail") or data.get("title") or response.reason_phrase))
    wait = retry_after(response)
    kind, words = _MEANINGS.get(response.status_code, (Broken, _DEFECT))
    if wait is None and kind is Away:  # Tenancy itself says when to ask again, if that helps
        kind, wait = (Broken, None) if of_tenancy else (Away, _AWAY_SECONDS)
    again = f" Try again in {in_words(wait)}." if wait is not None else ""
    return kind(
        words.format(said=said, status=response.status_code) + again,
        retry_after=wait,
        field=str(data.get("field") or ""),
        body=response.text if of_tenancy else "",
    )


def _not_tenancy(response: httpx.Response) -> CtlError:
    where, status = f"{response.url.scheme}://{response.url.netloc.decode()}", response.status_code
    if response.status_code in {502, 503, 504}:
        return Away(f"A proxy before {where} says {status} {response.reason_phrase}: try again in 30 seconds.")
    if foreign := diagnosis.of_foreign(where, response):
        return Broken(foreign)
    if status == 500:
        return Broken(f"Airflow at {where} failed at {response.url.path} (500): the api-server's log says why.")
    if response.is_redirect:
        return Broken(f"{where} sends us to {response.headers.get('location')}: give that address as --url.")
    page = ", a web page: a login's or a proxy's?" if "html" in response.headers.get("content-type", "") else ""
    what = f"{status} at {response.url.path}{page}"
    return Broken(
        f"What answers at {where} is no Tenancy API ({what}): check --url, TENANCY_URL, and that the plugin is loaded."
    )


def retry_after(response: httpx.Response) -> int | None:
    """Seconds, when the header says them so; a date is not worth a clock that may be wrong."""
    value = response.headers.get("retry-after", "")
    return int(value) if value.isascii() and value.isdigit() else None
