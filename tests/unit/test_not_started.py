"""How the test run itself reports what this machine lacks: once, in one sentence, with what to do."""

import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.environment import inherited
from sandbox.layout import PROJECT
from tests.required_programs import require

_TESTS = """
import pytest
from sandbox.problems import SandboxError
from tests.sandbox_failures import SandboxDidNotStartError

@pytest.fixture(scope="session")
def sandbox():
    raise SandboxDidNotStartError(SandboxError("Not healthy after 180 s: scheduler; its log ends: no space"))

@pytest.mark.parametrize("number", range(20))
def test_needs_it(sandbox, number): ...

def test_needs_nothing(): ...
"""


def test_a_sandbox_that_does_not_start_is_one_error_and_the_rest_is_not_run(tmp_path: Path):
    (tmp_path / "test_it.py").write_text(_TESTS)
    options = [
        "-p",
        "tests.sandbox_failures",
        "-p",
        "no:cacheprovider",
        "-ra",
        "--rootdir",
        str(tmp_path),
        str(tmp_path),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        env={**inherited(), "PYTHONPATH": f"{PROJECT / 'include'}:{PROJECT}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed, 19 skipped, 1 error" in done.stdout
    assert "not run: the sandbox did not start: Not healthy after 180 s" in done.stdout
    assert "SKIPPED [19]" in done.stdout
    assert len(done.stdout.splitlines()) < 30


@pytest.mark.parametrize(("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_a_missing_program_skips_outside_of_ci_and_fails_in_it(
    monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]
):
    monkeypatch.setenv("CI", ci)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(outcome, match="apt-get install kubernetes-client"):
        require("kubectl")
