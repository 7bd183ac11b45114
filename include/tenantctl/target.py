"""Whom to ask and as whom: from the flags, else the environment, else the sandbox of this project.

The sandbox's two files are read as plain JSON. Its passwords are used for its own address only: nobody else's server
ever gets them.
"""

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from tenantctl.exit_codes import UsageError

API: Final = "/tenancy/api/v1"
_OPERATOR: Final = "operator"
_NO_TARGET: Final = (
    "No Tenancy is known here: start the sandbox (`make up`), or give --url or TENANCY_URL with TENANCY_USER and "
    "TENANCY_PASSWORD, or TENANCY_TOKEN."
)


@dataclass(frozen=True)
class ConnectionOptions:
    """What the command line said; None where it said nothing."""

    url: str | None = None
    user: str | None = None
    password: str | None = None
    token: str | None = None

    def over(self, other: "ConnectionOptions") -> "ConnectionOptions":
        """These where given, else the other's."""
        return ConnectionOptions(
            self.url or other.url, self.user or other.user, self.password or other.password, self.token or other.token
        )


@dataclass(frozen=True)
class Target:
    """`url` has no slash at its end. Either a token, or a user with a password ("" when it must be asked)."""

    url: str
    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    is_sandbox: bool = False

    @property
    def on_loopback(self) -> bool:
        """Is it this machine? Then no proxy stands between."""
        host = urlsplit(self.url).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost" or host.endswith(".localhost")


def resolve_target(flags: ConnectionOptions, environ: Mapping[str, str], sandbox_home: Path) -> Target:
    """Raises UsageError when no address or no login is known."""
    given = flags.url or environ.get("TENANCY_URL")
    if given:
        return _of_server(_checked_url(given), flags, environ)
    return _of_sandbox(flags, environ, sandbox_home)


def _of_server(url: str, flags: ConnectionOptions, environ: Mapping[str, str]) -> Target:
    token, user, password = _login(flags, environ)
    if token:
        return Target(url, token=token)
    if not user:
        raise UsageError(
            f"Nobody is named to log in as at {url}: set TENANCY_USER and TENANCY_PASSWORD, or TENANCY_TOKEN."
        )
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
    """Token, user, password; a user on the command line outweighs a token in the environment."""
    token = flags.token or ("" if flags.user else environ.get("TENANCY_TOKEN", ""))
    user = flags.user or environ.get("TENANCY_USER", "")
    # The environment's password belongs to the environment's user.
    same = flags.user in {None, environ.get("TENANCY_USER")}
    return token, user, flags.password or (environ.get("TENANCY_PASSWORD", "") if same else "")


def _checked_url(url: str) -> str:
    parts = urlsplit(url.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(f"{url} is no address of Tenancy: give one such as https://airflow.example.com.")
    if parts.username or parts.password:
        raise UsageError(
            "Leave the login out of the address: it would be shown; use TENANCY_USER and TENANCY_PASSWORD."
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
