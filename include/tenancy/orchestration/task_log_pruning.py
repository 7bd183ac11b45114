"""Deletes old task logs of our periodic DAGs from this machine's disk: one file a run, some 2,900 a day.

Called by the reality check's task. Each worker with a disk of its own prunes its own when it runs that task. Knows
Airflow's default names only (`dag_id=…/run_id=…/`): with another `[logging] log_filename_template` nothing is deleted.
Logs in remote storage expire by that storage's own rules.
"""

import os
import shutil
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final

_AT_ONCE: Final = 3000
"""Folders deleted in one pass. Sixty come in half an hour."""


def prune_task_logs(log_folder: Path, dag_ids: Iterable[str], *, before: datetime) -> int:
    """Delete the log folders of runs that nobody wrote to since `before`; how many there were."""
    old = [folder for dag_id in dag_ids for folder in _unchanged_since(log_folder / f"dag_id={dag_id}", before)]
    for folder in islice(old, _AT_ONCE):
        shutil.rmtree(folder, ignore_errors=True)
    return min(len(old), _AT_ONCE)


def _unchanged_since(of_dag: Path, before: datetime) -> Iterator[Path]:
    if not of_dag.is_dir():
        return
    with os.scandir(of_dag) as entries:
        for entry in entries:
            if entry.name.startswith("run_id=") and _last_write(Path(entry.path)) < before.timestamp():
                yield Path(entry.path)


def _last_write(folder: Path) -> float:
    """Seconds since the epoch. A folder's own time does not change when a file in it grows."""
    try:
        return max(path.stat().st_mtime for path in (folder, *folder.rglob("*")))
    except OSError:  # it is being deleted by another process
        return float("inf")
