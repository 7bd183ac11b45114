"""`tenantctl activity`: list the installed activities, and test one. All happens in `python -m tenancy.testing`."""

from pathlib import Path
from typing import Annotated, Final

import click

from tenantctl.exit_codes import ExitCode
from tenantctl.module_command import module_command, run_module
from tenantctl.parameters import argument, flag, option

Name = Annotated[str, argument("NAME", help="The activity's name.")]
AsJson = Annotated[bool, flag("--json", help="Print JSON.")]
Connections = Annotated[
    Path | None,
    option(
        "--connections",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="TOML file with one table for each kind of system: how to enter it.",
    ),
]
Probe = Annotated[
    str | None, option("--probe", metavar="MODULE:FUNCTION", help="(kind, name) -> bool: does the object exist?")
]
Foreign = Annotated[
    str | None,
    option("--foreign", metavar="MODULE:FUNCTION", help="(kind, name): makes an object without our proof."),
]
Product = Annotated[
    Path | None,
    option(
        "--product",
        metavar="DIR",
        type=click.Path(path_type=Path),
        help="Folder whose product.toml has it as a container activity.",
    ),
]
Program = Annotated[
    str | None,
    option("--program", metavar="COMMAND", help="With --product: the program that stands for the image."),
]
Quick = Annotated[bool, flag("--quick", help="Wait at most 1 s for late writes after a kill. Not before a release.")]
Rule = Annotated[str | None, option("--rule", metavar="TEXT", help="Only the rules whose sentence contains TEXT.")]


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
    rule: Rule = None,
    quick: Quick = False,
    as_json: AsJson = False,
) -> ExitCode:
    """Hold an activity to the contract, on its real system: twice, undone, overtaken, killed anywhere.

    It makes and removes objects with names of its own; only what --foreign makes stays, and is named at the end. Exit
    code 1 if a rule is broken, or if the system cannot be entered.
    """
    given = {
        "--connections": connections,
        "--probe": probe,
        "--foreign": foreign,
        "--product": product,
        "--program": program,
        "--rule": rule,
    }
    flags = [name_ for name_, given_ in {"--quick": quick, "--json": as_json}.items() if given_]
    words = [word for name_, value in given.items() if value is not None for word in (name_, str(value))]
    return run_module("tenancy.testing", ["test", name, *words, *flags])


GROUP: Final = click.Group(
    "activity",
    no_args_is_help=False,
    help="List the installed activities, and test one.",
    commands=[
        module_command("list", list_, "activity list"),
        module_command("test", hold_to_contract, "activity test create_s3_bucket --connections s3.toml"),
    ],
)
