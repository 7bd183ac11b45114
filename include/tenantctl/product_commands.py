"""`tenantctl product`: check, show and begin a product's folder. Everything happens in `python -m tenancy.products`."""

from pathlib import Path
from typing import Annotated

import typer

from tenantctl.exit_codes import ExitCode
from tenantctl.module_command import run_module

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The product's folder, which has a product.toml.")]
MaybeFolder = Annotated[
    Path | None,
    typer.Argument(metavar="[DIR]", help="The product's folder; without it the only one in TENANCY_PRODUCTS."),
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


def product_app(*, with_commands: bool) -> typer.Typer:
    """The group. A group that is only listed gets no commands: typer takes long to prepare their arguments."""
    made = typer.Typer(help="Check, show or begin a product's folder.", rich_markup_mode=None)
    made.callback()(lambda: None)
    for command, example in ((check, "check products/crm"), (show, "show products/crm"), (init, "init products/crm")):
        if with_commands:
            made.command(command.__name__, epilog=f"Example: tenantctl product {example}")(command)
    return made


def _run(verb: str, folder: Path | None) -> ExitCode:
    return run_module("tenancy.products", [verb, *([str(folder)] if folder else [])])
