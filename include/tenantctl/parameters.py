"""Makes click's parameters from a command's signature, and a command whose help has its options under headings.

A command is a plain function. `option`, `flag` and `argument` declare its parameters, as annotations; name and default
are those of the function's parameter. `options` has the declarations.
"""

import inspect
from collections.abc import Callable
from typing import Any, Final, get_args

import click

Declaration = Callable[[str, Any], click.Parameter]
"""Makes the parameter for this name and default; `REQUIRED` is the default of one that must be given."""
REQUIRED: Final = inspect.Parameter.empty


class _Option(click.Option):
    """An option with the heading that it has in the help."""

    heading = "Options"


def option(*flags: str, heading: str = _Option.heading, **attributes: Any) -> Declaration:
    """An option, as `click.Option` takes its flags and attributes."""

    def declare(name: str, default: Any) -> click.Parameter:
        made = _Option([name, *flags], default=default, **attributes)
        made.heading = heading
        return made

    return declare


def flag(*flags: str, heading: str = _Option.heading, help: str) -> Declaration:  # noqa: A002 - click's name
    """An option without a value."""
    return option(*flags, heading=heading, is_flag=True, help=help)


def argument(metavar: str, **attributes: Any) -> Declaration:
    """An argument. It may be left out if the function's parameter has a default."""

    def declare(name: str, default: Any) -> click.Parameter:
        required = default is REQUIRED
        shown = metavar if required else f"[{metavar}]"
        return click.Argument([name], required=required, metavar=shown, **attributes)

    return declare


def parameter(name: str, annotation: Any, default: Any) -> click.Parameter:
    """click's parameter for one parameter of a function."""
    declaration: Declaration = get_args(annotation)[1]
    return declaration(name, default)


def parameters_of(command: Callable[..., Any], *, skip: int = 0) -> list[click.Parameter]:
    """click's parameters for the function's, without the first `skip`."""
    found = list(inspect.signature(command).parameters.values())[skip:]
    return [parameter(each.name, each.annotation, each.default) for each in found]


class SectionedCommand(click.Command):
    """A command whose help has its options under their headings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one section for each heading, in the order of the options."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for each in self.get_params(ctx):
            if isinstance(each, click.Option) and (record := each.get_help_record(ctx)):
                sections.setdefault(getattr(each, "heading", _Option.heading), []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)
