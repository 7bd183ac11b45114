"""`tenantctl product`: check, show and begin a product's folder. Everything happens in `python -m tenancy.products`."""

from pathlib import Path
from typing import Annotated, Final

import click

from tenantctl.exit_codes import ExitCode
from tenantctl.module_command import module_command, run_module
from tenantctl.parameters import argument

_FOLDER: Final = click.Path(path_type=Path)
Folder = Annotated[Path, argument("DIR", type=_FOLDER, help="The product's folder, which has a product.toml.")]
MaybeFolder = Annotated[
    Path | None,
    argument("DIR", type=_FOLDER, help="The product's folder; without it the only one in TENANCY_PRODUCTS."),
]


def check(folder: MaybeFolder = None) -> ExitCode:
    """Name every mistake of a product, each with its file and key; exit code 1 if there is one. Asks no cluster."""
    return _run("check", folder)


def show(folder: MaybeFolder = None) -> ExitCode:
    """Show a product's chart, migrations and activities."""
    return _run("show", folder)


def init(folder: Folder) -> ExitCode:
    """Write a new product's folder with a commented starting point that passes the check."""
    return _run("init", folder)


def _run(verb: str, folder: Path | None) -> ExitCode:
    return run_module("tenancy.products", [verb, *([str(folder)] if folder else [])])


GROUP: Final = click.Group(
    "product",
    no_args_is_help=False,
    help="Check, show or begin a product's folder.",
    commands=[
        module_command(each.__name__, each, f"product {each.__name__} products/crm") for each in (check, show, init)
    ],
)
