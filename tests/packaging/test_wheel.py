"""The wheel: complete, and enough for the operators' command line in a venv that has no Airflow.

Needs a package index, as `make` does: for setuptools, and for the three libraries of the command line.
"""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from sandbox.layout import PROJECT

UV = Path(sys.executable).parent / "uv"
"""`make` installs it; pip would take ten times as long."""
PACKAGES = ("installation", "tenancy", "tenantctl")
_METADATA = ("pyproject.toml", "README.md", "LICENSE")
_NOT_SOURCE = ("__pycache__", "*.egg-info")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy, so that nothing is left in the checkout."""
    source = tmp_path_factory.mktemp("source")
    shutil.copytree(PROJECT / "include", source / "include", ignore=shutil.ignore_patterns(*_NOT_SOURCE))
    for name in _METADATA:
        shutil.copy(PROJECT / name, source)
    return source


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("built")
    _run(UV, "build", "--quiet", "--wheel", "--out-dir", built, source)
    return next(built.glob("tenancy-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A venv's folder with nothing but the wheel and what it asks for, in the locked versions."""
    home = tmp_path_factory.mktemp("venv") / "venv"
    _run(UV, "venv", "--quiet", "--python", sys.executable, home)
    python = home / "bin" / "python"
    _run(UV, "pip", "install", "--quiet", "--python", python, "--constraint", PROJECT / "requirements.txt", wheel)
    return home


def test_the_wheel_has_every_file_of_the_product(wheel: Path, source: Path):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    files = {
        str(file.relative_to(source / "include"))
        for package in PACKAGES
        for file in (source / "include" / package).rglob("*")
        if file.is_file()
    }
    assert sorted(files - names) == []
    assert {f"{package}/py.typed" for package in PACKAGES} <= names


def test_the_wheel_has_nothing_else(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)


def test_the_command_line_works_without_airflow(installed: Path):
    printed = _run(installed / "bin" / "tenantctl", "--help")
    assert "Usage: tenantctl" in printed
    airflow = "import importlib.util as u; print(u.find_spec('airflow'), u.find_spec('psycopg'))"
    assert _run(installed / "bin" / "python", "-c", airflow).split() == ["None", "None"]


def test_the_data_is_where_the_code_reads_it(installed: Path):
    packages = next((installed / "lib").glob("python*")) / "site-packages"
    for data in (
        "tenancy/console/**/*.html",
        "tenancy/products/starting_point/chart/templates/deployment.yaml",
        "tenancy/products/starting_point/migrations/*.sql",
        "tenancy/console/**/*.css",
        "tenancy/ledger/queries/*.sql",
        "tenancy/ledger/migrations/sql/*.sql",
    ):
        assert any(packages.glob(data)), data


def _run(*command: str | Path) -> str:
    """Its output; the checkout is not on its path."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ended = subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout
