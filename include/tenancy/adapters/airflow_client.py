"""Airflow's REST API as the service user: one call, its login, and how much of a response is read.

Passwords go in request bodies only and are never logged. A token is used until Airflow refuses it, then renewed once.
Clients that are given the same `Token` log in once: bootstrap.py gives all clients of a process the same one.
airflow_responses.py interprets the responses.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, TypeVar

import httpx

from tenancy.adapters.airflow_responses import (
    Document,
    decode_response,
    rejected,
    require_absence,
    text,
    unexpected,
    unreachable,
)
from tenancy.saga.causes import Cause
from tenancy.saga.errors import TransientError

CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0
LARGEST_BYTES: Final = 8 * 1024 * 1024
"""A page of 100 connections is 100 KB."""
_WHOLE: Final = 3
"""A whole response may take this many times `read_seconds`: httpx's time-out counts from one chunk to the next."""

_T = TypeVar("_T")


@dataclass
class Token:
    """The service user's token; empty before the first login, and after Airflow has refused it.

    Threads may share it without a lock: those that find it empty log in at the same time, and each of their tokens is
    valid. With a lock, they would wait for each other while Airflow is silent.
    """

    value: str = field(default="", repr=False)


@lru_cache(maxsize=4)
def shared_token(url: str, user: str, password: str) -> Token:
    """The token of this login in this process. A changed password is another login, so it is used at once."""
    del url, user, password  # the key only
    return Token()


class AirflowClient:
    """The REST API of the Airflow at `url`.

    Every call raises TransientError if Airflow is silent, busy or broken; PlatformError if something else responds or
    our login is refused; PermanentError if Airflow rejects the request. It raises nothing else.
    """

    def __init__(
        self, url: str, *, user: str, password: str, read_seconds: float = READ_SECONDS, token: Token | None = None
    ) -> None:
        self._url = url.rstrip("/")
        self.user = user
        self._password = password
        self._token = token or Token()
        self._read_seconds = read_seconds

    def call(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, Any] | None = None,
        body: dict[str, Any] | None = None,
        accept: tuple[int, ...] = (200,),
    ) -> httpx.Response:
        """The response, whose status is one of `accept`. Read it with `decode_response`."""
        with self._client(self._read_seconds) as client:
            token = self._log_in(client)
            response = self._send(client, token, method, path, params=params, json=body)
            if _is_of_the_token(response):
                renewed = self._log_in_again(client, token)
                response = self._send(client, renewed, method, path, params=params, json=body)
        if response.status_code not in accept:
            raise rejected(f"{method} {path}", response)
        return response

    def read(
        self, path: str, decode: Callable[[Document], _T], *, params: dict[str, Any] | None = None, absent: int = 0
    ) -> _T:
        """The result of `decode` for the object at this path, or for an empty object if the status is `absent`."""
        response = self.call("GET", path, params=params, accept=(200, absent))
        if response.status_code != absent:
            return decode_response(response, decode)
        require_absence(response)
        return decode({})

    def read_openly(self, path: str, decode: Callable[[Document], _T], *, read_seconds: float) -> _T:
        """Read a public resource: without a login, with its own time limit."""
        with self._client(min(read_seconds, self._read_seconds)) as client:
            response = self._response(client, "GET", f"/api/v2{path}")
        if response.status_code != 200:
            raise rejected(f"GET {path}", response)
        return decode_response(response, decode)

    def _send(self, client: httpx.Client, token: str, method: str, path: str, **request: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return self._response(client, method, f"/api/v2{path}", headers=headers, **request)

    def _log_in(self, client: httpx.Client) -> str:
        token = self._token.value  # read once: another thread may empty it
        if not token:
            login = {"username": self.user, "password": self._password}
            response = self._response(client, "POST", "/auth/token", json=login)
            if response.status_code != 201:
                raise rejected(f"login of {self.user}", response)
            token = self._token.value = decode_response(response, lambda document: text(document, "access_token"))
        return token

    def _log_in_again(self, client: httpx.Client, refused: str) -> str:
        """Log in, unless another thread has done so since."""
        if self._token.value == refused:
            self._token.value = ""
        return self._log_in(client)

    def _response(self, client: httpx.Client, method: str, path: str, **request: Any) -> httpx.Response:
        """The whole response, unless it is too large or takes too long."""
        end, content = time.monotonic() + _WHOLE * self._read_seconds, bytearray()
        with client.stream(method, path, **request) as response:
            for piece in response.iter_bytes():
                content += piece
                if len(content) > LARGEST_BYTES:
                    raise unexpected(response, f"it is larger than {LARGEST_BYTES // 1024 // 1024} MB")
                if time.monotonic() > end:
                    raise TransientError("The workflow engine's response does not end.", cause=Cause.ENGINE_UNREACHABLE)
        kept = {name: value for name, value in response.headers.items() if name in {"content-type", "location"}}
        return httpx.Response(response.status_code, headers=kept, content=bytes(content), request=response.request)

    @contextmanager
    def _client(self, read_seconds: float) -> Iterator[httpx.Client]:
        # Loading the machine's certificates takes 50 ms; plain http does not need them.
        bounds = httpx.Timeout(read_seconds, connect=min(CONNECT_SECONDS, read_seconds))
        try:
            with httpx.Client(base_url=self._url, timeout=bounds, verify=self._url.startswith("https:")) as client:
                yield client
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, TypeError, OSError) as error:
            raise unreachable(self._url, error) from error


def _is_of_the_token(response: httpx.Response) -> bool:
    """The token has expired (401), or Airflow's signing key has changed (403 with this message; Airflow 3.3.2)."""
    return response.status_code == 401 or (response.status_code == 403 and "Invalid JWT token" in response.text)
