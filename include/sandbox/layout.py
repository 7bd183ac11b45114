"""The paths of everything in one sandbox.

Every other module of the sandbox takes its paths from here. This one creates the home (mode 0700, because data and
secrets are in it) and nothing else; it never decides what a file contains.
"""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HOME_VARIABLE: Final = "TENANCY_SANDBOX_HOME"
_PLATFORM_FILE: Final = "TENANCY_PLATFORM_FILE"
PROJECT: Final = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Layout:
    """The home of one sandbox and the project it runs."""

    home: Path
    project: Path = PROJECT

    @classmethod
    def find(cls, home: Path | None = None) -> "Layout":
        """`home` if given, else $TENANCY_SANDBOX_HOME, else `.sandbox` in the project."""
        chosen = home or Path(os.environ.get(HOME_VARIABLE) or PROJECT / ".sandbox")
        return cls(Path(os.path.abspath(chosen.expanduser())))  # noqa: PTH100 - resolve() would follow links

    @property
    def python(self) -> Path:
        """The interpreter of this process: its virtual environment contains Airflow too."""
        return Path(sys.executable)

    @property
    def include(self) -> Path:
        return self.project / "include"

    @property
    def dags(self) -> Path:
        return self.project / "dags"

    @property
    def plugins(self) -> Path:
        return self.project / "plugins"

    @property
    def platform_file(self) -> Path:
        """The sandbox's own, unless the shell names another."""
        return Path(os.environ.get(_PLATFORM_FILE) or self.include / "sandbox" / "platform.toml").absolute()

    @property
    def products(self) -> Path:
        return self.project / "products"

    @property
    def airflow_home(self) -> Path:
        return self.home / "airflow"

    @property
    def airflow_environment(self) -> Path:
        return self.home / "airflow.env"

    @property
    def airflow_command(self) -> Path:
        return self.home / "bin" / "airflow"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def cluster(self) -> Path:
        return self.home / "cluster"

    @property
    def cluster_token(self) -> Path:
        return self.cluster / "token"

    @property
    def programs(self) -> Path:
        """Image -> the local program that stands for it."""
        return self.cluster / "programs.json"

    @property
    def kubeconfig(self) -> Path:
        return self.cluster / "kubeconfig"

    @property
    def faults(self) -> Path:
        return self.home / "faults.json"

    @property
    def secrets(self) -> Path:
        return self.home / "secrets.json"

    @property
    def ports(self) -> Path:
        return self.home / "ports.json"

    @property
    def processes(self) -> Path:
        return self.home / "processes.json"

    @property
    def prepared(self) -> Path:
        return self.home / "prepared.json"

    @property
    def executor(self) -> Path:
        return self.home / "executor.json"

    @property
    def redis(self) -> Path:
        return self.home / "redis"

    @property
    def lock(self) -> Path:
        return self.home / "lock"

    @property
    def servers(self) -> Path:
        return self.home / "postgres"

    def postgres(self, server: str) -> Path:
        return self.servers / server

    def log_of(self, component: str) -> Path:
        return self.logs / f"{component}.log"

    def create(self) -> None:
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.logs.mkdir(mode=0o700, exist_ok=True)

    @property
    def exists(self) -> bool:
        """Whether any file of a sandbox is here."""
        return any(entry.exists() for entry in self._entries)

    def remove(self) -> None:
        """Delete only files that a sandbox creates, by name, in case the home was given by mistake."""
        for entry in self._entries:
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)
        if self.home.is_dir() and not any(self.home.iterdir()):
            self.home.rmdir()

    @property
    def _entries(self) -> tuple[Path, ...]:
        folders = (self.airflow_home, self.airflow_command.parent, self.logs, self.cluster, self.servers, self.redis)
        settings = (self.airflow_environment, self.secrets, self.ports)
        return folders + settings + (self.processes, self.prepared, self.faults, self.executor, self.lock)
