"""Finds server and login: from the options, else the environment, else this project's sandbox.

It reads the sandbox's two files as plain JSON. The sandbox's passwords are sent to the sandbox's address only.
"""

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from tenantctl.exit_codes import UsageError
from tenantctl.text import is_text

API: Final = "/tenancy/api/v1"
_VARIABLES: Final = ("TENANCY_URL", "TENANCY_USER", "TENANCY_PASSWORD", "TENANCY_TOKEN")
_OPERATOR: Final = "operator"
_NO_TARGET: Final = (
    "No Tenancy is known here: start the sandbox (`make up`), or give --url or TENANCY_URL with TENANCY_USER and "
    "TENANCY_PASSWORD, or TENANCY_TOKEN."
)


@dataclass(frozen=True)
class ConnectionOptions:
    """The options about server and login; None where one is missing."""

    url: str | None = None
    user: str | None = None
    password: str | None = None
    token: str | None = None

    def over(self, other: "ConnectionOptions") -> "ConnectionOptions":
        """These options, and the other's where one is missing here."""
        return ConnectionOptions(
            self.url or other.url, self.user or other.user, self.password or other.password, self.token or other.token
        )


@dataclass(frozen=True)
class Target:
    """Server and login. `url` has no trailing slash. Either a token, or a user with a password ("": ask for it)."""

    url: str
    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    is_sandbox: bool = False

    @property
    def on_loopback(self) -> bool:
        """Whether the server is on this computer, so that no proxy is used."""
        host = urlsplit(self.url).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost" or host.endswith(".localhost")


def resolve_target(flags: ConnectionOptions, environ: Mapping[str, str], sandbox_home: Path) -> Target:
    """Find server and login. UsageError when one of them is unknown."""
    for name in _VARIABLES:
        if not is_text(environ.get(name, "")):
            raise UsageError(f"{name} has characters that are not UTF-8.")
    given = flags.url or environ.get("TENANCY_URL")
    if given:
        return _of_server(_checked_url(given), flags, environ)
    return _of_sandbox(flags, environ, sandbox_home)


def _of_server(url: str, flags: ConnectionOptions, environ: Mapping[str, str]) -> Target:
    token, user, password = _login(flags, environ)
    if token:
        return Target(url, token=token)
    if not user:
        raise UsageError(f"No user is given for {url}: set TENANCY_USER and TENANCY_PASSWORD, or TENANCY_TOKEN.")
    return Target(url, user=user, password=password)


def _of_sandbox(flags: ConnectionOptions, environ: Mapping[str, str], home: Path) -> Target:
    ports = _read_json(home / "ports.json")
    if "api" not in ports:
        raise UsageError(_NO_TARGET)
    url = f"http://127.0.0.1:{ports['api']}"
    token, user, password = _login(flags, environ)
    if token:
        return Target(url, token=token, is_sandbox=True)
    users = _read_json(home / "secrets.json").get("users", {})
    user = user or _OPERATOR
    return Target(url, user=user, password=password or str(users.get(user, "")), is_sandbox=True)


def _login(flags: ConnectionOptions, environ: Mapping[str, str]) -> tuple[str, str, str]:
    """Token, user, password. A user on the command line overrides a token in the environment."""
    token = flags.token or ("" if flags.user else environ.get("TENANCY_TOKEN", ""))
    user = flags.user or environ.get("TENANCY_USER", "")
    # The environment's password belongs to the environment's user.
    same = flags.user in {None, environ.get("TENANCY_USER")}
    return token, user, flags.password or (environ.get("TENANCY_PASSWORD", "") if same else "")


def _checked_url(url: str) -> str:
    shown = "This" if "@" in url else url  # it may have a password
    wrong = UsageError(f"{shown} is not an address of Tenancy: give one such as https://airflow.example.com.")
    try:
        parts = urlsplit(url.strip())
    except ValueError as error:  # such as a bracket that is not closed
        raise wrong from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise wrong
    if parts.username or parts.password:
        raise UsageError(
            "Do not put the login into the address, where others see it: use TENANCY_USER and TENANCY_PASSWORD."
        )
    path = parts.path.rstrip("/").removesuffix(API)
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except PermissionError as error:
        raise UsageError(f"{path} belongs to another user: {_NO_TARGET}") from error
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read ({error}): {_NO_TARGET}") from error
    return found if isinstance(found, dict) else {}
