"""The API over HTTP: logs in, sends requests, repeats a request after a broken connection, and explains errors.

Every write carries an idempotency key, so a repetition does nothing twice. This module does not wait for an API that is
unavailable: `polling` does.
"""

import time
import uuid
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final, Self

from tenantctl import diagnosis, responses
from tenantctl.exit_codes import ApiFailure, NotAuthorized, TenantctlError, Unavailable, UsageError
from tenantctl.lean_httpx import httpx
from tenantctl.responses import ApiResponse
from tenantctl.target import API, Target
from tenantctl.token_store import KEEP_NOTHING, TokenStore

TIMEOUT_SECONDS: Final = 60.0
"""As the console's dialogs wait. The first request after a restart of the api-server loads much: on a busy machine it
took more than 30 s."""
_LOGIN: Final = "/auth/token"
_AT_WORK_SECONDS: Final = 5
_AT_WORK_LOOKS: Final = 10
"""After a repetition, a 409 with a shorter Retry-After means that the server still works on the first request."""
_CUT_OFF: Final = (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)
"""The connection broke after it was established, as when a server restarts. One repetition is worth it."""


class ApiClient:
    """One command's connection. Close it. `prompt_password` is called when the target has a user but no password.

    The token comes from `tokens` if one is kept there, else from a login.
    """

    def __init__(
        self,
        target: Target,
        *,
        transport: httpx.BaseTransport | None = None,
        tokens: TokenStore = KEEP_NOTHING,
        prompt_password: Callable[[], str] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._target = target
        self._sleep = sleep
        self._prompt_password = prompt_password
        self._tokens = tokens
        self._token = target.token or tokens.load(target.url, target.user)
        self._password = target.password
        try:
            self._http = httpx.Client(
                transport=transport,
                timeout=TIMEOUT_SECONDS,
                trust_env=not target.on_loopback,
                # Loading the trusted certificates takes longer than a request, and plain HTTP needs none.
                verify=not (target.on_loopback and target.url.startswith("http://")),
            )
        except (ValueError, ImportError, OSError) as error:  # a proxy's address or a CA file in the environment
            raise ApiFailure(f"The proxy or certificate settings of this shell do not work: {error}.") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> ApiResponse:
        """GET `path` below /tenancy/api/v1. Parameters that are None or "" are not sent."""
        return self._request("GET", path, params=_require_unicode(_without_empty(params or {})))

    def post(self, path: str, body: Mapping[str, Any], *, dry_run: bool = False, key: str = "") -> ApiResponse:
        """POST once: every repetition carries the same idempotency key.

        With the caller's own `key` a second call does nothing twice either.
        """
        headers = {"X-Tenancy-Request": "1", "Idempotency-Key": key or str(uuid.uuid4())}
        params = {"dry_run": "true"} if dry_run else {}
        return self._request("POST", path, params=params, headers=headers, json=_require_unicode(_without_empty(body)))

    def _request(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **request: Any
    ) -> ApiResponse:
        """Send the request. If the token has expired (401), log in once more and repeat it."""
        fresh = not self._token
        response = self._send(method, f"{API}{path}", headers=self._with_token(headers), **request)
        if response.status_code == 401 and not fresh and not self._target.token:
            self._token = ""
            self._tokens.forget(self._target.url, self._target.user)
            response = self._send(method, f"{API}{path}", headers=self._with_token(headers), **request)
        return self._read(response)

    def _read(self, response: httpx.Response) -> ApiResponse:
        """Parse the response. Before it reports a wrong login, ask Airflow whether it can check logins at all."""
        try:
            return responses.parse_response(response)
        except TenantctlError as error:
            health_error = (
                diagnosis.diagnose_health(self._target.url, self._health()) if diagnosis.is_doubtful(response) else None
            )
            raise health_error or error from error

    def _health(self) -> dict[str, Any] | None:
        """Airflow's health report; None when it cannot be read."""
        try:
            found = self._http.get(f"{self._target.url}{diagnosis.HEALTH}", timeout=diagnosis.HEALTH_SECONDS).json()
        except (httpx.HTTPError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def _with_token(self, headers: Mapping[str, str] | None) -> dict[str, str]:
        self._token = self._token or self._log_in()
        return {**(headers or {}), "Authorization": f"Bearer {self._token}", "Accept": "application/json"}

    def _log_in(self) -> str:
        self._password = self._password or (self._prompt_password() if self._prompt_password else "")
        if not self._password:
            raise NotAuthorized(f"No password is known for {self._target.user}: set TENANCY_PASSWORD.")
        login = {"username": self._target.user, "password": self._password}
        answer = self._read(self._send("POST", _LOGIN, json=login))
        try:
            token = str(answer.data["access_token"])
        except KeyError as error:
            raise ApiFailure(f"{self._target.url} gave no token: is it Airflow 3 with Tenancy?") from error
        self._tokens.save(self._target.url, self._target.user, token)
        return token

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        url = f"{self._target.url}{path}"
        writes, cut_off = method != "GET" and path != _LOGIN, False
        try:
            try:
                return self._http.request(method, url, **request)
            except _CUT_OFF:
                cut_off = True
                return self._resend(method, url, **request)
        except httpx.TransportError as error:
            if wrong := diagnosis.diagnose_connection(self._target.url, error):
                raise wrong from error
            raise Unavailable(self._unreachable(error, writes=writes, cut_off=cut_off)) from error
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise ApiFailure(f"Tenancy at {self._target.url} cannot be used: {error}.") from error

    def _resend(self, method: str, url: str, **request: Any) -> httpx.Response:
        """Repeat a request whose connection broke. If the server still works on the first one, wait for its answer."""
        response = self._http.request(method, url, **request)
        for _ in range(_AT_WORK_LOOKS):
            wait = responses.retry_after(response)
            if response.status_code != 409 or wait is None or wait > _AT_WORK_SECONDS:
                break
            self._sleep(float(wait))
            response = self._http.request(method, url, **request)
        return response

    def _unreachable(self, error: httpx.TransportError, *, writes: bool, cut_off: bool) -> str:
        """The error and its remedy. An unreachable server did nothing, unless the connection broke before."""
        where = f"Tenancy at {self._target.url}"
        remedy = "is it up? (`make status`, `make up`)" if self._target.is_sandbox else "check --url, TENANCY_URL."
        did = " The action may have been done: check with `tenantctl show`." if writes else ""
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError):
            return f"{where} cannot be reached ({error or type(error).__name__}): {remedy}{did if cut_off else ''}"
        if isinstance(error, httpx.TimeoutException):
            return f"{where} did not respond within {TIMEOUT_SECONDS:.0f} s: try again in a minute.{did}"
        return f"The connection to {where} broke ({error or type(error).__name__}): try again.{did}"


def _require_unicode(values: dict[str, Any]) -> dict[str, Any]:
    """The same values. UsageError names a value that is no valid Unicode: a shell passes any bytes."""
    for name, value in values.items():
        if isinstance(value, dict):
            _require_unicode(value)
        elif isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
            raise UsageError(f"{name}: must be valid UTF-8 text. Nothing was sent.", field=name)
    return values


def _without_empty(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None and value is not False and value != ""}
