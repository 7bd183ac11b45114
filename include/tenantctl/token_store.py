"""Keeps login tokens between commands, so that a command is one request and not two.

Each server and user has a file of its own, which only its owner can read (mode 0600). A token goes to no other server
than the one that issued it. Where nothing can be kept, each command logs in.
"""

import base64
import contextlib
import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SPARE_SECONDS: Final = 60.0
"""A token that ends sooner than this is not used any more: a command may take that long to send its request."""
_JWT: Final = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)


@dataclass(frozen=True)
class TokenStore:
    """`folder` is None where no token is kept."""

    folder: Path | None = None
    now: Callable[[], float] = time.time

    def load(self, url: str, user: str) -> str:
        """The kept token of this user at this server; "" when there is none that is private, readable and valid."""
        if self.folder is None:
            return ""
        try:
            kept = json.loads(_read_private(self._path(self.folder, url, user)))
        except (OSError, ValueError):
            return ""
        if not isinstance(kept, dict) or (kept.get("url"), kept.get("user")) != (url, user):
            return ""
        token = str(kept.get("token"))
        return token if expires_at(token) > self.now() + SPARE_SECONDS else ""

    def save(self, url: str, user: str, token: str) -> None:
        """Keep it until it expires. A home that cannot be written to costs a login for each command, nothing else."""
        if self.folder is None or expires_at(token) <= self.now() + SPARE_SECONDS:
            return
        with contextlib.suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            text = json.dumps({"url": url, "user": user, "token": token})
            _replace_private(self._path(self.folder, url, user), text)

    def forget(self, url: str, user: str) -> None:
        """Delete the kept token: the server does not accept it any more."""
        if self.folder is not None:
            with contextlib.suppress(OSError):
                self._path(self.folder, url, user).unlink(missing_ok=True)

    def _path(self, folder: Path, url: str, user: str) -> Path:
        name = hashlib.sha256(f"{url}\n{user}".encode("utf-8", "surrogatepass")).hexdigest()
        return folder / f"token-{name[:32]}.json"


KEEP_NOTHING: Final = TokenStore()


def default_folder(environ: Mapping[str, str]) -> Path | None:
    """The folder for tokens; None if they cannot be kept privately, or are not wanted (TENANCY_KEEP_TOKEN=0)."""
    if os.name != "posix" or environ.get("TENANCY_KEEP_TOKEN") == "0":
        return None
    given = Path(environ.get("XDG_STATE_HOME") or "")
    try:
        state = given if given.is_absolute() else Path("~/.local/state").expanduser()
    except RuntimeError:  # nobody has a home here
        return None
    return state / "tenantctl"


def expires_at(token: str) -> float:
    """When a JWT expires, in seconds since 1970; 0 if it is no JWT or has no expiry."""
    if not _JWT.fullmatch(token):
        return 0.0
    payload = token.split(".")[1]
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except ValueError:
        return 0.0
    expires = claims.get("exp") if isinstance(claims, dict) else None
    return float(expires) if isinstance(expires, int | float) else 0.0


def _read_private(path: Path) -> str:
    """The file's text; PermissionError when anybody else could have written or could read it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, encoding="utf-8") as file:
        status = os.fstat(file.fileno())
        if status.st_uid != os.getuid() or status.st_mode & 0o077:
            raise PermissionError(f"{path} is not private")
        return file.read()


def _replace_private(path: Path, text: str) -> None:
    """Write the file whole or not at all; it is private from its first byte on."""
    temporary = path.with_suffix(f".{os.getpid()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
