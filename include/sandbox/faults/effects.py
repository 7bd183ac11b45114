"""How each fault of PostgreSQL and Airflow is set, detected and cleared. The table is EFFECTS.

Only `client.py` calls it. Every function is idempotent, and clearing a fault that was never set does nothing.
"""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import psutil

from sandbox import processes, servers
from sandbox.access import Access
from sandbox.components import API_SERVER
from sandbox.environment import inherited
from sandbox.faults import sql
from sandbox.faults.records import PlatformFault
from sandbox.log_tail import last_lines
from sandbox.problems import SandboxError
from sandbox.processes import Daemon, Register

_BEGIN_SECONDS: Final = 20.0
_STOP_SECONDS: Final = 3.0

FaultAction = Callable[[Access, PlatformFault], None]


@dataclass(frozen=True)
class Effect:
    """How to set and clear a fault. `holds` checks the server itself, not the record."""

    begin: FaultAction
    end: FaultAction
    holds: Callable[[Access, PlatformFault], bool]


def _alter(access: Access, fault: PlatformFault) -> None:
    sql.run(access, sql.SET[fault.kind])


def _alter_back(access: Access, fault: PlatformFault) -> None:
    sql.run(access, sql.CLEAR[fault.kind])


def _is_altered(access: Access, fault: PlatformFault) -> bool:
    return bool(sql.run(access, sql.HOLDS[fault.kind]))


def _stop_processes(access: Access, fault: PlatformFault) -> None:
    processes.send_signal(_victim(access, fault), signal.SIGSTOP)
    deadline = time.monotonic() + _STOP_SECONDS
    while not _are_stopped(access, fault) and time.monotonic() < deadline:
        time.sleep(0.01)


def _continue_processes(access: Access, fault: PlatformFault) -> None:
    daemon = Register(access.layout.processes).get(_VICTIMS[fault.kind])
    if daemon is not None:
        processes.send_signal(daemon, signal.SIGCONT)


def _are_stopped(access: Access, fault: PlatformFault) -> bool:
    daemon = Register(access.layout.processes).get(_VICTIMS[fault.kind])
    return daemon is not None and daemon.alive and psutil.Process(daemon.pid).status() == psutil.STATUS_STOPPED


def _victim(access: Access, fault: PlatformFault) -> Daemon:
    daemon = Register(access.layout.processes).get(_VICTIMS[fault.kind])
    if daemon is None or not daemon.alive:
        raise SandboxError(f"{_VICTIMS[fault.kind]} does not run; `python -m sandbox up` starts it.")
    return daemon


def _open_session(access: Access, fault: PlatformFault) -> None:
    """Returns when the session holds its lock, or after 2 s if it waits for a tenant's database to be created."""
    layout = access.layout
    log = layout.log_of(fault.process)
    daemon = processes.start(
        fault.process,
        [str(layout.python), "-m", "sandbox.faults.sessions", fault.kind, fault.tenant],
        environment=inherited() | {"PYTHONPATH": str(layout.include), "TENANCY_SANDBOX_HOME": str(layout.home)},
        directory=layout.home,
        log=log,
        record=Register(layout.processes).put,
    )
    deadline = time.monotonic() + _BEGIN_SECONDS
    while "holding" not in last_lines(log, 3):
        if not daemon.alive:
            raise SandboxError(f"{fault.kind} could not be set: {last_lines(log, 2)} (log: {log}).")
        if fault.tenant and time.monotonic() > deadline - _BEGIN_SECONDS + 2:
            return
        if time.monotonic() > deadline:
            raise SandboxError(f"{fault.kind} is not in effect after {_BEGIN_SECONDS:.0f} s (log: {log}).")
        time.sleep(0.05)


def _close_session(access: Access, fault: PlatformFault) -> None:
    register = Register(access.layout.processes)
    daemon = register.get(fault.process)
    if daemon is not None:
        processes.stop(daemon)
        register.forget(fault.process)
    access.layout.log_of(fault.process).unlink(missing_ok=True)


def _is_open(access: Access, fault: PlatformFault) -> bool:
    daemon = Register(access.layout.processes).get(fault.process)
    return daemon is not None and daemon.alive


def _lock_schema(access: Access, fault: PlatformFault) -> None:
    _alter(access, fault)
    _open_session(access, fault)


def _unlock_schema(access: Access, fault: PlatformFault) -> None:
    _close_session(access, fault)
    _alter_back(access, fault)


def _fail_revisions(access: Access, fault: PlatformFault) -> None:
    sql.fail_revisions(access, fault.tenant)


def _stop_failing(access: Access, _fault: PlatformFault) -> None:
    sql.stop_failing_revisions(access)


def _do_fail(access: Access, _fault: PlatformFault) -> bool:
    return sql.revisions_fail(access)


def _of_the_server(
    begin: Callable[[Access], None], end: Callable[[Access], None], holds: Callable[[Access], bool]
) -> Effect:
    return Effect(lambda access, _: begin(access), lambda access, _: end(access), lambda access, _: holds(access))


_VICTIMS: Final = {
    "storage-stopped": servers.process_name(servers.STORAGE),
    "api-server-stopped": API_SERVER.name,
}
_STATEMENT: Final = Effect(_alter, _alter_back, _is_altered)
_PROCESSES: Final = Effect(_stop_processes, _continue_processes, _are_stopped)
_SESSION: Final = Effect(_open_session, _close_session, _is_open)
EFFECTS: Final = {
    "databases-locked": _SESSION,
    "handles-locked": _SESSION,
    "schema-locked": Effect(_lock_schema, _unlock_schema, _is_open),
    "no-connection-slots": _STATEMENT,
    "no-createdb": _STATEMENT,
    "disk-full": _of_the_server(sql.fill_disk, sql.free_disk, sql.disk_is_full),
    "failing-revision": Effect(_fail_revisions, _stop_failing, _do_fail),
    "storage-stopped": _PROCESSES,
    "api-server-stopped": _PROCESSES,
}
