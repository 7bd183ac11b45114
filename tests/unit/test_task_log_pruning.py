"""Old task logs of the periodic DAGs are deleted, and nothing else in the log folder."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tenancy.orchestration.task_log_pruning import prune_task_logs

NOW = datetime(2026, 3, 1, tzinfo=UTC)
OURS, OTHERS = "tenant_reconciliation", "tenant_provisioning"


def log_of(folder: Path, dag_id: str, run: str, age: timedelta) -> Path:
    """A run's folder with one log that was last written so long ago."""
    run_folder = folder / f"dag_id={dag_id}" / run
    (run_folder / "task_id=t").mkdir(parents=True)
    (log := run_folder / "task_id=t" / "attempt=1.log").write_text("a line")
    moment = (NOW - age).timestamp()
    for path in (log, log.parent, run_folder):
        os.utime(path, (moment, moment))
    return log


def test_only_old_logs_of_the_named_dags_are_deleted(tmp_path: Path):
    old = log_of(tmp_path, OURS, "run_id=old", timedelta(days=4))
    young = log_of(tmp_path, OURS, "run_id=young", timedelta(days=2))
    of_a_tenant = log_of(tmp_path, OTHERS, "run_id=old", timedelta(days=400))
    somebodys = log_of(tmp_path, OURS, "notes", timedelta(days=400))
    assert prune_task_logs(tmp_path, [OURS], before=NOW - timedelta(days=3)) == 1
    assert [each.exists() for each in (old, young, of_a_tenant, somebodys)] == [False, True, True, True]
    assert not old.parents[1].exists()


def test_a_run_whose_log_still_grows_is_kept(tmp_path: Path):
    log = log_of(tmp_path, OURS, "run_id=long", timedelta(days=9))
    os.utime(log, (NOW.timestamp(), NOW.timestamp()))
    assert prune_task_logs(tmp_path, [OURS], before=NOW - timedelta(days=3)) == 0
    assert log.exists()


def test_a_log_folder_that_is_not_there_is_no_trouble(tmp_path: Path):
    assert prune_task_logs(tmp_path / "never", [OURS], before=NOW) == 0
