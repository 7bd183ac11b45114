"""Folders in memory for what tests throw away: data of PostgreSQL, whole sandboxes.

Creating a database makes 300 files. On disk (ext4, 2 cores, 2026-11-30), that was nearly half of the processor time of
tests/contract/test_hostile_tenants.py: 73 to 94 s, against 53 s in memory.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

import psutil

_MEMORY: Final = Path("/dev/shm")
_NEEDED_BYTES: Final = 6 * 1024**3
"""Two sandboxes have 1 GiB at the end of a run, and their processes need memory, too."""
_PREFIX: Final = f"tenancy-tests-{os.getuid()}"


def choose_root(memory: Path = _MEMORY, needed: int = _NEEDED_BYTES) -> Path | None:
    """The file system in memory; None on a machine that has none, or too little memory."""
    if not os.access(memory, os.W_OK) or psutil.virtual_memory().available < needed:
        return None
    return memory if shutil.disk_usage(memory).free >= needed else None


def sandbox_home(project: Path, name: str) -> Path:
    """Always the same of one checkout: in memory, or in the project's folder."""
    root = choose_root()
    checkout = sha256(str(project).encode()).hexdigest()[:8]
    return root / f"{_PREFIX}-{checkout}{name}" if root else project / name


@contextmanager
def scratch_folder(otherwise: Path, root: Path | None = None) -> Iterator[Path]:
    """A folder that is removed at the end: in memory, or `otherwise`, which pytest removes."""
    chosen = root or choose_root()
    if chosen is None:
        yield otherwise
        return
    _remove_abandoned(chosen)
    with tempfile.TemporaryDirectory(prefix=f"{_PREFIX}-pid-{os.getpid()}-", dir=chosen) as folder:
        yield Path(folder)


def _remove_abandoned(root: Path) -> None:
    """What a killed test run left."""
    for folder in root.glob(f"{_PREFIX}-pid-*"):
        pid = folder.name.removeprefix(f"{_PREFIX}-pid-").split("-")[0]
        if not psutil.pid_exists(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)
