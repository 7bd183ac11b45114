"""A text that is not UTF-8 is refused with the name of its option, before anything is sent."""

import click
import pytest

from tenantctl import action_commands, commands, long_running_commands, read_commands
from tests.contract.fake_tenancy_api import FakeTenancy
from tests.contract.fake_tenant import FakeTenant
from tests.unit.tenantctl_runner import ENVIRON, run

SPECS = (*read_commands.COMMANDS, *action_commands.COMMANDS, *long_running_commands.COMMANDS)
BAD = "x\udcff"
"""What Python makes of the bytes `x\\xff` on a command line."""


def _parameters(spec: commands.CommandSpec) -> list[tuple[str, list[str], bool]]:
    """Each text of a command: its name, the words before its value, and whether the command needs it."""
    found = []
    for param in commands.click_command(spec).params:
        if param.type is click.STRING:
            names = [each for each in param.opts if each.startswith("--")][:1]
            found.append((names[0] if names else param.human_readable_name, names, param.required))
    return found


OPTIONS = [(spec.name, *text) for spec in SPECS for text in _parameters(spec)]


@pytest.mark.parametrize(("command", "name", "_before", "_needed"), OPTIONS, ids=str)
def test_every_text_of_every_command_is_named_when_it_is_not_utf_8(command, name, _before, _needed):
    api = FakeTenancy(FakeTenant("acme", "Active"))
    given = [
        word
        for verb, each, before, needed in OPTIONS
        if verb == command and (needed or each == name)
        for word in (*before, BAD if each == name else "acme")
    ]
    ended = run(api, command, *given)
    assert ended.code == 2, ended.err
    assert name in ended.err
    assert "not UTF-8" in ended.err
    assert api.requests == []


@pytest.mark.parametrize("name", ["--url", "--user", "--password", "--token"])
def test_so_is_an_option_before_the_command(name: str):
    ended = run(FakeTenancy(), name, BAD, "list")
    assert (ended.code, name in ended.err) == (2, True)


@pytest.mark.parametrize("name", [*ENVIRON, "TENANCY_TOKEN"])
def test_so_is_a_variable(name: str):
    ended = run(FakeTenancy(), "list", environ={**ENVIRON, name: BAD})
    assert (ended.code, name in ended.err) == (2, True)
