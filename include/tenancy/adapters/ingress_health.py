"""The health of a region's ingress controller: one HTTP request to a name below its domain that no tenant has."""

import socket
from dataclasses import dataclass
from typing import Final

import httpx

from tenancy.saga.errors import PermanentError, TransientError

CHECK_SECONDS: Final = 2.0
_LABEL: Final = "up"
"""Too short for a slug, which has at least three characters, so no tenant has it. A wildcard of the domain still covers
it."""
_LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True)
class IngressStatus:
    """The status for a host that it does not know; it should be 404."""

    host: str
    status: int


def check_ingress(domain: str, port: int, label: str) -> IngressStatus:
    """Its response. TransientError if there is none, PermanentError if the name cannot be resolved here."""
    host = f"{_LABEL}.{domain}"
    place = _resolve(host, port, label)
    try:
        # Reading the machine's certificates takes 50 ms; a plain http address has no use for them.
        with httpx.Client(timeout=CHECK_SECONDS, trust_env=False, verify=False) as client:  # noqa: S501
            request = client.build_request("GET", f"http://{place}:{port}/", headers={"Host": f"{host}:{port}"})
            answer = client.send(request, stream=True)  # its body is not waited for
    except httpx.TimeoutException as error:
        raise TransientError(f"{label} does not respond within {CHECK_SECONDS:g} s.") from error
    except (httpx.InvalidURL, ValueError) as error:
        raise PermanentError(f"{label} cannot be checked: {host} is not a host name.") from error
    except httpx.HTTPError as error:
        raise TransientError(f"{label} does not respond: {error or type(error).__name__}") from error
    return IngressStatus(host, answer.status_code)


def _resolve(host: str, port: int, label: str) -> str:
    """The address of the name. Names in `.localhost` are this machine, even if no resolver knows them (RFC 6761)."""
    if host.endswith(".localhost"):
        return _LOOPBACK
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise PermanentError(f"{label} cannot be checked: {host} cannot be resolved from this machine.") from error
    address = str(found[0][4][0])
    return f"[{address}]" if ":" in address else address
