"""docs/extending/adding-an-activity.md, done as it says in a copy of the repository.

One file and two lines make the activity work; a row in the runbook and its entry in a test make it complete.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.layout import PROJECT

PAGE = Path("docs") / "extending" / "adding-an-activity.md"
FILE = Path("include") / "tenancy" / "activities" / "create_bucket.py"
REGISTRY = Path("include") / "tenancy" / "activities" / "registry.py"
PRODUCT = Path("products") / "sample" / "product.toml"
RUNBOOK = Path("docs") / "operating" / "runbook.md"
ADVICE = Path("tests") / "unit" / "test_advice.py"
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
# Besides the page's own selection: what concerns all that a tenant has; no long walks of the lifecycle.
_ALSO = "(unit and not TestSagaMachine and not TestNobodyDestroys) or mark_active or limit or every"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The repository with the blocks of the page applied."""
    project = tmp_path / "project"
    shutil.copytree(PROJECT, project, ignore=_NOT_COPIED)
    page = (project / PAGE).read_text()
    (project / FILE).write_text(python_block(page))
    registry = (project / REGISTRY).read_text()
    before, after = _change(_block(page, "diff"))
    assert registry.count(before) == 1, "the page's context is not in registry.py as it is"
    (project / REGISTRY).write_text(registry.replace(before, after))
    _insert(project / PRODUCT, _block(page, "toml"), after='  "allocate_storage"')
    return project


@pytest.mark.timeout(600)
def test_the_page_adds_a_file_and_two_lines_and_the_contract_holds(copy: Path, tmp_path: Path):
    style = _run(copy, tmp_path, "ruff", "check", str(FILE))
    assert style.returncode == 0, style.stdout
    files, chosen = _command(_block((copy / PAGE).read_text(), "sh"))
    assert set(files) <= set(_TESTS)
    tested = _pytest(copy, tmp_path, "-v", "-k", f"{chosen} or {_ALSO}", *_TESTS)
    assert tested.returncode == 0, tested.stdout
    assert "[create_bucket] PASSED" in tested.stdout


@pytest.mark.timeout(300)
def test_a_row_in_the_runbook_and_its_entry_complete_it(copy: Path, tmp_path: Path):
    page = (copy / PAGE).read_text()
    _insert(copy / RUNBOOK, _block(page, "markdown"), after="| **Allocate storage** |")
    _insert(copy / ADVICE, _block(page, "py"), after='    "allocate_storage": (')
    tested = _pytest(copy, tmp_path, "-v", "-k", "bucket or advice", str(ADVICE), "tests/unit/test_docs_content.py")
    assert tested.returncode == 0, tested.stdout
    assert "test_a_stuck_activity_has_its_row_of_the_runbook[create_bucket] PASSED" in tested.stdout
    assert "test_the_runbook_has_a_row_for_each_activity[Create bucket] PASSED" in tested.stdout


def python_block(page: str) -> str:
    """The new activity's file."""
    return _block(page, "python")


def _block(page: str, language: str) -> str:
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 1, f"the page has {len(blocks)} blocks of {language}"
    return blocks[0]


def _command(block: str) -> tuple[list[str], str]:
    """The files and the selection of the page's pytest command."""
    [words] = [shlex.split(line) for line in block.splitlines() if " pytest " in line]
    return [word for word in words if word.endswith(".py")], words[words.index("-k") + 1]


def _insert(file: Path, row: str, *, after: str) -> None:
    lines = file.read_text().splitlines(keepends=True)
    [place] = [number for number, line in enumerate(lines, start=1) if line.startswith(after)]
    file.write_text("".join([*lines[:place], row, *lines[place:]]))


def _change(diff: str) -> tuple[str, str]:
    """The text before and after it. Only lines are added."""
    lines = diff.splitlines(keepends=True)
    assert sum(line.startswith("+") for line in lines) == 1
    assert all(line[0] in "+ " for line in lines)
    return "".join(line[1:] for line in lines if line[0] == " "), "".join(line[1:] for line in lines)


def _pytest(copy: Path, tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return _run(copy, tmp_path, "pytest", "-p", "no:cacheprovider", *arguments)


def _run(copy: Path, tmp_path: Path, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    store = tmp_path / "object-store"
    (store / "eu-central").mkdir(parents=True, exist_ok=True)
    own = {
        "PYTHONPATH": str(copy / "include"),
        "TENANCY_PLATFORM_FILE": str(copy / "include" / "sandbox" / "platform.toml"),
        "TENANCY_OBJECT_STORE": str(store),
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
