"""What the command line answers before anything runs."""

import json
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from sandbox.cli import main

Usage = namedtuple("Usage", ["total", "used", "free"])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def test_status_of_a_sandbox_that_never_was_says_stopped(home: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["status", "--json", "--home", str(home)]) == 1

    assert {part["state"] for part in json.loads(capsys.readouterr().out)} == {"stopped"}
    assert not home.exists()


def test_down_where_nothing_is_does_nothing(home: Path):
    assert main(["down", "--home", str(home)]) == 0
    assert not home.exists()


def test_nothing_is_deleted_unless_somebody_confirms(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    home.mkdir()
    (home / "secrets.json").write_text("{}")
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)

    assert main(["down", "--purge", "--home", str(home)]) == 1

    output = capsys.readouterr().out
    assert "for good" in output
    assert "make purge YES=1" in output
    assert (home / "secrets.json").exists()


def test_a_full_disk_is_reported_in_one_sentence(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 10**12 - 10**6, 10**6))

    assert main(["up", "--home", str(home)]) == 1

    assert capsys.readouterr().err == (
        f"sandbox: Only 1 MB are free on the disk of {home} and the sandbox needs 1 GB; "
        "free some space, or choose another place with --home.\n"
    )


def test_a_home_that_cannot_be_created_is_reported_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "file").write_text("")

    assert main(["up", "--home", str(tmp_path / "file" / "home")]) == 1

    assert capsys.readouterr().err.startswith("sandbox: Not a directory:")
