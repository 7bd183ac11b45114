"""Commands that run a part of the product as a process: this package imports nothing of the product.

So the commands for tenants need neither Helm nor alembic (docs/adr/0040-product-files.md).
"""

import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Final

import click

from tenantctl.exit_codes import ExitCode
from tenantctl.parameters import SectionedCommand, parameters_of


def module_command(name: str, run: Callable[..., ExitCode], example: str) -> click.Command:
    """click's command for a function that calls `run_module`. It has no server, and so no shared options."""
    epilog = f"Example: tenantctl {example}"
    return SectionedCommand(name, callback=run, params=parameters_of(run), help=run.__doc__, epilog=epilog)


def run_module(module: str, words: Sequence[str]) -> ExitCode:
    """`python -m module words`; its exit code.

    Ctrl-C reaches the module, too, which may have to clean up, so its end is awaited.
    """
    with subprocess.Popen([sys.executable, "-m", module, *words]) as process:
        while True:
            try:
                return _PASSED_ON.get(process.wait(), ExitCode.FAILED)
            except KeyboardInterrupt:
                continue


_PASSED_ON: Final[dict[int, ExitCode]] = {
    code: code for code in (ExitCode.DONE, ExitCode.FAILED, ExitCode.USAGE, ExitCode.INTERRUPTED)
}
