"""Posts a JSON document to an address, within 5 s. The address may be a secret, so it is in no message."""

import logging
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from tenancy.saga.errors import PermanentError, TransientError

SECONDS: Final = 5.0


def post(url: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> None:
    """Succeeds with a 2xx response. TransientError if there is none, PermanentError for any other."""
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs whole addresses, and Slack's are secret
    host = _host(url)
    try:
        # The answer's body is not waited for.
        with httpx.Client(timeout=SECONDS) as client, client.stream("POST", url, json=body, headers=headers) as answer:
            status, accepted = answer.status_code, answer.is_success
    except httpx.HTTPError as error:
        raise TransientError(f"{host} does not respond ({type(error).__name__}).") from None
    except (httpx.InvalidURL, ValueError, TypeError):  # their text has the address, or a header's secret
        raise PermanentError("The connection's address or one of its headers cannot be used.") from None
    if not accepted:
        raise PermanentError(f"{host} answered {status}.")


def _host(url: str) -> str:
    """PermanentError if it is not an address."""
    try:
        parts = urlsplit(url)
        if parts.scheme in {"http", "https"} and parts.hostname:
            return f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname
    except ValueError:  # a port that is not a number; the exception's text would contain the address
        pass
    raise PermanentError("The connection has no address that begins with http:// or https://.")
