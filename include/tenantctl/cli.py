"""`tenantctl`: lists the commands, reads the options before them, and returns the exit code.

Commands are functions in `read_commands`, `action_commands` and `long_running_commands`. A new one is
a function there. The groups `product` and `activity` are about files and packages, not about tenants.
"""

import io
import os
import sys
from collections.abc import Sequence
from typing import Final

import typer
from typer.exceptions import TyperException

from tenantctl import (
    action_commands,
    activity_commands,
    long_running_commands,
    options,
    product_commands,
    read_commands,
)
from tenantctl.commands import Invocation, register, require_text
from tenantctl.environment import Environment
from tenantctl.exit_codes import ExitCode
from tenantctl.target import ConnectionOptions
from tenantctl.text import escape_controls

_COMMANDS: Final = (*read_commands.COMMANDS, *action_commands.COMMANDS, *long_running_commands.COMMANDS)
_GROUPS: Final = {"product": product_commands.product_app, "activity": activity_commands.activity_app}
_CODES: Final = (
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused, 4 no such tenant, 5 not allowed, 6 not done in time. "
    "A stalled or failed tenant? tenantctl recover SLUG"
)


def app(words: Sequence[str]) -> typer.Typer:
    """The typer application with every command. Only commands among `words` get their options."""
    made = typer.Typer(
        help="See tenants being provisioned, and recover those that are stalled or failed.",
        epilog=_CODES,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    )
    made.callback()(_read_global_options)
    for entry in _COMMANDS:
        register(made, entry, with_options=entry.name in words)
    for name, group in _GROUPS.items():
        made.add_typer(group(with_commands=name in words), name=name)
    return made


def _read_global_options(
    ctx: typer.Context,
    *,
    url: options.Url = None,
    user: options.User = None,
    password: options.Password = None,
    token: options.Token = None,
    json_: options.Json = False,
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
        code = app(given)(
            given or ["--help"], prog_name="tenantctl", obj=Invocation(environment), standalone_mode=False
        )
        environment.stdout.flush()
    except TyperException as error:
        environment.err.print(
            f"tenantctl: {escape_controls(error.format_message())} See `tenantctl {_command_of(given)}--help`."
        )
        return ExitCode.USAGE
    except (BrokenPipeError, SystemExit):  # typer leaves by SystemExit when its own help finds the pipe closed
        code = ExitCode.PIPE_CLOSED
    if code == ExitCode.PIPE_CLOSED:
        _discard_stdout()
    return int(code or 0)


def _command_of(given: Sequence[str]) -> str:
    names = {*(entry.name for entry in _COMMANDS), *_GROUPS}
    return next((f"{word} " for word in given if word in names), "")


def _replace_unencodable() -> None:
    """Print a question mark for a character that the terminal cannot show, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _discard_stdout() -> None:
    """Stop Python from writing to the closed pipe once more when it exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
