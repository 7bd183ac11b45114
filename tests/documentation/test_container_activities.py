"""docs/extending/container-activities.md, done as it says in a copy of the repository: the contract of every activity
holds for an image, which a local program stands for."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.layout import PROJECT

PAGE = Path("docs") / "extending" / "container-activities.md"
SAMPLE = Path("products") / "sample"
_NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "images", "*.jsonl")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The repository with the blocks of the page applied."""
    project, store = tmp_path / "project", tmp_path / "mailboxes"
    store.mkdir()
    shutil.copytree(PROJECT, project, ignore=_NOT_COPIED)
    page, sample = (project / PAGE).read_text(), project / SAMPLE
    (sample / "mailbox.py").write_text(block(page, "python"))
    (sample / "sandbox.toml").write_text(block(page, "ini").replace("/var/mailboxes", str(store)))
    file = sample / "product.toml"
    listed = file.read_text().replace('  "allocate_storage",\n', '  "create_mailbox",\n  "allocate_storage",\n')
    file.write_text(f"{listed}\n{block(page, 'toml')}")
    return project


@pytest.mark.timeout(900)
def test_the_page_adds_a_table_and_a_program_and_the_contract_holds(copy: Path):
    words = shlex.split(next(line for line in block((copy / PAGE).read_text(), "sh").splitlines() if "pytest" in line))
    tested = run_pytest(copy, "-v", *words[words.index("pytest") + 1 :])
    assert tested.returncode == 0, tested.stdout[-8000:]
    assert tested.stdout.count("[create_mailbox] PASSED") > 10


def test_the_page_is_a_product_that_passes_the_check(copy: Path):
    checked = subprocess.run(
        [sys.executable, "-m", "tenancy.products", "check", str(SAMPLE)],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy / "include")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def block(page: str, language: str) -> str:
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 1, f"the page has {len(blocks)} blocks of {language}"
    return str(blocks[0])


def run_pytest(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    own = {
        "PYTHONPATH": str(copy / "include"),
        "TENANCY_PLATFORM_FILE": str(copy / "include" / "sandbox" / "platform.toml"),
    }
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=copy,
        env={**inherited, **own},
        capture_output=True,
        text=True,
        check=False,
    )
