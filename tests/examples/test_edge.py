"""The example product `examples/products/edge`: no database, and both example activities."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

import pytest

from sandbox.layout import PROJECT, Layout
from sandbox.programs import write_programs
from tenancy.adapters.platform_file import parse_platform
from tests.dns_servers import EXAMPLE
from tests.example_packages import install_s3_bucket

EDGE: Final = PROJECT / "examples" / "products" / "edge"


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_s3_bucket(tmp_path_factory.mktemp("packages"))


def test_it_passes_the_check(packages: Path):
    checked = subprocess.run(
        [sys.executable, "-m", "tenancy.products", "check", str(EDGE)],
        env={**os.environ, "PYTHONPATH": f"{PROJECT / 'include'}{os.pathsep}{packages}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stderr) == (0, ""), checked.stdout
    assert checked.stdout == f"{EDGE}: no mistakes.\n"


def test_its_table_is_that_of_the_example():
    tables = [
        tomllib.loads((folder / "product.toml").read_text())["container_activities"] for folder in (EDGE, EXAMPLE)
    ]
    assert tables[0] == tables[1]


def test_the_sandbox_runs_the_examples_program_for_its_image(tmp_path: Path):
    layout = Layout(tmp_path)
    write_programs(layout, EDGE.parent)
    table = tomllib.loads((EDGE / "product.toml").read_text())["container_activities"]["create_dns_record"]
    interpreter, program = json.loads(layout.programs.read_text())[table["image"]]
    assert (Path(interpreter), Path(program).resolve()) == (Path(sys.executable), EXAMPLE / "dns_record.py")


def test_its_platform_file_has_the_connections_that_both_examples_need():
    platform = parse_platform(tomllib.loads((EDGE / "platform.toml").read_text()), None)
    assert [set(region.connections) for region in platform.regions.values()] == [{"object_store", "dns"}]
