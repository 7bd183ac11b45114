"""`tenantctl`: lists the commands, reads the options before them, and returns the exit code.

Commands are functions in `read_commands`, `action_commands` and `long_running_commands`. A new one is a function there
and a name here. The groups `product` and `activity` are about files and packages, not about tenants. The module of a
command is imported when it is called or listed.
"""

import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

import click

from tenantctl.commands import Invocation, click_command, require_text, shared_parameters
from tenantctl.drawing import Line
from tenantctl.environment import Environment
from tenantctl.exit_codes import ExitCode
from tenantctl.target import ConnectionOptions
from tenantctl.text import as_sentence

_MODULES: Final = {
    "read_commands": "list show timeline errors audit resources health findings classes",
    "action_commands": "create cancel reset retry decommission recreate invitation escalate note",
    "long_running_commands": "watch recover",
    "product_commands": "product",
    "activity_commands": "activity",
}
_MODULE_OF: Final = {name: module for module, names in _MODULES.items() for name in names.split()}
_CODES: Final = (
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused, 4 no such tenant, 5 not allowed, 6 not done in time. "
    "A stalled or failed tenant? tenantctl recover SLUG"
)


class _LazyGroup(click.Group):
    """The group of all commands."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Every name, in the order of the help."""
        return list(_MODULE_OF)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command. For a name that does not exist click wants all of them, to find a similar one."""
        for name in [cmd_name] if cmd_name in _MODULE_OF else _MODULE_OF:
            self.add_command(_load(name), name)
        return super().get_command(ctx, cmd_name)


def _load(name: str) -> click.Command:
    module = import_module(f"tenantctl.{_MODULE_OF[name]}")
    group: click.Command | None = getattr(module, "GROUP", None)
    return group or next(click_command(entry) for entry in module.COMMANDS if entry.name == name)


def app() -> click.Group:
    """click's group with every command."""
    return _LazyGroup(
        "tenantctl",
        callback=_read_global_options,
        params=shared_parameters(),
        no_args_is_help=False,
        help="See tenants being provisioned, and recover those that are stalled or failed.",
        epilog=_CODES,
        context_settings={
            "help_option_names": ["-h", "--help"],
            "max_content_width": 110,
            "show_default": True,
        },
    )


@click.pass_context
def _read_global_options(
    ctx: click.Context, /, *, url: str | None, user: str | None, password: str | None, token: str | None, json_: bool
) -> None:
    require_text(ctx)
    invocation: Invocation = ctx.obj
    invocation.flags, invocation.json = ConnectionOptions(url, user, password, token), json_


def main(arguments: Sequence[str] | None = None, environment: Environment | None = None) -> int:
    """Run one command and return its exit code. Only a defect of ours prints a traceback."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    _replace_unencodable()
    environment = environment or Environment.of_process()
    try:
        code = _run_or_explain(given or ["--help"], environment)
        environment.stdout.flush()
    except BrokenPipeError:
        code = ExitCode.PIPE_CLOSED
    except KeyboardInterrupt:  # before the command began; from then on it says what goes on
        code = ExitCode.INTERRUPTED
    if code == ExitCode.PIPE_CLOSED:
        _discard_stdout()
    return code


def _run_or_explain(given: list[str], environment: Environment) -> int:
    """The command's exit code; of a wrong command line a sentence, too."""
    try:
        return _run(given, environment)
    except click.ClickException as error:
        sentence = f"{as_sentence(error.format_message())} See `tenantctl {_command_of(given)}--help`."
        environment.show([Line(f"tenantctl: {sentence}")], on_stderr=True)
        return ExitCode.USAGE


def _run(given: list[str], environment: Environment) -> int:
    """The command's exit code. Not by click's `main`, which takes its own ways out for errors and closed pipes."""
    group = app()
    try:
        with group.make_context("tenantctl", given, obj=Invocation(environment)) as ctx:
            return int(group.invoke(ctx))
    except click.exceptions.Exit as end:  # after the help
        return end.exit_code


def _command_of(given: Sequence[str]) -> str:
    return next((f"{word} " for word in given if word in _MODULE_OF), "")


def _replace_unencodable() -> None:
    """Print a question mark for a character that the terminal cannot show, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _discard_stdout() -> None:
    """Stop Python from writing to the closed pipe once more when it exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
