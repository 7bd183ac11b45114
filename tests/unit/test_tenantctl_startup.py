"""`tenantctl` starts fast: a command imports only what it needs."""

import subprocess
import sys
from pathlib import Path

import pytest

INCLUDE = Path(__file__).resolve().parents[2] / "include"
HEAVY = ("httpx", "httpx._main", "rich", "click", "pygments", "ssl")
PROGRAM = f"""
import sys
from tenantctl.cli import main
main(sys.argv[1:])
print("imported:", *[name for name in {HEAVY} if sys.modules.get(name)], file=sys.stderr)
"""


def imported(*arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        env={"PYTHONPATH": str(INCLUDE), "TENANCY_URL": "http://127.0.0.1:9", "TENANCY_TOKEN": "t"},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stderr.splitlines()[-1].split()[1:])


@pytest.mark.parametrize("arguments", [["--help"], ["recover", "--help"]])
def test_help_imports_neither_http_nor_drawing_libraries(arguments: list[str]):
    assert imported(*arguments) == set()


def test_a_command_does_not_load_the_command_line_of_httpx():
    assert imported("list") & {"httpx", "httpx._main", "click"} == {"httpx"}
