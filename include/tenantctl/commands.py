"""What all commands share: the connection options before or after the command, the example in its help, its exit code.

A command is a function that takes a Session and its own options and returns an exit code. `click_command` makes click's
command from it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import click

from tenantctl import options, target
from tenantctl.drawing import Line, lines_of
from tenantctl.environment import Environment
from tenantctl.exit_codes import ExitCode, TenantctlError
from tenantctl.parameters import SectionedCommand, parameter, parameters_of
from tenantctl.session import Session
from tenantctl.target import ConnectionOptions
from tenantctl.text import is_text
from tenantctl.token_store import KEEP_NOTHING

Command = Callable[..., ExitCode]
INTERRUPTED: Final = "Interrupted. Operations under way continue."


@dataclass
class Invocation:
    """The options before the command, and the environment it runs in."""

    environment: Environment
    flags: ConnectionOptions = field(default_factory=ConnectionOptions)
    json: bool = False


_SHARED: Final = {
    "url": (options.Url, None),
    "user": (options.User, None),
    "password": (options.Password, None),
    "token": (options.Token, None),
    "json_": (options.Json, False),
}


@dataclass(frozen=True)
class CommandSpec:
    """A command, an example for its help, and the message after Ctrl-C."""

    run: Command
    example: str
    interrupted_message: str = INTERRUPTED

    @property
    def name(self) -> str:
        """The command as typed. Its function has a trailing underscore where Python has the name (`list_`)."""
        return self.run.__name__.rstrip("_")


def shared_parameters() -> list[click.Parameter]:
    """The options about server, login and output, which may stand before or after the command."""
    return [parameter(name, annotation, default) for name, (annotation, default) in _SHARED.items()]


def click_command(entry: CommandSpec) -> click.Command:
    """click's command, with the shared options after its own."""

    @click.pass_context
    def run(ctx: click.Context, /, **given: Any) -> ExitCode:
        require_text(ctx)
        invocation: Invocation = ctx.obj
        flags = ConnectionOptions(*(given.pop(name) for name in ("url", "user", "password", "token"))).over(
            invocation.flags
        )
        as_json = given.pop("json_") or invocation.json
        return exit_code_of(
            invocation.environment,
            lambda: _with_session(invocation.environment, flags, as_json, entry.run, given),
            entry,
            as_json,
        )

    params = [*parameters_of(entry.run, skip=1), *shared_parameters()]
    epilog = f"Example: tenantctl {entry.example}"
    return SectionedCommand(entry.name, callback=run, params=params, help=entry.run.__doc__, epilog=epilog)


def require_text(ctx: click.Context) -> None:
    """Refuse an option or argument that cannot be sent: Python reads undecodable bytes as lone surrogates."""
    for param in ctx.command.params:
        value = ctx.params.get(param.name)
        texts = [str(each) for each in value] if isinstance(value, list | tuple) else [str(value)]
        if not all(is_text(text) for text in texts):
            raise click.BadParameter(
                "It has characters that are not UTF-8.", ctx=ctx, param_hint=_hint(param.opts[0], param.metavar)
            )


def _hint(name: str, metavar: str | None) -> str:
    """An option by its name; an argument as the help shows it."""
    return name if name.startswith("-") else metavar or name


def _with_session(
    environment: Environment, flags: ConnectionOptions, as_json: bool, command: Command, given: dict[str, Any]
) -> ExitCode:
    from tenantctl.client import ApiClient

    resolved = target.resolve_target(flags, environment.environ, environment.sandbox_home)
    prompt = environment.prompt
    prompt_password = (lambda: prompt(f"Password of {resolved.user} at {resolved.url}: ", True)) if prompt else None
    # An operator who types a password wants that login checked, and may be at somebody else's computer.
    tokens = KEEP_NOTHING if flags.password else environment.tokens
    with ApiClient(
        resolved,
        transport=environment.transport,
        tokens=tokens,
        prompt_password=prompt_password,
        sleep=environment.sleep,
    ) as api:
        return command(Session(api, environment, as_json), **given)


def exit_code_of(environment: Environment, run: Callable[[], ExitCode], entry: CommandSpec, as_json: bool) -> ExitCode:
    """Run the command; print the error's sentence if it fails; return the exit code."""
    try:
        return run()
    except TenantctlError as error:
        if as_json and error.body:
            environment.stdout.write(error.body.rstrip("\n") + "\n")
        environment.show([Line(f"tenantctl: {error.sentence}")], on_stderr=True)
        return error.code
    except KeyboardInterrupt:
        environment.show(lines_of(f"\n{entry.interrupted_message}"), on_stderr=True)
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        return ExitCode.PIPE_CLOSED
