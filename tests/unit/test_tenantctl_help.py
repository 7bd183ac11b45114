"""The help that a tired operator reads, the way out, and the page that tells of both."""

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tenantctl import action_commands, cli, long_running_commands, read_commands
from tenantctl.exit_codes import ExitCode
from tests.contract.fake_tenancy_api import FakeTenancy
from tests.contract.fake_tenant import FakeTenant
from tests.unit.tenantctl_runner import run

PROJECT = Path(__file__).resolve().parents[2]
PAGE = (PROJECT / "docs" / "reference" / "tenantctl.md").read_text(encoding="utf-8")
SPECS = (*read_commands.COMMANDS, *action_commands.COMMANDS, *long_running_commands.COMMANDS)
COMMANDS = [spec.name for spec in SPECS]
GROUPS = ("product", "activity")


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


def test_every_command_of_the_modules_is_listed():
    """`cli` imports a command's module when it is called, so it has the names itself."""
    assert [name for name in cli.app().list_commands(click.Context(cli.app())) if name not in GROUPS] == COMMANDS


@pytest.mark.parametrize("verb", ["cancel", "recover", "decommission"])
def test_the_help_has_its_options_under_headings(verb: str, capsys: pytest.CaptureFixture[str]):
    run(FakeTenancy(), verb, "--help")
    headings = re.findall(r"^(\w.*):$", capsys.readouterr().out, flags=re.MULTILINE)
    assert headings == ["Positional arguments", "Options", "Waiting", "Server and login (also before the command)"]


def test_a_name_that_does_not_exist_gets_a_similar_one():
    assert "Did you mean 'cancel'?" in run(FakeTenancy(), "cancl", "acme").err


@pytest.mark.parametrize("seconds", ["nan", "-1", "soon"])
def test_a_timeout_is_a_number_of_seconds(seconds: str):
    ended = run(FakeTenancy(), "watch", "acme", "--timeout", seconds)
    assert (ended.code, "'--timeout'" in ended.err) == (2, True)


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
