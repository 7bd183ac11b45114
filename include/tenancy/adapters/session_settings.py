"""The settings of each of our PostgreSQL sessions, as libpq's `options`, and a check that the server applied them.

Pure; the time-outs are in sessions.py. Settings in the start-up packet override those of the server, the database and
the role (PostgreSQL documentation, "Setting Parameters"). Only SET in the session itself overrides them.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tenancy.saga.causes import Cause
from tenancy.saga.errors import PlatformError

PINNED: Final[Mapping[str, str]] = MappingProxyType(
    {
        # Names that a tenant made in its database must not hide PostgreSQL's; the ledger's tables are qualified.
        "search_path": "pg_catalog",
        # psycopg reads times in the session's zone, and cannot read every style.
        "TimeZone": "UTC",
        "DateStyle": "ISO, YMD",
        "IntervalStyle": "postgres",
        "bytea_output": "hex",
        "extra_float_digits": "1",
        "standard_conforming_strings": "on",
        # Writers of the ledger meet at unique keys; nothing here retries serialization failures.
        "default_transaction_isolation": "read committed",
        "default_transaction_deferrable": "off",
        "client_min_messages": "notice",
        # A session that holds a tenant's lock is idle while the activity works elsewhere.
        "idle_session_timeout": "0",
    }
)
"""Not set: default_transaction_read_only. A read-only server reports 25006, which is tried again."""
CLIENT_ENCODING: Final = "UTF8"
REPORTED: Final = ("TimeZone", "DateStyle", "IntervalStyle", "standard_conforming_strings", "application_name")
"""Settings that every PostgreSQL reports when a session starts, so comparing them costs nothing."""

_NAME_LIMIT: Final = 63
"""PostgreSQL's NAMEDATALEN - 1."""
_SWITCH: Final = re.compile(r"(?:-c\s*|--)([A-Za-z_][\w.-]*)=(.*)", re.DOTALL)
_PIECE: Final = re.compile(r"(?:\\.|[^\s\\])+", re.DOTALL)


def options_of(settings: Mapping[str, str]) -> str:
    """The value of libpq's `options` for these settings, with blanks and backslashes escaped for the server."""
    return " ".join(f"-c {name}={_escaped(value)}" for name, value in settings.items())


def settings_of(options: str) -> dict[str, str]:
    """The settings in a value of libpq's `options`. ValueError names a part that is not `-c name=value`."""
    if _PIECE.sub("", options).strip():
        raise ValueError(options)  # it ends with a backslash
    pieces, settings = [_unescaped(piece) for piece in _PIECE.findall(options)], {}
    while pieces:
        piece = pieces.pop(0)
        if piece == "-c" and pieces:
            piece += pieces.pop(0)
        switch = _SWITCH.fullmatch(piece)
        if switch is None:
            raise ValueError(piece)
        settings[switch[1].replace("-", "_")] = switch[2]
    return settings


def named(settings: Mapping[str, str], application: str) -> dict[str, str]:
    """The settings with the session's name in pg_stat_activity, if there is one.

    The name is not a start-up parameter of its own: if it arrives, `options` arrive.
    """
    name = application.encode("ascii", "replace").decode()[:_NAME_LIMIT]
    return {**settings, "application_name": name} if name else dict(settings)


def merged(theirs: Mapping[str, str], ours: Mapping[str, str]) -> dict[str, str]:
    """Both, ours last. A setting of theirs that we set, too, is left out. Names of settings ignore case."""
    pinned = {name.lower() for name in ours}
    return {name: value for name, value in theirs.items() if name.lower() not in pinned} | dict(ours)


def require_reported(expected: Mapping[str, str], reported: Mapping[str, str | None], system: str) -> None:
    """PlatformError if a setting of ours did not reach the session. `system` names the server in the sentence."""
    lost = [name for name in REPORTED if name in expected and reported.get(name) != expected[name]]
    if lost:
        raise lost_settings({name: reported.get(name) for name in lost}, expected, system)


def lost_settings(found: Mapping[str, str | None], expected: Mapping[str, str], system: str) -> PlatformError:
    """The sentence about settings that did not reach the session."""
    differences = "; ".join(f"{name} is {value!r} instead of {expected[name]!r}" for name, value in found.items())
    return PlatformError(
        f"{system[:1].upper() + system[1:]} did not take the settings that each session of Tenancy starts with: "
        f"{differences}. A pooler such as "
        "PgBouncer (ignore_startup_parameters) drops them, and PGTZ, PGDATESTYLE or PGAPPNAME in the environment of "
        "Airflow's processes overrides them. Let the Airflow connection lead to PostgreSQL itself, and unset "
        "the variables.",
        cause=Cause.STORAGE_POOLER,
    )


def _escaped(value: str) -> str:
    return re.sub(r"([\s\\])", r"\\\1", value)


def _unescaped(piece: str) -> str:
    return re.sub(r"\\(.)", r"\1", piece, flags=re.DOTALL)
