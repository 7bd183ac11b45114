"""Airflow's REST API entered as the service user: one call, its login, and what its answers mean.

Passwords go in request bodies only and are never logged. A token is used until Airflow refuses it, then renewed once.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tenancy.saga.causes import Cause
from tenancy.saga.errors import PermanentError, TransientError

CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0
_NOT_THE_TENANTS = "This is a platform matter, not the tenant's: escalate if it lasts."


class AirflowClient:
    """The workflow engine's REST API at `url`."""

    def __init__(self, url: str, *, user: str, password: str, read_seconds: float = READ_SECONDS) -> None:
        self._url = url.rstrip("/")
        self.user = user
        self._password = password
        self._token = ""
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
        """The answer, when its status is one of `accept`.

        Raises TransientError when the engine is silent, busy or broken; PermanentError for every other answer.
        """
        with _translated(self._url), self._client(self._read_seconds) as client:
            answer = self._send(client, method, path, params, body)
            if _is_of_the_token(answer):
                self._token = ""
                answer = self._send(client, method, path, params, body)
        if answer.status_code not in accept:
            raise refusal(f"{method} {path}", answer)
        return answer

    def read_openly(self, path: str, *, read_seconds: float) -> dict[str, Any]:
        """What anybody may read, without a login and within a time of its own."""
        with _translated(self._url), self._client(min(read_seconds, self._read_seconds)) as client:
            answer = client.get(f"/api/v2{path}")
        if answer.status_code != 200:
            raise refusal(f"GET {path}", answer)
        return json_object(answer.text)

    def _send(self, client: httpx.Client, method: str, path: str, params: Any, body: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._log_in(client)}"}
        return client.request(method, f"/api/v2{path}", params=params, json=body, headers=headers)

    def _client(self, read_seconds: float) -> httpx.Client:
        # Reading the machine's certificates takes 50 ms; a plain http address has no use for them.
        bounds = httpx.Timeout(read_seconds, connect=min(CONNECT_SECONDS, read_seconds))
        return httpx.Client(base_url=self._url, timeout=bounds, verify=self._url.startswith("https:"))

    def _log_in(self, client: httpx.Client) -> str:
        if not self._token:
            login = {"username": self.user, "password": self._password}
            answer = client.post("/auth/token", json=login)
            if answer.status_code != 201:
                raise refusal(f"login of {self.user}", answer)
            self._token = answer.json()["access_token"]
        return self._token


def _is_of_the_token(answer: httpx.Response) -> bool:
    """Its time is up (401), or Airflow's key is another one now (403, and it says so; Airflow 3.3.2)."""
    return answer.status_code == 401 or (answer.status_code == 403 and "Invalid JWT token" in answer.text)


@contextmanager
def _translated(url: str) -> Iterator[None]:
    try:
        yield
    except httpx.HTTPError as error:
        raise TransientError(
            f"The workflow engine does not answer at {url} ({type(error).__name__}: {error}). {_NOT_THE_TENANTS}",
            cause=Cause.ENGINE_UNREACHABLE,
        ) from error


def refusal(what: str, answer: httpx.Response) -> TransientError | PermanentError:
    """An answer that is none of those expected, in our words."""
    said = f"The workflow engine answered {answer.status_code} to {what}: {_said(answer)[:300]}"
    if answer.status_code >= 500 or answer.status_code in {408, 429}:
        return TransientError(f"{said.rstrip('.')}. {_NOT_THE_TENANTS}", cause=Cause.ENGINE_REFUSES)
    return PermanentError(said, cause=Cause.ENGINE_REFUSES)


def _said(answer: httpx.Response) -> str:
    """Never `input`, in which Airflow sends back what it was sent: a password stands there."""
    detail = json_object(answer.text).get("detail", answer.text)
    if isinstance(detail, dict):
        return ": ".join(str(detail[key]) for key in ("reason", "message") if key in detail)
    if isinstance(detail, list):
        wrongs = [wrong for wrong in detail if isinstance(wrong, dict)]
        return "; ".join(f"{'.'.join(map(str, each.get('loc', ())))}: {each.get('msg')}" for each in wrongs)
    return str(detail)


def json_object(text: str) -> dict[str, Any]:
    """The JSON object in a text; an empty one when there is none."""
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
