"""Detects a pooler between us and PostgreSQL. Each process checks each server once.

A pooler may drop our time-outs, or share one server session among several of ours. Unchecked, that would show only when
a statement hangs or two processes hold the same lock. Parameters that a pooler refuses are reported as 08P01;
session_settings.py detects most of those that it drops.
"""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from tenancy.adapters.session_settings import lost_settings
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PlatformError

if TYPE_CHECKING:
    import psycopg

_BOUNDS: Final = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "search_path")
_UNITS: Final = {"ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
_QUERY: Final = """
    select pg_catalog.pg_backend_pid() as pid, name, pg_catalog.current_setting(name, true) as value
      from pg_catalog.unnest(%s::pg_catalog.text[]) as name
"""
_PID: Final = "select pg_catalog.pg_backend_pid() as pid"

_checked_servers: set[str] = set()
"""The servers that this process has checked."""


def require_direct(
    connection: "psycopg.Connection[dict[str, Any]]",
    expected: Mapping[str, str],
    *,
    place: str,
    system: str,
    open_another: "Callable[[], psycopg.Connection[dict[str, Any]]]",
) -> None:
    """PlatformError if a pooler at `place` dropped our limits, or shares its sessions."""
    if place in _checked_servers:
        return
    rows = connection.execute(_QUERY, (list(_BOUNDS),)).fetchall()
    lost = {row["name"]: row["value"] for row in rows if not _same(row["value"], expected[row["name"]])}
    if lost:
        raise lost_settings(lost, expected, system)
    if rows[0]["pid"] != connection.info.backend_pid:  # this process is not the one that accepted the connection
        with open_another() as other:
            _require_unshared(connection, other, system)
    _checked_servers.add(place)


def _require_unshared(
    connection: "psycopg.Connection[dict[str, Any]]", other: "psycopg.Connection[dict[str, Any]]", system: str
) -> None:
    pids = [each.execute(_PID).fetchone() for each in (connection, other, connection)]
    if pids[0] == pids[1] or pids[0] != pids[2]:
        raise PlatformError(
            f"A pooler is between Tenancy and {system} and shares one server session among several of ours, so locks "
            "on tenants do not work. Let the Airflow connection lead to PostgreSQL itself; session pooling "
            "(pool_mode = session) is not enough where start-up parameters are dropped.",
            cause=Cause.STORAGE_POOLER,
        )


def _same(actual: str | None, expected: str) -> bool:
    return actual is not None and _milliseconds(actual) == _milliseconds(expected)


def _milliseconds(value: str) -> int | str:
    """PostgreSQL writes 3600s as 1h. Values that are no times are compared unchanged."""
    time = re.fullmatch(r"(\d+)\s*(ms|s|min|h|d)?", value)
    return int(time[1]) * _UNITS[time[2] or "ms"] if time else value
