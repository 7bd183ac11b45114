"""The secrets of docker-compose.yaml: one file each, made once, never overwritten, for their owner's eyes only.

Standard library only, so that any Python 3.11 makes them before anything is installed.
"""

import base64
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

_AIRFLOWS_UID: Final = 50000
"""The user of the official image. A caller who is not root lets the containers run as themselves, so that they can
read."""


def _password() -> str:
    # Letters, digits, - and _ only: it is put into addresses as it is.
    return secrets.token_urlsafe(24)


def _fernet_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


FILES: Final[Mapping[str, Callable[[], str]]] = {
    "fernet_key": _fernet_key,
    "jwt_secret": lambda: secrets.token_urlsafe(48),
    "api_secret_key": lambda: secrets.token_urlsafe(32),
    "metadata_superuser": _password,
    "ledger_superuser": _password,
    "storage_superuser": _password,
    "airflow_database": _password,
    "ledger_database": _password,
    "storage_admin": _password,
    "credential_key": lambda: secrets.token_hex(32),
    "broker": _password,
    "k3s_token": _password,
    "user_viewer": lambda: secrets.token_urlsafe(12),
    "user_operator": lambda: secrets.token_urlsafe(12),
    "user_engineer": lambda: secrets.token_urlsafe(12),
    "user_tenancy-service": _password,
}
"""File -> how its content is made."""


def make(folder: Path, environment: Path) -> list[Path]:
    """The missing values. `environment` is compose's own `.env`; it has the user of Airflow's containers."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    uid = os.getuid() or _AIRFLOWS_UID
    made = [path for name, content in FILES.items() if _write(path := folder / name, content, uid)]
    return [*made, *([environment] if _write(environment, lambda: f"AIRFLOW_UID={uid}\n", os.getuid()) else [])]


def _write(path: Path, content: Callable[[], str], uid: int) -> bool:
    """Whether it was not there. Written whole or not at all: half a secret would be kept for ever."""
    if path.exists():
        return False
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content())
    if uid != os.getuid():
        os.chown(draft, uid, -1)
    try:
        os.link(draft, path)  # unlike a rename, it never takes the place of another
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


def read(folder: Path, name: str) -> str:
    return (folder / name).read_text().strip()
