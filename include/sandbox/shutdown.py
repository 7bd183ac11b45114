"""Ends the parts of a sandbox: recorded processes and nothing else.

`lifecycle` calls it for `down` and for parts that must restart.
"""

import signal
import time
from collections.abc import Sequence
from typing import Final

from sandbox import broker, cluster_server, postgres, processes, servers
from sandbox.components import EVERY_NAME, PREPARE
from sandbox.processes import Register
from sandbox.progress import ProgressReporter

AIRFLOW_GRACE_SECONDS: Final = 4.0
# Workers whose scheduler was killed ignore SIGTERM (Airflow 3.3.2), so a long wait does not help.
ORPHANS_GRACE_SECONDS: Final = 0.5


def stop_everything(register: Register, progress: ProgressReporter) -> None:
    """Stop all parts in the reverse order of their start."""
    names = [PREPARE, *EVERY_NAME]
    if any(register.get(name) for name in names):
        with progress.step("Stop Airflow"):
            stop_airflow(register, names)
    if register.get(broker.NAME):
        with progress.step("Stop Redis"):
            stop_broker(register)
    if register.get(cluster_server.NAME):
        with progress.step("Stop the cluster"):
            stop_cluster(register)
    names = [name for name in map(servers.process_name, servers.NAMES) if register.get(name)]
    if names:
        with progress.step("Stop PostgreSQL"):
            stop_servers(register, names)


def stop_airflow(register: Register, names: Sequence[str]) -> None:
    """Ask all at once, also the api-server: tasks that cannot report run again after the next start."""
    daemons = [daemon for name in reversed(names) if (daemon := register.get(name))]
    for daemon in daemons:
        processes.send_signal(daemon, signal.SIGTERM)
    orphans_only = not any(daemon.alive for daemon in daemons)
    deadline = time.monotonic() + (ORPHANS_GRACE_SECONDS if orphans_only else AIRFLOW_GRACE_SECONDS)
    for daemon in daemons:
        processes.await_end(daemon, deadline)
        register.forget(daemon.name)


def stop_cluster(register: Register) -> None:
    _stop(register, cluster_server.NAME)


def stop_broker(register: Register) -> None:
    _stop(register, broker.NAME)


def _stop(register: Register, name: str) -> None:
    daemon = register.get(name)
    if daemon is not None:
        processes.stop(daemon)
        register.forget(name)


def stop_servers(register: Register, names: Sequence[str]) -> None:
    postgres.stop(*(daemon for name in names if (daemon := register.get(name))))
    for name in names:
        register.forget(name)
