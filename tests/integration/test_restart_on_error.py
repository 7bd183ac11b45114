"""A part of Airflow that ends by an error of its own is begun anew, as the same process; what cannot start is not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.layout import PROJECT

_AIRFLOW = """
import os, sys
from pathlib import Path

def main():
    lives = Path(os.environ["LIVES"])
    with lives.open("a") as file:
        print(os.getpid(), *sys.argv[1:], file=file)
    if len(lives.read_text().splitlines()) == 1:
        {end}
"""


@pytest.fixture
def live(tmp_path: Path):
    """Runs an airflow whose first life ends so; its exit code, what it said, and a line for each of its lives."""

    def run(end: str, starting_seconds: float) -> tuple[int, str, list[str]]:
        package = tmp_path / "airflow"
        package.mkdir()
        (package / "__init__.py").touch()
        (package / "__main__.py").write_text(_AIRFLOW.format(end=end))
        places = {"PYTHONPATH": f"{tmp_path}:{PROJECT / 'include'}", "LIVES": str(tmp_path / "lives")}
        command = f"from sandbox import restart_on_error; restart_on_error.main({starting_seconds})"
        done = subprocess.run(
            [sys.executable, "-c", command, "triggerer", "--skip"],
            env={**os.environ, **places},
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        return done.returncode, done.stderr, (tmp_path / "lives").read_text().splitlines()

    return run


def test_one_that_was_running_is_started_again_as_the_same_process(live):
    code, printed, lives = live("raise ValueError('gone')", 0)
    assert code == 0
    assert "ValueError: gone" in printed
    assert "is started again" in printed
    assert len(lives) == 2
    assert len(set(lives)) == 1, "the same process, with the same arguments"


def test_one_that_fails_at_its_start_ends(live):
    code, printed, lives = live("raise ValueError('no database')", 20)
    assert (code, len(lives)) == (1, 1)
    assert "no database" in printed


@pytest.mark.parametrize("end", ["sys.exit(0)", "raise KeyboardInterrupt"])
def test_one_that_was_stopped_ends(live, end: str):
    assert len(live(end, 0)[2]) == 1


def test_a_child_of_it_is_never_made_a_second_one(live):
    lives = live("if os.fork() == 0: raise ValueError('in a child')\n        os.wait()", 0)[2]
    assert len(lives) == 1
