"""Daemons: started in sessions of their own, recorded in a file, and ended by that record.

A process is ours when its id and its start time match the record, because process ids are reused. Airflow's tasks leave
their parent's process group but not its session, so a daemon is ended by session. Processes that were not recorded are
never touched. `lifecycle` decides what to start and end; `health` and `postgres` check health.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Final

import psutil

from sandbox import json_files

LOG_LIMIT_BYTES: Final = 20_000_000

# Popen objects of daemons started by this very process. Kept, because they must be polled (a dead child stays a
# zombie until its parent looks) and because a forgotten one warns about itself.
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class Daemon:
    """A daemon as recorded. `birth`, its start time, distinguishes it from a later process with the same id."""

    name: str
    pid: int
    birth: str
    started_at: float
    fingerprint: str = ""

    @property
    def alive(self) -> bool:
        return _birth(self.pid) == self.birth

    @property
    def uptime_seconds(self) -> float:
        return max(0.0, time.time() - self.started_at)


@dataclass(frozen=True)
class Owner:
    """The user that a daemon runs as: by a command prefix, or by user and group."""

    prefix: tuple[str, ...] = ()
    user: int | None = None
    group: int | None = None

    def arguments(self) -> dict[str, Any]:
        if self.user is None:
            return {}
        return {"user": self.user, "group": self.group, "extra_groups": ()}


Recorder = Callable[[Daemon], None]


def unrecorded(daemon: Daemon) -> None:
    """For callers that end their daemons themselves, such as tests."""


class Register:
    """The file in which the daemons of one sandbox are recorded."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, name: str) -> Daemon | None:
        entry = json_files.read(self._path).get(name)
        return Daemon(**entry) if entry else None

    def put(self, daemon: Daemon) -> None:
        json_files.write(self._path, json_files.read(self._path) | {daemon.name: asdict(daemon)})

    def forget(self, name: str) -> None:
        entries = json_files.read(self._path)
        if entries.pop(name, None) is not None:
            json_files.write(self._path, entries)


def start(
    name: str,
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    directory: Path,
    log: Path,
    owner: Owner | None = None,
    fingerprint: str = "",
    record: Recorder = unrecorded,
) -> Daemon:
    """Start `command` in a new session, append its output to `log`, and record it before anything else."""
    owner = owner or Owner()
    with _opened(log) as output:
        child = subprocess.Popen(
            [*owner.prefix, *command],
            env=dict(environment),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **owner.arguments(),
        )
    _children[child.pid] = child
    daemon = Daemon(name, child.pid, _birth(child.pid) or "", time.time(), fingerprint)
    record(daemon)
    return daemon


def stop(daemon: Daemon, *, first: signal.Signals = signal.SIGTERM, grace_seconds: float = 4.0) -> None:
    """Ask all processes of the daemon's session to end; kill them after the grace period."""
    send_signal(daemon, first)
    await_end(daemon, time.monotonic() + grace_seconds)


def await_end(daemon: Daemon, deadline: float) -> None:
    """Wait until the session is empty; from `deadline` (monotonic) on, kill what is left."""
    while members(daemon) and time.monotonic() < deadline:
        time.sleep(0.05)
    while members(daemon):
        send_signal(daemon, signal.SIGKILL)
        time.sleep(0.05)


def result(daemon: Daemon, *, within_seconds: float) -> int | None:
    """The exit code of a daemon that this process started; None if it has not ended in time."""
    with suppress(subprocess.TimeoutExpired):
        return _children[daemon.pid].wait(within_seconds)
    return None


def send_signal(daemon: Daemon, signal_number: signal.Signals) -> None:
    for pid in members(daemon):
        _signal(pid, signal_number)


def members(daemon: Daemon) -> list[int]:
    """The living processes of the daemon's session, itself first; none if its id belongs to another process."""
    leader = _birth(daemon.pid)
    if leader not in (None, daemon.birth):
        return []
    return sorted(
        (pid for pid in psutil.pids() if _session(pid) == daemon.pid and _birth(pid) is not None),
        key=lambda pid: pid != daemon.pid,
    )


def listens(daemon: Daemon, port: int) -> bool:
    """Whether the daemon itself listens on this port. Otherwise another program answers there."""
    return any(port in _listening_ports(pid) for pid in members(daemon))


def _listening_ports(pid: int) -> set[int]:
    try:
        connections = psutil.Process(pid).net_connections("tcp")
    except psutil.Error:
        return set()
    return {each.laddr.port for each in connections if each.status == psutil.CONN_LISTEN}


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except (ProcessLookupError, PermissionError):
        return None


def _birth(pid: int) -> str | None:
    """The start time of the process, as a text to compare; None if it is gone or a zombie.

    It is Linux's count of ticks since boot, because psutil's wall clock time moves when the clock is set.
    """
    if pid in _children:
        _children[pid].poll()
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        ticks = _ticks_since_boot(pid)
        return ticks or f"{process.create_time():.2f}"
    except psutil.Error:
        return None


def _ticks_since_boot(pid: int) -> str | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    return f"{boot}/{fields[19]}"


def _signal(pid: int, signal_number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal_number)


def _opened(log: Path) -> IO[bytes]:
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.replace(log.with_suffix(".old.log"))
    return log.open("ab")
