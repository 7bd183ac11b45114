"""The help that a tired operator reads, the way out, and the page that tells of both."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tenantctl import action_commands, long_running_commands, read_commands
from tenantctl.exit_codes import ExitCode
from tests.contract.fake_tenancy_api import FakeTenancy
from tests.contract.fake_tenant import FakeTenant
from tests.unit.tenantctl_runner import run

PROJECT = Path(__file__).resolve().parents[2]
PAGE = (PROJECT / "docs" / "reference" / "tenantctl.md").read_text(encoding="utf-8")
SPECS = (*read_commands.COMMANDS, *action_commands.COMMANDS, *long_running_commands.COMMANDS)
COMMANDS = [spec.name for spec in SPECS]


@pytest.mark.parametrize("verb", COMMANDS)
def test_each_verb_has_help_with_an_example_and_a_line_in_the_page(verb: str, capsys: pytest.CaptureFixture[str]):
    assert run(FakeTenancy(), verb, "--help").code == 0
    printed = capsys.readouterr().out
    assert f"Example: tenantctl {verb}" in printed
    assert "--json" in printed
    assert f"| `{verb}` |" in PAGE


def test_each_example_is_a_line_that_the_command_line_understands():
    for entry in SPECS:
        words = [word.strip('"') for word in re.findall(r'"[^"]*"|\S+', entry.example)]
        ended = run(FakeTenancy(FakeTenant("acme", "Active")), *words)
        assert "--help" not in ended.err, ended.err


def test_without_a_verb_it_lists_them_and_the_exit_codes(capsys: pytest.CaptureFixture[str]):
    assert run(FakeTenancy()).code == 0
    printed = capsys.readouterr().out
    assert [verb for verb in COMMANDS if f"  {verb} " not in printed] == []
    assert re.findall(r"\w\.\.\.$", printed, flags=re.MULTILINE) == []  # no summary was cut
    assert "Exit codes: 0 done" in printed


def test_the_page_knows_every_exit_code():
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, flags=re.MULTILINE)} == {*ExitCode}


@pytest.mark.parametrize("words", [["cancl", "acme"], ["show"], ["list", "--limit", "many"], ["show", "a", "--what"]])
def test_a_wrong_line_is_a_sentence_and_exit_code_2(words: list[str]):
    ended = run(FakeTenancy(), *words)
    assert ended.code == 2
    assert ended.err.startswith("tenantctl: ")
    assert "--help" in ended.err


def test_a_closed_pipe_is_no_error_and_prints_nothing():
    """`tenantctl --help | head -0`, with a real pipe."""
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(
        [sys.executable, "-m", "tenantctl", "--help"],
        env={**os.environ, "PYTHONPATH": str(PROJECT / "include")},
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert ended.stderr == b""
    assert ended.returncode == ExitCode.PIPE_CLOSED
