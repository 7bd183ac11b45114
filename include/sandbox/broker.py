"""Redis, the broker of Celery: starts it, checks its health and lists its connections.

It is the machine's own redis-server with our configuration, port and password. Each message is on disk before it is
acknowledged, so that a kill -9 loses none. Only the standard library is used, because `up` must be quick.
"""

import shutil
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sandbox import json_files, processes
from sandbox.environment import inherited
from sandbox.layout import Layout
from sandbox.log_tail import advice, last_lines
from sandbox.ports import HOST, not_started
from sandbox.processes import Daemon, Recorder
from sandbox.secrets import Secrets

NAME: Final = "redis"
PROGRAM: Final = "redis-server"
START_SECONDS: Final = 30.0
_ANSWER_SECONDS: Final = 3.0


@dataclass(frozen=True)
class Broker:
    """The Redis of the sandbox at `layout`."""

    layout: Layout
    port: int
    password: str

    @classmethod
    def of(cls, layout: Layout, ports: Mapping[str, int], secrets: Secrets) -> "Broker":
        return cls(layout, ports["broker"], secrets.broker)

    @property
    def log(self) -> Path:
        return self.layout.log_of(NAME)

    def healthy(self) -> bool:
        """It answers and has loaded its data from disk."""
        try:
            return self._ask("PING") == "PONG"
        except OSError:
            return False

    def idle_seconds(self) -> dict[int, float]:
        """By the client's port: for how many seconds each connection has been idle."""
        try:
            clients = self._ask("CLIENT LIST").splitlines()
        except OSError:
            return {}
        fields_of = [dict(word.split("=", 1) for word in line.split() if "=" in word) for line in clients]
        return {int(each["addr"].rpartition(":")[2]): float(each["idle"]) for each in fields_of}

    def start(self, record: Recorder) -> Daemon:
        """Start it and wait until it responds."""
        self.layout.redis.mkdir(mode=0o700, exist_ok=True)
        # In a file, because arguments can be read by everybody on the machine.
        json_files.write_private(self.layout.redis / "redis.conf", self._configuration())
        daemon = processes.start(
            NAME,
            [shutil.which(PROGRAM) or PROGRAM, str(self.layout.redis / "redis.conf")],
            environment=inherited(),
            directory=self.layout.redis,
            log=self.log,
            record=record,
        )
        self._await_ready(daemon)
        return daemon

    def _await_ready(self, daemon: Daemon) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self.healthy():
            if not daemon.alive or time.monotonic() > deadline:
                log_end = last_lines(self.log, 3)
                message = f"Redis did not start: {log_end} (log: {self.log}).{advice(log_end)}"
                raise not_started(message, self.port, alive=daemon.alive)
            time.sleep(0.05)

    def _configuration(self) -> str:
        settings = {
            "bind": HOST,
            "port": self.port,
            "requirepass": self.password,
            "dir": f'"{self.layout.redis}"',
            # A message that Redis accepted is a task that nobody else knows of, so every write reaches the disk before
            # the answer. `everysec` may postpone the write while a sync is in progress (Redis 7.0).
            "appendonly": "yes",
            "appendfsync": "always",
            "save": '""',
            "daemonize": "no",
        }
        return "".join(f"{name} {value}\n" for name, value in settings.items())

    def _ask(self, question: str) -> str:
        """One command in Redis' own protocol. Raises OSError when there is no answer."""
        with socket.create_connection((HOST, self.port), timeout=_ANSWER_SECONDS) as connection:
            connection.sendall(f"AUTH {self.password}\r\n{question}\r\n".encode())
            with connection.makefile("rb") as answers:
                answers.readline()
                answer = answers.readline().decode().strip()
                if answer.startswith("$"):
                    return answers.read(int(answer[1:])).decode()
        return answer.removeprefix("+")


def is_installed() -> bool:
    return shutil.which(PROGRAM) is not None
