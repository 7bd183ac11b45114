"""Waits until new Airflow processes have sent a heartbeat and DAG files are parsed, or reports why not.

It starts and ends nothing.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import psycopg

from sandbox import health, processes
from sandbox.components import Component
from sandbox.log_tail import advice, last_lines
from sandbox.ports import not_started
from sandbox.problems import SandboxError
from sandbox.processes import Daemon

HEALTH_SECONDS: Final = 180.0
PARSE_SECONDS: Final = 90.0
_POLL_SECONDS: Final = 0.2
_NAMES_BROKEN_PRODUCTS: Final = "tenant_products.py"
"""It has no DAG. Its import error is about one product, and the others work."""


def await_health(
    ask: Callable[[], health.Report | None],
    started: Sequence[tuple[Component, Daemon]],
    *,
    log_of: Callable[[str], Path],
    ports: Mapping[str, int],
) -> None:
    """Wait until `ask` reports a heartbeat of each component since its start.

    `ports`: the port on which each named component itself has to listen, because another sandbox may answer there.
    Raises PortTakenError when a process ended because its port was taken.
    """
    deadline = time.monotonic() + HEALTH_SECONDS
    waiting = list(started)
    while waiting:
        report = ask()
        waiting = [
            (component, daemon)
            for component, daemon in waiting
            if not health.is_healthy(report, component, since=daemon.started_at)
            or not _listens(daemon, ports.get(component.name))
        ]
        for component, daemon in started:
            _require_alive(component, daemon, log_of(component.name), ports.get(component.name))
        if waiting and time.monotonic() > deadline:
            names = ", ".join(component.name for component, _ in waiting)
            logs = ", ".join(str(log_of(component.name)) for component, _ in waiting)
            raise SandboxError(f"Not healthy after {HEALTH_SECONDS:.0f} s: {names}; see {logs}.")
        time.sleep(_POLL_SECONDS if waiting else 0)


def await_dags(metadata_dsn: str, folder: Path, *, since: float) -> None:
    """Wait until each DAG file of the folder was parsed after `since`. Raises if one cannot be imported."""
    expected = _dag_files(folder)
    deadline = time.monotonic() + PARSE_SECONDS
    with psycopg.connect(metadata_dsn, autocommit=True, connect_timeout=10) as connection:
        while missing := expected - _parsed(connection, since):
            _no_import_error(connection, expected, since)
            if time.monotonic() > deadline:
                raise SandboxError(
                    f"Airflow has not parsed {', '.join(sorted(missing))} in {folder} after "
                    f"{PARSE_SECONDS:.0f} s; run `airflow dags list-import-errors` of this sandbox to see why."
                )
            time.sleep(_POLL_SECONDS)


def _listens(daemon: Daemon, port: int | None) -> bool:
    return port is None or processes.listens(daemon, port)


def _require_alive(component: Component, daemon: Daemon, log: Path, port: int | None) -> None:
    if daemon.alive:
        return
    complaint = last_lines(log, 3)
    message = f"Airflow's {component.name} ended while starting: {complaint} (log: {log}).{advice(complaint)}"
    raise not_started(message, *([port] if port else []), alive=False)


def _dag_files(folder: Path) -> set[str]:
    """The files that have DAGs. Airflow skips those that do not contain both words."""
    files = (path for path in folder.glob("*.py") if path.name != _NAMES_BROKEN_PRODUCTS)
    return {path.name for path in files if {b"dag", b"airflow"} <= _words(path.read_bytes().lower())}


def _words(source: bytes) -> set[bytes]:
    return {word for word in (b"dag", b"airflow") if word in source}


def _parsed(connection: psycopg.Connection, since: float) -> set[str]:
    rows = connection.execute(
        "SELECT relative_fileloc FROM dag WHERE NOT is_stale AND last_parsed_time >= to_timestamp(%s)", (since,)
    )
    return {str(row[0]) for row in rows}


def _no_import_error(connection: psycopg.Connection, expected: set[str], since: float) -> None:
    rows = connection.execute(
        "SELECT filename, stacktrace FROM import_error WHERE timestamp >= to_timestamp(%s)", (since,)
    )
    for filename, stacktrace in rows:
        if Path(filename).name in expected:
            reason = str(stacktrace).strip().splitlines()[-1]
            raise SandboxError(f"The DAG file {filename} cannot be imported: {reason}")
