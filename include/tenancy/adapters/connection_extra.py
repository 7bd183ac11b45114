"""Reads an Airflow connection to PostgreSQL: which keys its extra may have, and what each means. Pure, except that it
checks file paths.

There are three kinds of keys (docs/integrating/connections.md): libpq's parameters for our own sessions; `tenant_…` for
values that tenants use instead. All others are refused with a sentence.
"""

import os
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Final

from tenancy.adapters.dsn import DEFAULT_PORT, TENANT_PARAMETERS, Dsn
from tenancy.adapters.session_settings import settings_of
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PlatformError

_SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    "sslmode": _SSL_MODES,
    "sslnegotiation": ("postgres", "direct"),
    "sslcertmode": ("disable", "allow", "require"),
    "channel_binding": ("disable", "prefer", "require"),
    "gssencmode": ("disable", "prefer", "require"),
    "load_balance_hosts": ("disable", "random"),
    "target_session_attrs": ("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
}
FILES: Final = ("sslrootcert", "sslcert", "sslkey", "sslcrl", "sslcrldir")
ACCEPTED: Final = frozenset(
    {
        *_VALUES, *FILES, "sslpassword", "sslsni", "ssl_min_protocol_version", "ssl_max_protocol_version",
        "min_protocol_version", "max_protocol_version", "require_auth", "requirepeer", "krbsrvname", "gsslib",
        "gssdelegation", "hostaddr", "options",
    }
)  # fmt: skip
"""Parameters of libpq that the extra may have (PostgreSQL 18 documentation, "Parameter Key Words")."""
TENANT_PREFIX: Final = "tenant_"
FOR_TENANTS: Final = frozenset(TENANT_PREFIX + name for name in ("host", "port", *TENANT_PARAMETERS))
_FIELDS: Final = {"user": "Login", "password": "Password", "dbname": "Schema", "host": "Host"}
_OURS: Final = frozenset(
    {
        "application_name", "fallback_application_name", "client_encoding", "connect_timeout", "keepalives",
        "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout", "replication",
    }
)  # fmt: skip
"""Parameters that Tenancy sets itself."""


def dsn_of_connection(
    conn_id: str,
    label: str,
    *,
    host: str | None,
    port: int | None,
    dbname: str | None,
    user: str | None,
    password: str | None,
    extra: Mapping[str, Any],
) -> Dsn:
    """The database that the connection names. PlatformError names the connection, the key and what to do."""
    given = {key: _text(conn_id, key, value) for key, value in extra.items() if value not in (None, "")}
    ports = given.pop("port", "")
    for key in given:
        _require_accepted(conn_id, key)
    for key, value in given.items():
        _require_sound(conn_id, key, value)
    if not (user and dbname and (host or "hostaddr" in given)):
        missing = [name for name, value in (("Host", host), ("Schema", dbname), ("Login", user)) if not value]
        raise _refusal(conn_id, f"lacks {', '.join(missing)}", "Fill it in: Admin, Connections.")
    tenants = {key.removeprefix(TENANT_PREFIX): value for key, value in given.items() if key in FOR_TENANTS}
    return Dsn(
        host=host or given["hostaddr"],
        port=_ports(conn_id, "port", ports) if ports else port or DEFAULT_PORT,
        dbname=dbname,
        user=user,
        password=password or "",
        label=label,
        connection=conn_id,
        options={key: value for key, value in given.items() if key not in FOR_TENANTS},
        tenant_overrides=tenants,
    )


def _text(conn_id: str, key: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, str | int):
        return str(value)
    raise _refusal(conn_id, f"has a value that is no text or number at `{key}` of its extra", "Correct it.")


def _require_accepted(conn_id: str, key: str) -> None:
    if key in ACCEPTED or key in FOR_TENANTS:
        return
    what = f"has `{key}` in its extra"
    if key in _OURS:
        raise _refusal(conn_id, f"{what}, which Tenancy sets itself", "Remove it.")
    if key in _FIELDS:
        raise _refusal(conn_id, f"{what}, which belongs in its field {_FIELDS[key]}", "Move it there.")
    if key in {"service", "servicefile", "passfile"}:
        raise _refusal(conn_id, f"{what}, whose file could change any other parameter", "Write the parameters out.")
    close = get_close_matches(key, [*ACCEPTED, *FOR_TENANTS], n=1)
    hint = f"Did you mean `{close[0]}`? " if close else ""
    raise _refusal(
        conn_id, f"{what}, which is no parameter that Tenancy knows",
        f"{hint}Remove it, or use one of: {', '.join(sorted({*ACCEPTED, *FOR_TENANTS, 'port'}))}.",
    )  # fmt: skip


def _require_sound(conn_id: str, key: str, value: str) -> None:
    allowed = _VALUES.get(key.removeprefix(TENANT_PREFIX))
    if allowed and value not in allowed:
        raise _refusal(conn_id, f"has `{key}` {value!r} in its extra", f"Use one of: {', '.join(allowed)}.")
    if key == "tenant_port":
        _ports(conn_id, key, value)
    if key == "options":
        _require_options(conn_id, value)
    if key in FILES and value != "system" and not os.access(value, os.R_OK):
        raise _refusal(
            conn_id, f"has `{key}` {value!r} in its extra, which this process cannot read",
            "Mount the file in every process of Airflow, readable to its user, or correct the path.",
        )  # fmt: skip


def _require_options(conn_id: str, value: str) -> None:
    try:
        settings_of(value)
    except ValueError as error:
        raise _refusal(
            conn_id, f"has `options` in its extra that cannot be read at {error}", "Write each as `-c name=value`."
        ) from error


def _ports(conn_id: str, key: str, value: str) -> int | str:
    numbers = value.split(",")
    if not all(number.isdecimal() and 0 < int(number) < 65536 for number in numbers):
        raise _refusal(conn_id, f"has `{key}` {value!r} in its extra", "Use numbers from 1 to 65535.")
    return int(value) if len(numbers) == 1 else value


def _refusal(conn_id: str, what: str, remedy: str) -> PlatformError:
    return PlatformError(f"The Airflow connection {conn_id} {what}. {remedy}", cause=Cause.STORAGE_CONNECTION)
