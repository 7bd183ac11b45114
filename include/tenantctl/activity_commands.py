"""`tenantctl activity`: list the installed activities, and test one. All happens in `python -m tenancy.testing`."""

from pathlib import Path
from typing import Annotated

import typer

from tenantctl.exit_codes import ExitCode
from tenantctl.module_command import run_module

Name = Annotated[str, typer.Argument(metavar="NAME", help="The activity's name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Connections = Annotated[
    Path | None, typer.Option(metavar="FILE", help="TOML file with one table for each kind of system: how to enter it.")
]
Probe = Annotated[
    str | None, typer.Option(metavar="MODULE:FUNCTION", help="(kind, name) -> bool: does the object exist?")
]
Foreign = Annotated[
    str | None, typer.Option(metavar="MODULE:FUNCTION", help="(kind, name): makes an object without our proof.")
]
Product = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Folder whose product.toml has it as a container activity.")
]
Program = Annotated[
    str | None, typer.Option(metavar="COMMAND", help="With --product: the program that stands for the image.")
]


def list_(*, as_json: AsJson = False) -> ExitCode:
    """List the installed activities, and those of packages that cannot be used, with the reason."""
    return run_module("tenancy.testing", ["list", *(["--json"] if as_json else [])])


def hold_to_contract(
    name: Name,
    connections: Connections = None,
    probe: Probe = None,
    foreign: Foreign = None,
    *,
    product: Product = None,
    program: Program = None,
    as_json: AsJson = False,
) -> ExitCode:
    """Hold an activity to the contract, on its real system: twice, undone, overtaken, killed anywhere.

    It makes and removes objects with names of its own; exit code 1 if a rule is broken.
    """
    options = {
        "--connections": connections,
        "--probe": probe,
        "--foreign": foreign,
        "--product": product,
        "--program": program,
    }
    words = [word for option, value in options.items() if value is not None for word in (option, str(value))]
    return run_module("tenancy.testing", ["test", name, *words, *(["--json"] if as_json else [])])


def activity_app(*, with_commands: bool) -> typer.Typer:
    """The group. A group that is only listed gets no commands: typer takes long to prepare their arguments."""
    made = typer.Typer(help="List the installed activities, and test one.", rich_markup_mode=None)
    made.callback()(lambda: None)
    if with_commands:
        made.command("list", epilog="Example: tenantctl activity list")(list_)
        made.command("test", epilog="Example: tenantctl activity test create_s3_bucket --connections s3.toml")(
            hold_to_contract
        )
    return made
