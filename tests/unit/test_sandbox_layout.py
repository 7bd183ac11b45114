"""Where a sandbox lies, and what of it a purge removes."""

import stat
from pathlib import Path

import pytest

from sandbox.layout import HOME_VARIABLE, PROJECT, Layout


def test_is_in_the_project_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv(HOME_VARIABLE, raising=False)
    assert Layout.find().home == PROJECT / ".sandbox"

    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    assert Layout.find().home == tmp_path
    assert Layout.find(tmp_path / "given").home == tmp_path / "given"


def test_nobody_else_may_read_the_home(tmp_path: Path):
    layout = Layout(tmp_path / "home")

    layout.create()

    assert stat.S_IMODE(layout.home.stat().st_mode) == 0o700


def test_a_purge_removes_the_home(tmp_path: Path):
    layout = Layout(tmp_path / "home")
    layout.create()
    layout.log_of("scheduler").write_text("a line")
    layout.secrets.write_text("{}")

    layout.remove()

    assert not layout.home.exists()


def test_a_purge_leaves_what_the_sandbox_did_not_make(tmp_path: Path):
    layout = Layout(tmp_path)
    layout.create()
    (tmp_path / "thesis.txt").write_text("three years of work")

    layout.remove()

    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
