"""`tenantctl`: the list of verbs, the options before them, and the way out.

Verbs stand in `reading` (look), `acting` (change) and `lasting` (change and wait). A new one is a function there.
"""

import io
import os
import sys
from collections.abc import Sequence
from typing import Final

import typer
from typer.exceptions import TyperException

from tenantctl import acting, lasting, options, reading
from tenantctl.exits import Exit
from tenantctl.target import Flags
from tenantctl.text import harmless
from tenantctl.verbs import Call, add
from tenantctl.world import World

_VERBS: Final = (*reading.VERBS, *acting.VERBS, *lasting.VERBS)
_CODES: Final = (
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused, 4 no such tenant, 5 not allowed, 6 not done in time. "
    "A stuck tenant? tenantctl recover SLUG"
)


def app() -> typer.Typer:
    """The command line, with every verb."""
    made = typer.Typer(
        help="See tenants being provisioned, and recover those that are stuck.",
        epilog=_CODES,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    )
    made.callback()(_before_the_verb)
    for entry in _VERBS:
        add(made, entry)
    return made


def _before_the_verb(
    ctx: typer.Context,
    *,
    url: options.Url = None,
    user: options.User = None,
    password: options.Password = None,
    token: options.Token = None,
    json_: options.Json = False,
) -> None:
    call: Call = ctx.obj
    call.flags, call.json = Flags(url, user, password, token), json_


def main(arguments: Sequence[str] | None = None, world: World | None = None) -> int:
    """The exit code. Nothing it prints ends in a traceback but a defect of ours."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    _forgive_the_terminal()
    world = world or World.real()
    try:
        code = app()(given or ["--help"], prog_name="tenantctl", obj=Call(world), standalone_mode=False)
        world.out.file.flush()
    except TyperException as error:
        world.err.print(f"tenantctl: {harmless(error.format_message())} See `tenantctl {_verb_of(given)}--help`.")
        return Exit.USAGE
    except (BrokenPipeError, SystemExit):  # typer leaves by SystemExit when its own help finds the pipe closed
        code = Exit.PIPE_CLOSED
    if code == Exit.PIPE_CLOSED:
        _forget_stdout()
    return int(code or 0)


def _verb_of(given: Sequence[str]) -> str:
    names = {entry.name for entry in _VERBS}
    return next((f"{word} " for word in given if word in names), "")


def _forgive_the_terminal() -> None:
    """A terminal that cannot show a sign gets a question mark, not an exception."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _forget_stdout() -> None:
    """Python flushes once more at its end, and would complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
