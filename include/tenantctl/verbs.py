"""What all verbs share: the connection's options on either side of the verb, the example in its help, how it ends.

A verb is a function of a Session and its own options that returns an exit code; `verb` makes a typer command of it.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import typer

from tenantctl import options, target
from tenantctl.client import Api
from tenantctl.exits import CtlError, Exit
from tenantctl.session import Session
from tenantctl.target import Flags
from tenantctl.text import harmless
from tenantctl.world import World

Verb = Callable[..., Exit]
LEFT_QUIETLY: Final = "Left; what runs goes on without us."


@dataclass
class Call:
    """What stands before the verb, and where it runs."""

    world: World
    flags: Flags = field(default_factory=Flags)
    json: bool = False


_SHARED: Final = {
    "url": (options.Url, None),
    "user": (options.User, None),
    "password": (options.Password, None),
    "token": (options.Token, None),
    "json_": (options.Json, False),
}


@dataclass(frozen=True)
class Entry:
    """A verb, an example for its help, and what Ctrl-C is answered with."""

    run: Verb
    example: str
    leaving: str = LEFT_QUIETLY

    @property
    def name(self) -> str:
        """As it is typed; a function may need an underscore where the word is Python's."""
        return self.run.__name__.rstrip("_")


def add(app: typer.Typer, entry: Entry) -> None:
    """Make a command of it, with the shared options behind its own."""

    def run(ctx: typer.Context, **given: Any) -> Exit:
        call: Call = ctx.obj
        flags = Flags(*(given.pop(name) for name in ("url", "user", "password", "token"))).over(call.flags)
        as_json = given.pop("json_") or call.json
        return ended(call.world, lambda: _with_session(call.world, flags, as_json, entry.run, given), entry, as_json)

    run.__signature__ = _signature(entry.run)  # type: ignore[attr-defined]
    app.command(entry.name, help=inspect.getdoc(entry.run), epilog=f"Example: tenantctl {entry.example}")(run)


def _signature(command: Verb) -> inspect.Signature:
    """The verb's own options, without its session, and the shared ones behind them."""
    keyword = inspect.Parameter.KEYWORD_ONLY
    own = [p.replace(kind=keyword) for p in list(inspect.signature(command).parameters.values())[1:]]
    shared = [inspect.Parameter(name, keyword, default=d, annotation=a) for name, (a, d) in _SHARED.items()]
    context = inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    return inspect.Signature([context, *own, *shared], return_annotation=Exit)


def _with_session(world: World, flags: Flags, as_json: bool, command: Verb, given: dict[str, Any]) -> Exit:
    whom = target.find(flags, world.environ, world.sandbox_home)
    ask = world.ask
    ask_password = (lambda: ask(f"Password of {whom.user} at {whom.url}: ", True)) if ask else None
    with Api(whom, transport=world.transport, ask_password=ask_password, sleep=world.sleep) as api:
        return command(Session(api, world, as_json), **given)


def ended(world: World, run: Callable[[], Exit], entry: Entry, as_json: bool) -> Exit:
    """The exit code, with the one sentence that belongs to it."""
    try:
        return run()
    except CtlError as error:
        if as_json and error.body:
            world.out.file.write(error.body.rstrip("\n") + "\n")
        world.err.print(f"tenantctl: {harmless(error.sentence)}")
        return error.code
    except KeyboardInterrupt:
        world.err.print(f"\n{entry.leaving}")
        return Exit.INTERRUPTED
    except BrokenPipeError:
        return Exit.PIPE_CLOSED
