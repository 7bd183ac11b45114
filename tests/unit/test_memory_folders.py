"""Where tests put what they throw away."""

import os
from pathlib import Path

import psutil

from tests.memory_folders import choose_root, scratch_folder


def test_a_folder_in_memory_is_removed_at_the_end(tmp_path: Path):
    with scratch_folder(tmp_path / "otherwise", root=tmp_path) as folder:
        (folder / "file").touch()
        assert folder.parent == tmp_path
    assert not folder.exists()


def test_a_machine_with_too_little_memory_uses_the_disk(tmp_path: Path):
    assert choose_root(tmp_path, needed=2**60) is None
    assert choose_root(tmp_path / "none") is None


def test_what_a_killed_run_left_is_removed_and_what_another_run_uses_stays(tmp_path: Path):
    dead = next(pid for pid in range(2**22, 1, -1) if not psutil.pid_exists(pid))
    left, used = (tmp_path / f"tenancy-tests-{os.getuid()}-pid-{pid}-abc" for pid in (dead, os.getppid()))
    left.mkdir()
    used.mkdir()
    with scratch_folder(tmp_path / "otherwise", root=tmp_path):
        pass
    assert not left.exists()
    assert used.exists()
