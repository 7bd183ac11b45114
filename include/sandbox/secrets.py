"""The passwords and keys of one sandbox: generated at its first start, stored in a file that only its owner may read.

`lifecycle` generates them; `airflow_env`, `databases` and `access` pass them on, always by environment or pipe, because
everybody on the machine can read the arguments of a process.
"""

import base64
import secrets
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

from sandbox import json_files

USERS: Final = ("viewer", "operator", "engineer", "tenancy-service")


@dataclass(frozen=True, repr=False)
class Secrets:
    """No `repr`: a secret must not reach a log or a test report by accident."""

    fernet_key: str
    jwt_secret: str
    api_secret_key: str
    platform_superuser: str
    storage_superuser: str
    airflow_database: str
    ledger_database: str
    storage_admin: str
    credential_key_hex: str
    users: dict[str, str]
    broker: str = ""


def load_or_create(path: Path) -> Secrets:
    """The stored ones; those that a newer version needs besides are generated and stored."""
    found = json_files.read(path)
    complete = _completed(found)
    if asdict(complete) != found:
        json_files.write(path, asdict(complete))
    return complete


def load(path: Path) -> Secrets:
    return Secrets(**json_files.read(path))


def _completed(found: dict[str, Any]) -> Secrets:
    fresh = _generated()
    known = {field.name: found[field.name] for field in fields(Secrets) if field.name in found}
    known["users"] = {**fresh.users, **known.get("users", {})}
    return replace(fresh, **known)


def _generated() -> Secrets:
    return Secrets(
        fernet_key=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        jwt_secret=secrets.token_urlsafe(48),
        api_secret_key=secrets.token_urlsafe(32),
        platform_superuser=secrets.token_urlsafe(24),
        storage_superuser=secrets.token_urlsafe(24),
        airflow_database=secrets.token_urlsafe(24),
        ledger_database=secrets.token_urlsafe(24),
        storage_admin=secrets.token_urlsafe(24),
        credential_key_hex=secrets.token_hex(32),
        users={user: secrets.token_urlsafe(12) for user in USERS},
        broker=secrets.token_hex(24),
    )
