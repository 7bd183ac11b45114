"""docs/extending/adding-an-activity.md, done as it says in a copy of the repository: one file and one line suffice."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.layout import PROJECT

PAGE = Path("docs") / "extending" / "adding-an-activity.md"
FILE = Path("include") / "tenancy" / "activities" / "create_bucket.py"
PLAN = Path("include") / "tenancy" / "activities" / "plan.py"
_NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "images", "*.jsonl")
_TESTS = (
    "tests/contract/test_plan_contract.py",
    "tests/contract/test_partial_runs.py",
    "tests/unit/test_advice.py",
    "tests/unit/test_docs_content.py",
    "tests/unit/test_saga_machine.py",
    "tests/unit/test_stalls.py",
    "tests/unit/test_release_order.py",
)
# Of the contract what concerns the new activity, or all that a tenant has; no long walks of the lifecycle.
_CHOSEN = (
    "(unit and not TestSagaMachine and not TestNobodyDestroys) or bucket or mark_active or names or limit or every"
)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The repository with the blocks of the page applied."""
    project = tmp_path / "project"
    shutil.copytree(PROJECT, project, ignore=_NOT_COPIED)
    page = (project / PAGE).read_text()
    (project / FILE).write_text(python_block(page))
    plan = (project / PLAN).read_text()
    before, after = _change(_block(page, "diff"))
    assert plan.count(before) == 1, "the page's context is not in plan.py as it is"
    (project / PLAN).write_text(plan.replace(before, after))
    return project


@pytest.mark.timeout(600)
def test_the_page_adds_a_file_and_a_line_and_the_contract_holds(copy: Path, tmp_path: Path):
    style = _run(copy, tmp_path, "ruff", "check", str(FILE))
    assert style.returncode == 0, style.stdout
    tested = _run(copy, tmp_path, "pytest", "-v", "-p", "no:cacheprovider", "-k", _CHOSEN, *_TESTS)
    assert tested.returncode == 0, tested.stdout
    assert "[create_bucket] PASSED" in tested.stdout


def python_block(page: str) -> str:
    """The new activity's file."""
    return _block(page, "python")


def _block(page: str, language: str) -> str:
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 1, f"the page has {len(blocks)} blocks of {language}"
    return blocks[0]


def _change(diff: str) -> tuple[str, str]:
    """The text before and after it. Only lines are added."""
    lines = diff.splitlines(keepends=True)
    assert sum(line.startswith("+") for line in lines) == 1
    assert all(line[0] in "+ " for line in lines)
    return "".join(line[1:] for line in lines if line[0] == " "), "".join(line[1:] for line in lines)


def _run(copy: Path, tmp_path: Path, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    own = {
        "PYTHONPATH": str(copy / "include"),
        "TENANCY_PLATFORM_FILE": str(copy / "include" / "sandbox" / "platform.toml"),
        "TENANCY_OBJECT_STORE": str(tmp_path / "object-store"),
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=copy,
        env={**inherited, **own},
        capture_output=True,
        text=True,
        check=False,
    )
