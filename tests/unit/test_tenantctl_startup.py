"""`tenantctl` starts fast: a command imports only what it needs."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.fake_tenancy_api import FakeTenancy
from tests.contract.fake_tenancy_server import serve
from tests.contract.fake_tenant import FakeTenant

INCLUDE = Path(__file__).resolve().parents[2] / "include"
HEAVY = ("httpx", "httpx._main", "rich", "typer", "pydantic", "pygments", "ssl")
OF_OTHER_COMMANDS = ("tenantctl.action_commands", "tenantctl.long_running_commands", "tenantctl.product_commands")
PROGRAM = f"""
import sys
from tenantctl.cli import main
code = main(sys.argv[1:])
print("imported:", *[name for name in {HEAVY + OF_OTHER_COMMANDS} if sys.modules.get(name)], file=sys.stderr)
sys.exit(code)
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve(FakeTenancy(FakeTenant("acme", "Active"), FakeTenant("globex", "Failed settled"))) as url:
        yield url


def imported(*arguments: str, url: str = "http://127.0.0.1:9", code: int = 0) -> set[str]:
    """Which of the names a command imports that ends with this code. Its output goes to a pipe."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        env={"PYTHONPATH": str(INCLUDE), "TENANCY_URL": url, "TENANCY_TOKEN": "t"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return set(done.stderr.splitlines()[-1].split()[1:])


def test_the_help_imports_neither_http_nor_drawing_libraries():
    assert imported("--help") == set(OF_OTHER_COMMANDS)  # it has a line of each command


def test_so_does_the_help_of_a_command_and_it_imports_no_other_command():
    assert imported("list", "--help") == set()


@pytest.mark.parametrize(
    "arguments",
    [["list"], ["list", "--json"], ["list", "--limit", "1"], ["show", "acme"], ["timeline", "acme"], ["health"]],
    ids=" ".join,
)
def test_a_command_in_a_pipe_imports_the_http_client_and_nothing_else_that_is_heavy(url: str, arguments: list[str]):
    """Not even its command line, which brings rich. httpx itself imports TLS."""
    assert imported(*arguments, url=url) == {"httpx", "ssl"}


def test_an_error_is_printed_without_drawing_libraries():
    assert imported("show", "no slug!", code=2) == {"httpx", "ssl"}
    assert imported("list", "--limit", "many", code=2) == set()
