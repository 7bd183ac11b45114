"""What all commands share: the connection options before or after the command, the example in its help, its exit code.

A command is a function that takes a Session and its own options and returns an exit code. `register` adds it to typer.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import typer

from tenantctl import options, target
from tenantctl.environment import Environment
from tenantctl.exit_codes import ExitCode, TenantctlError
from tenantctl.session import Session
from tenantctl.target import ConnectionOptions
from tenantctl.text import escape_controls, is_text
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
_CONTEXT: Final = inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
_NO_OPTIONS: Final = inspect.Signature([_CONTEXT], return_annotation=ExitCode)


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


def register(app: typer.Typer, entry: CommandSpec, *, with_options: bool) -> None:
    """Add the command to typer, with the shared options after its own.

    typer 0.29 builds a pydantic adapter for each option, which takes most of the start. A command that is only
    listed gets none.
    """

    def run(ctx: typer.Context, **given: Any) -> ExitCode:
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

    run.__signature__ = _signature(entry.run) if with_options else _NO_OPTIONS  # type: ignore[attr-defined]
    app.command(entry.name, help=inspect.getdoc(entry.run), epilog=f"Example: tenantctl {entry.example}")(run)


def require_text(ctx: typer.Context) -> None:
    """Refuse an option or argument that cannot be sent: Python reads undecodable bytes as lone surrogates."""
    for param in ctx.command.params:
        value = ctx.params.get(param.name or "")
        texts = [str(each) for each in value] if isinstance(value, list | tuple) else [str(value)]
        if not all(is_text(text) for text in texts):
            raise typer.BadParameter(
                "It has characters that are not UTF-8.", ctx=ctx, param_hint=_hint(param.opts[0], param.metavar)
            )


def _hint(name: str, metavar: str | None) -> str:
    """An option by its name; an argument as the help shows it."""
    return name if name.startswith("-") else metavar or name


def _signature(command: Command) -> inspect.Signature:
    """The command's own options without its session, followed by the shared options."""
    keyword = inspect.Parameter.KEYWORD_ONLY
    own = [p.replace(kind=keyword) for p in list(inspect.signature(command).parameters.values())[1:]]
    shared = [inspect.Parameter(name, keyword, default=d, annotation=a) for name, (a, d) in _SHARED.items()]
    return inspect.Signature([_CONTEXT, *own, *shared], return_annotation=ExitCode)


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
        environment.err.print(f"tenantctl: {escape_controls(error.sentence)}")
        return error.code
    except KeyboardInterrupt:
        environment.err.print(f"\n{entry.interrupted_message}")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        return ExitCode.PIPE_CLOSED
